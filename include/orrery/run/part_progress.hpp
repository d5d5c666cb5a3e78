#pragma once

#include "orrery/core/progress.hpp"

namespace orrery::run {

/// Tells a sink of a phase how far it is, from how far a part is that takes it from `begin` to `end`, shares
/// of the whole.
class PartProgress final : public core::ProgressSink {
 public:
  PartProgress(core::ProgressSink& whole, double begin, double end)
      : whole_(whole), begin_(begin), end_(end) {}

  void begin(const core::Phase&) override {}
  void advance(double fraction) override { whole_.advance(begin_ + fraction * (end_ - begin_)); }
  void end() override {}

 private:
  core::ProgressSink& whole_;
  double begin_;
  double end_;
};

}  // namespace orrery::run
