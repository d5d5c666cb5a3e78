#pragma once

#include <cstdint>
#include <string>

namespace orrery::core {

/// A stretch of work over all ranks: `pieces` tiles, say, of `items` tokens in all. Both are named in the
/// plural.
struct Phase {
  std::string name;
  std::int64_t pieces = 0;
  std::string pieces_name;
  std::int64_t items = 0;
  std::string items_name;
};

/// Where long work says how far it is. Calls may come from several threads.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void begin(const Phase& phase) = 0;
  /// This rank's share of the phase is done to `fraction`, 0 … 1: the others' is taken to be as far.
  virtual void advance(double fraction) = 0;
  virtual void end() = 0;
};

/// Says nothing.
class SilentProgress final : public ProgressSink {
 public:
  void begin(const Phase&) override {}
  void advance(double) override {}
  void end() override {}
};

}  // namespace orrery::core
