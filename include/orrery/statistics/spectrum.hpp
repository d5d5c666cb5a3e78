#pragma once

#include "orrery/core/not_a_number.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace orrery::statistics {

/// The shares of the variance that `components_for` counts components for.
constexpr std::array<double, 5> variance_shares = {0.50, 0.80, 0.90, 0.95, 0.99};

/// The same in percent, as files name them.
constexpr std::array<std::int64_t, variance_shares.size()> variance_percents() {
  std::array<std::int64_t, variance_shares.size()> percents{};
  for (std::size_t i = 0; i < percents.size(); ++i)
    percents[i] = static_cast<std::int64_t>(100 * variance_shares[i] + 0.5);
  return percents;
}

/// The numbers of one covariance matrix C (science.md, section 3). NaN, and 0 for the integers, where N = 1;
/// ratios are NaN and integers 0 where all rows are equal.
struct Spectrum {
  double total_variance = core::not_a_number;                 ///< tr C; 0 where all rows are equal
  double participation_ratio = core::not_a_number;            ///< (tr C)²/tr(C²)
  double participation_ratio_corrected = core::not_a_number;  ///< corrected_participation_ratio
  double participation_ratio_standardised = core::not_a_number;  ///< D′²/Σ r_ij² of the D′ units that vary
  double effective_rank = core::not_a_number;  ///< exp(entropy of the normalised eigenvalues)
  double top_unit_share = core::not_a_number;  ///< the largest C_dd over tr C
  std::int32_t rank = 0;                       ///< rank_of the eigenvalues
  std::array<std::int32_t, variance_shares.size()> components_for{};  ///< for each of variance_shares
};

/// (tr C)²/tr(C²); NaN where there is no variance.
double participation_ratio(double trace, double trace_of_square);

/// The same with tr(C²) freed of what `rows` samples add to it: (tr C)²/T with T = M²/((M−1)(M+2))·(tr C² −
/// (tr C)²/M) and M = rows − 1. NaN where M < 2, and where T is 0 but for rounding (a spectrum as flat as M
/// rows allow).
double corrected_participation_ratio(double trace, double trace_of_square, std::int64_t rows);

/// How many of `eigenvalues`, which descend and are not negative, are above max(N, D)·2⁻⁵² of the first and
/// `rounding` together: the most that rounding of the rows may have made of an eigenvalue that is 0.
std::int32_t rank_of(std::span<const double> eigenvalues, std::int64_t samples, std::int64_t units,
                     double rounding = 0);

/// exp(−Σ p log p), p = λ/Σλ; NaN where there is no variance.
double effective_rank(std::span<const double> eigenvalues);

/// The least m such that the first m eigenvalues are at least `share` of their sum; 0 where there is no
/// variance. A sum that misses it by less than 1e-12 of the whole counts as enough, so that equal eigenvalues
/// don't depend on rounding.
std::int32_t components_for(std::span<const double> eigenvalues, double share);

}  // namespace orrery::statistics
