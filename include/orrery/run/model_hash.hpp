#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <stop_token>
#include <string>
#include <utility>

namespace orrery::run {

/// The hash of a model's files, taken beside other work. One that nobody asks for any more, since the run
/// has failed, is given up: it may take minutes.
class ModelHash {
 public:
  ModelHash() = default;
  ModelHash(const ModelHash&) = delete;
  ModelHash& operator=(const ModelHash&) = delete;
  ~ModelHash() { stop_.request_stop(); }

  /// Begins. `take` ends soon, by an exception or not, once it is asked to stop.
  void begin(std::function<std::string(std::stop_token)> take) {
    hash_ = std::async(std::launch::async, std::move(take), stop_.get_token());
  }
  /// Whether it has begun, and was not asked for yet.
  bool is_awaited() const { return hash_.valid(); }
  bool is_ready() const { return hash_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  /// Waits for it, once. Throws what taking it threw.
  std::string get() { return hash_.get(); }

 private:
  std::stop_source stop_;
  std::future<std::string> hash_;  // whose end waits for the thread
};

}  // namespace orrery::run
