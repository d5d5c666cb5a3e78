#include "orrery/run/watchdog.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/core/number_text.hpp"
#include "orrery/parallel/agreement.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace orrery::run {

/// How a rank gets on, as it stands in the file at its rank's place.
struct Slot {
  std::int64_t beats = 0;
  std::int64_t is_waiting = 0;
  std::int64_t pulse = 0;  // grows as long as the process lives, whatever it does
  std::array<char, 64> host{};
  std::array<char, 168> phase{};

  bool has_got_on(const Slot& before) const {
    return beats != before.beats || is_waiting != before.is_waiting || phase != before.phase;
  }
};
static_assert(std::is_trivially_copyable_v<Slot> && sizeof(Slot) == 256);

namespace {

using core::concat;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

template <std::size_t size>
void put(std::array<char, size>& into, const std::string& text) {
  std::memcpy(into.data(), text.data(), std::min(text.size(), size - 1));
}

Slot own_slot() {
  const core::Heartbeat heartbeat = core::heartbeat();
  Slot slot;
  slot.beats = heartbeat.beats;
  slot.is_waiting = heartbeat.is_waiting ? 1 : 0;
  put(slot.host, core::host_name());
  put(slot.phase, heartbeat.phase);
  return slot;
}

/// "rank 3 on node07 (phase: the forward pass), rank 5 …"
std::string ranks_text(const std::vector<Slot>& slots, const std::vector<std::size_t>& which) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(which.size(), most); ++i) {
    const Slot& slot = slots[which[i]];
    text += concat(i > 0 ? ", " : "", "rank ", which[i]);
    if (slot.beats > 0) text += concat(" on ", slot.host.data(), " (phase: ", slot.phase.data(), ")");
  }
  if (which.size() > most) text += concat(" and ", which.size() - most, " more");
  return text;
}

}  // namespace

/// The watchdog's thread, and what it has seen of the ranks.
class Watchdog::Monitor {
 public:
  Monitor(int rank, double minutes, End end)
      : rank_(rank),
        minutes_(minutes),
        // The others wait a little longer: rank 0 speaks unless it can't.
        patience_(minutes * 60 * (rank == 0 ? 1 : 1.2 + 0.1 * std::min(rank, 10))),
        end_(std::move(end)),
        thread_([this] { run(); }) {}

  ~Monitor() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    wakes_.notify_all();
    thread_.join();
  }

  void watch(const std::filesystem::path& path, int ranks) {
    const std::lock_guard lock(mutex_);
    path_ = path;
    slots_.resize(static_cast<std::size_t>(ranks));
    alive_.resize(slots_.size(), Clock::now());
  }

 private:
  void run() {
    const Seconds tick(std::clamp(minutes_ * 60 / 20, 0.02, 10.0));
    std::unique_lock lock(mutex_);
    while (!wakes_.wait_for(lock, tick, [&] { return is_over_; })) {
      if (look()) since_ = Clock::now();
      if (Seconds(Clock::now() - since_) < patience_) continue;
      // Who waits knows nothing of the others before the file is there.
      if (path_.empty() && own_.is_waiting != 0) continue;
      // One rank speaks: who takes the file away.
      if (!path_.empty() && ::unlink(path_.c_str()) != 0) continue;
      end_(reason());
    }
  }

  /// Whether anyone got on.
  bool look() {
    Slot now = own_slot();
    now.pulse = own_.pulse + 1;
    bool is_news = now.has_got_on(std::exchange(own_, now));
    if (path_.empty()) return is_news;
    // Opened anew each time: network file systems show others' writes then.
    if (const int file = ::open(path_.c_str(), O_RDWR | O_CLOEXEC); file >= 0) {
      static_cast<void>(!::pwrite(file, &now, sizeof now, static_cast<off_t>(sizeof now) * rank_));
      std::vector<Slot> slots(slots_.size());
      static_cast<void>(!::pread(file, slots.data(), slots.size() * sizeof(Slot), 0));
      ::close(file);
      for (std::size_t rank = 0; rank < slots.size(); ++rank) {
        is_news = is_news || slots[rank].has_got_on(slots_[rank]);
        if (slots[rank].pulse != slots_[rank].pulse) alive_[rank] = Clock::now();
      }
      slots_ = std::move(slots);
    }
    return is_news;
  }

  core::Error reason() const {
    const auto error = [&](const std::string& who) {
      return core::internal_error(
          "the run has stalled", concat("nothing done for ", core::number_text(minutes_), " minutes; ", who),
          "see to that node, its device and its file system, then give the same command with --resume");
    };
    if (path_.empty()) {
      return error(concat("rank ", rank_, " on ", own_.host.data(), " (phase: ", own_.phase.data(), ")"));
    }
    std::vector<std::size_t> absent;
    for (std::size_t rank = 0; rank < slots_.size(); ++rank) {
      if (Seconds(Clock::now() - alive_[rank]) > patience_ / 2) absent.push_back(rank);
    }
    const bool all_live = absent.empty();
    for (std::size_t rank = 0; rank < slots_.size() && all_live; ++rank) {
      if (slots_[rank].is_waiting == 0) absent.push_back(rank);
    }
    if (absent.empty()) {
      return error(
          concat("all ", slots_.size(), " ranks wait for each other (phase: ", own_.phase.data(), ")"));
    }
    const std::size_t waiting = slots_.size() - absent.size();
    return error(
        concat(waiting, waiting == 1 ? " rank waits" : " ranks wait", " for ", ranks_text(slots_, absent)));
  }

  const int rank_;
  const double minutes_;
  const Seconds patience_;
  const End end_;
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool is_over_ = false;
  std::filesystem::path path_;
  Slot own_;
  std::vector<Slot> slots_;
  std::vector<Clock::time_point> alive_;  // when a rank's pulse was last seen to grow
  Clock::time_point since_ = Clock::now();
  std::thread thread_;
};

Watchdog::Watchdog(const parallel::Communicator& ranks, double minutes, End end) : ranks_(ranks) {
  if (minutes > 0) monitor_ = std::make_unique<Monitor>(ranks.rank(), minutes, std::move(end));
}

Watchdog::~Watchdog() = default;

void Watchdog::watch(const std::filesystem::path& path) {
  if (!monitor_) return;
  parallel::agree(ranks_, "the heartbeats' file", [&] {
    if (!ranks_.is_root()) return;
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const bool made = file >= 0 && ::ftruncate(file, static_cast<off_t>(sizeof(Slot)) * ranks_.size()) == 0;
    if (file >= 0) ::close(file);
    if (!made)
      throw core::system_error("a file can't be written", path.string(), "see to the folder's rights");
  });
  monitor_->watch(ranks_.broadcast(path.string()), ranks_.size());
}

}  // namespace orrery::run
