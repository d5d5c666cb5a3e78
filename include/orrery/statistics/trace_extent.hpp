#pragma once

#include "orrery/core/point_map.hpp"

#include <cstdint>

namespace orrery::statistics {

/// The sizes that a trace file's datasets have, and the choices that it records (design.md).
struct TraceExtent {
  std::int64_t samples = 0;
  std::int64_t rows = 0;        ///< N; as many as samples, unless every token is measured
  core::PointMap point_map{};   ///< the P capture points of L layers
  std::int64_t units = 0;       ///< D
  std::int64_t components = 0;  ///< as asked for; the file has k of each point and k' pooled
  std::int64_t tokens = 0;      ///< of all samples together, special ones counted
  std::int64_t ranks = 1;
  std::int64_t permutations = 1000;  ///< draws of each null
  bool rows_kept = true;             ///< `--moments rows`: what needs all rows at once is computed
  bool every_token = false;          ///< `--tokens all`: a row is a token; rows are not kept then
  bool keep_rows = true;             ///< `--store rows`
  bool rows_float64 = false;         ///< `--residual float64`

  std::int64_t points() const { return point_map.size(); }
  /// K: eigenvalues a covariance can have above 0, min(N − 1, D). 0 for one row.
  std::int64_t eigenvalues() const;
  /// k: eigenvectors that are kept of each point.
  std::int64_t kept_components() const;
  /// min(N·P − 1, D) of the PCA over all points, and k' kept eigenvectors.
  std::int64_t pooled_eigenvalues() const;
  std::int64_t pooled_components() const;
  /// f: the pooled components between whose scores the linear flow is fitted (linear_flow.hpp).
  std::int64_t flow_components() const;
};

}  // namespace orrery::statistics
