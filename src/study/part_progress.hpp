#pragma once

#include "orrery/core/progress.hpp"

#include <cstdint>

namespace orrery::study {

/// Tells a sink of a phase in `parts` equal parts how far it is, from how far part `part` is.
class PartProgress final : public core::ProgressSink {
 public:
  PartProgress(core::ProgressSink& whole, std::int64_t part, std::int64_t parts)
      : whole_(whole), part_(static_cast<double>(part)), parts_(static_cast<double>(parts)) {}

  void begin(const core::Phase&) override {}
  void advance(double fraction) override { whole_.advance((part_ + fraction) / parts_); }
  void end() override {}

 private:
  core::ProgressSink& whole_;
  double part_;
  double parts_;
};

}  // namespace orrery::study
