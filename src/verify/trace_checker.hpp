#pragma once

#include "file_checker.hpp"
#include "orrery/archive/trace_layout.hpp"

namespace orrery::verify {

/// A trace file under scrutiny.
class TraceChecker : public FileChecker {
 public:
  using FileChecker::FileChecker;

  const archive::TraceExtent& extent() const { return extent_; }

  /// What the file's sizes say that it holds; false, and told, where no trace has such sizes.
  bool take_sizes();

  /// What streamed moments may be off by where rows that are kept are exact but for rounding.
  double streaming_error() const { return extent_.rows_kept ? 0.0 : 1e-6; }

 private:
  archive::TraceExtent extent_;
};

}  // namespace orrery::verify
