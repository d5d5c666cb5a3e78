#pragma once

#include "file_checker.hpp"
#include "orrery/archive/trace_layout.hpp"

namespace orrery::verify {

/// A trace file under scrutiny.
class TraceChecker : public FileChecker {
 public:
  using FileChecker::FileChecker;

  const statistics::TraceExtent& extent() const { return extent_; }

  /// What the file's sizes say that it holds; false, and told, where no trace has such sizes.
  bool take_sizes();

 private:
  statistics::TraceExtent extent_;
};

}  // namespace orrery::verify
