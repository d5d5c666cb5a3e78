#pragma once

#include <cstdint>
#include <string>

namespace orrery::core {

/// Where long work says how far it is. Calls may come from several threads.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// A phase of `tiles` tiles and `tokens` tokens begins, over all ranks.
  virtual void begin(const std::string& phase, std::int64_t tiles, std::int64_t tokens) = 0;
  /// This rank's share of the phase is done to `fraction`, 0 … 1: the others' is taken to be as far.
  virtual void advance(double fraction) = 0;
  virtual void end() = 0;
};

/// Says nothing.
class SilentProgress final : public ProgressSink {
 public:
  void begin(const std::string&, std::int64_t, std::int64_t) override {}
  void advance(double) override {}
  void end() override {}
};

}  // namespace orrery::core
