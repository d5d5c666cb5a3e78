#include "orrery/cli/progress.hpp"

#include "orrery/cli/launcher.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iomanip>
#include <mutex>
#include <unistd.h>

namespace orrery::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Says how far the work is, at most once in `pause`.
class SpokenProgress : public core::ProgressSink {
 public:
  explicit SpokenProgress(Clock::duration pause) : pause_(pause) {}

  void begin(const core::Phase& phase) override {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    start_ = last_ = Clock::now();
  }
  void advance(double fraction) override {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (now - last_ < pause_) return;
    last_ = now;
    say(std::min(fraction, 1.0), std::chrono::duration<double>(now - start_).count());
  }
  void end() override {
    const std::lock_guard lock(mutex_);
    finish(std::chrono::duration<double>(Clock::now() - start_).count());
  }

 protected:
  /// "forward 63 of 110 tiles, 812 tokens/s, 41 s left"
  std::string words(double fraction, double seconds) const {
    return core::concat(phase_.name, ' ', whole(fraction * static_cast<double>(phase_.pieces)), " of ",
                        phase_.pieces, ' ', phase_.pieces_name, ", ", rate(fraction, seconds), ", ",
                        whole(seconds * (1 - fraction) / std::max(fraction, 1e-9) + 0.5), " s left");
  }
  std::string summary(double seconds) const {
    return core::concat(phase_.name, ' ', phase_.pieces, ' ', phase_.pieces_name, " in ", std::fixed,
                        std::setprecision(1), seconds, " s, ", rate(1, seconds));
  }

 private:
  virtual void say(double fraction, double seconds) = 0;
  virtual void finish(double seconds) = 0;

  static std::int64_t whole(double number) { return static_cast<std::int64_t>(number); }
  std::string rate(double fraction, double seconds) const {
    return core::concat(whole(fraction * static_cast<double>(phase_.items) / std::max(seconds, 1e-9)), ' ',
                        phase_.items_name, "/s");
  }

  Clock::duration pause_;
  std::mutex mutex_;
  core::Phase phase_;
  Clock::time_point start_;
  Clock::time_point last_;
};

class Lines final : public SpokenProgress {
 public:
  Lines() : SpokenProgress(std::chrono::seconds(30)) {}

 private:
  void say(double fraction, double seconds) override { core::log_info(words(fraction, seconds)); }
  void finish(double seconds) override { core::log_info(summary(seconds)); }
};

class Bar final : public SpokenProgress {
 public:
  Bar() : SpokenProgress(std::chrono::milliseconds(200)) {}

 private:
  void say(double fraction, double seconds) override {
    constexpr int width = 30;
    const int full = static_cast<int>(fraction * width);
    const std::string bar = std::string(static_cast<std::size_t>(full), '#') +
                            std::string(static_cast<std::size_t>(width - full), '.');
    std::fprintf(stderr, "\r[%s] %s\033[K", bar.c_str(), words(fraction, seconds).c_str());
    std::fflush(stderr);
  }
  void finish(double seconds) override { std::fprintf(stderr, "\r%s\033[K\n", summary(seconds).c_str()); }
};

}  // namespace

std::unique_ptr<core::ProgressSink> make_progress(const std::string& word) {
  if (word == "none") return std::make_unique<core::SilentProgress>();
  if (word == "bar" || (word == "auto" && ::isatty(STDERR_FILENO) != 0 && !has_launcher())) {
    return std::make_unique<Bar>();
  }
  return std::make_unique<Lines>();
}

}  // namespace orrery::cli
