#pragma once

#include <cstdint>
#include <string>

namespace orrery::core {

/// A phase of the work over all ranks: `pieces` tiles, say, of `items` tokens in all. Both names are plurals.
struct Phase {
  std::string name;
  std::int64_t pieces = 0;
  std::string pieces_name;
  std::int64_t items = 0;
  std::string items_name;
};

/// Where long work reports its progress. Calls may come from several threads.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void begin(const Phase& phase) = 0;
  /// This rank has done `fraction`, 0 … 1, of its share of the phase; the other ranks are taken to be as far.
  virtual void advance(double fraction) = 0;
  virtual void end() = 0;
};

/// Reports nothing.
class SilentProgress final : public ProgressSink {
 public:
  void begin(const Phase&) override {}
  void advance(double) override {}
  void end() override {}
};

}  // namespace orrery::core
