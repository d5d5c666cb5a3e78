#pragma once

#include "orrery/archive/layout.hpp"

#include <cstdint>

namespace orrery::archive {

inline constexpr const char* trace_format = "orrery-trace";
inline constexpr std::int64_t trace_format_version = 1;

/// The sizes that a trace file's datasets have (design.md).
struct TraceExtent {
  std::int64_t samples = 0;     ///< N, rows
  std::int64_t layers = 0;      ///< L; P = 2L + 1 capture points follow
  std::int64_t units = 0;       ///< D
  std::int64_t components = 0;  ///< k as asked for; the file has at most K = min(N − 1, D)
  std::int64_t tokens = 0;      ///< of all samples together, BOS counted
  std::int64_t ranks = 1;
  bool keep_rows = true;      ///< `--store rows`
  bool rows_float64 = false;  ///< `--residual float64`
  double active_threshold = 0.1;

  std::int64_t points() const { return 2 * layers + 1; }
  /// K: eigenvalues a covariance can have above 0. 0 for one row.
  std::int64_t eigenvalues() const;
  /// k: eigenvectors that are kept.
  std::int64_t kept_components() const;
};

/// The layout of a trace file: names, shapes and types as design.md has them. What has no entry in this run,
/// and the rows where they are not kept, stands in `absent`. `/points` is filled in; the groups /timing and
/// /headline wait for their attributes; those of the root are the caller's to add. Scales lie at the root;
/// `rank_number` alone lies in /timing, so that nothing outside depends on the ranks.
Layout trace_layout(const TraceExtent& extent);

}  // namespace orrery::archive
