#pragma once

#include "orrery/statistics/stored_numbers.hpp"
#include "orrery/statistics/trace_extent.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace orrery::statistics {

// What the checks of several spectra share.

/// A view of `count` lines of `width` numbers.
at::Tensor matrix(const std::vector<double>& values, std::int64_t count, std::int64_t width);

double sum_of(std::span<const double> values);

/// What streamed moments may be off by where those of kept rows are exact but for rounding.
inline double streaming_error(const TraceExtent& extent) {
  return extent.rows_kept ? 0.0 : 1e-6;
}

/// What rounding may do to the sum of `count` eigenvalues, the largest being 1: each is off by at most the
/// rank's threshold for that many rows, or the solver's error, which is of that order.
double spectrum_error(const TraceExtent& extent, std::int64_t count, double rows);

/// What `count` eigenvalues of one point may have been that streaming takes for 0, as a share of the total
/// variance: it counts none that rounding to quanta could have made, N Σ quantum² of the scatter matrix
/// (`Quanta::rounding`), where no quantum² is above 2⁻⁴⁶ (N − 1) times the unit's variance. 0 for kept rows.
double quantised_away(const TraceExtent& extent, std::int64_t count);

/// Tries that eigenvalues descend. Returns the rank: how many are above 0.
std::int64_t hold_descending(std::span<const double> eigenvalue, Identity& identity,
                             const std::string& place);

/// Tries leading eigenvectors (k, D), which a file has as float32: `rank` of them of length 1 and at right
/// angles, each with its entry of largest magnitude positive, and NaN behind.
class EigenvectorIdentities {
 public:
  explicit EigenvectorIdentities(const std::string& of);
  void hold(const std::vector<double>& component, std::int64_t units, std::int64_t rank,
            const std::string& place);
  void tell(StoredNumbers& stored) const;

 private:
  Identity orthonormal_, rest_, sign_;
};

}  // namespace orrery::statistics
