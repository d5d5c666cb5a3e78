#include "spectrum_checks.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/statistics/spectrum.hpp"
#include "spectrum_tools.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace orrery::verify {
namespace {

using core::concat;

/// Checks of one point's spectrum.
struct Spectra {
  Identity order{"eigenvalues descending"}, rank{"rank"}, traces{"sum of eigenvalues = total variance"},
      variances{"total variance = sum of variances"}, ratio{"participation ratio of the eigenvalues"},
      corrected{"corrected participation ratio"}, effective{"effective rank of the eigenvalues"},
      share{"share of the top unit"}, needed{"components for a share of the variance"};
  std::vector<double> total, ratios, correcteds, effectives, shares, ranks, counts;

  explicit Spectra(const TraceChecker& checker)
      : total(checker.reals("/pca/total_variance")),
        ratios(checker.reals("/pca/participation_ratio")),
        correcteds(checker.reals("/pca/participation_ratio_corrected")),
        effectives(checker.reals("/pca/effective_rank")),
        shares(checker.reals("/pca/top_unit_share")),
        ranks(checker.reals("/pca/rank")),
        counts(checker.reals("/pca/components_for")) {}

  void hold_variances(const TraceChecker& checker, std::size_t s, std::span<const double> variance) {
    const archive::TraceExtent& extent = checker.extent();
    const double error =
        64 * epsilon * static_cast<double>(std::max(extent.rows, extent.units)) + checker.streaming_error();
    const std::string place = concat("point ", s);
    const double trace = sum(variance);
    variances.hold(total[s], trace, error * trace, place);
    const double top = *std::ranges::max_element(variance) / trace;
    share.hold(shares[s], trace > 0 ? top : std::nan(""), 2 * error, place);
  }

  void hold_eigenvalues(const TraceChecker& checker, std::size_t s, std::span<const double> eigenvalue) {
    const archive::TraceExtent& extent = checker.extent();
    const std::string place = concat("point ", s);
    const double error = spectrum_error(extent, std::ssize(eigenvalue), static_cast<double>(extent.rows));
    rank.hold(ranks[s], static_cast<double>(check_order(eigenvalue, order, place + ", ")), 0, place);
    const double away = quantised_away(extent, std::ssize(eigenvalue));
    traces.hold(sum(eigenvalue), total[s], error * eigenvalue[0] + (64 * epsilon + away) * total[s], place);
    double squares = 0;
    for (const double value : eigenvalue) squares += value * value;
    // tr(C²) is at least the largest eigenvalue's square.
    const double expected = statistics::participation_ratio(total[s], squares);
    ratio.hold(ratios[s], expected, 4 * error * expected, place);
    effective.hold(effectives[s], statistics::effective_rank(eigenvalue), 1e-12 * effectives[s], place);
    const double excess = squares - total[s] * total[s] / static_cast<double>(extent.rows - 1);
    if (extent.rows > 2 && excess > 1e-6 * squares) {
      const double value = statistics::corrected_participation_ratio(total[s], squares, extent.rows);
      corrected.hold(correcteds[s], value, 4 * error * squares / excess * value, place);
    }
    for (std::size_t i = 0; i < statistics::variance_shares.size(); ++i) {
      needed.hold(counts[5 * s + i], statistics::components_for(eigenvalue, statistics::variance_shares[i]),
                  0, place, ", ", 100 * statistics::variance_shares[i], " %");
    }
  }

  void tell(TraceChecker& checker) const {
    for (const Identity* identity :
         {&order, &rank, &traces, &variances, &ratio, &corrected, &effective, &share, &needed}) {
      identity->tell(checker);
    }
  }
};

}  // namespace

void check_spectra(TraceChecker& checker) {
  if (!checker.has({"/pca/total_variance", "/pca/participation_ratio", "/pca/participation_ratio_corrected",
                    "/pca/effective_rank", "/pca/top_unit_share", "/pca/rank", "/pca/components_for",
                    "/trajectory/variance"})) {
    return;
  }
  const archive::TraceExtent& extent = checker.extent();
  if (extent.rows < 2) return;
  Spectra spectra(checker);
  const auto units = static_cast<std::size_t>(extent.units);
  checker.for_slabs("/trajectory/variance", [&](std::int64_t first, const std::vector<double>& variance) {
    for (std::size_t begin = 0; begin < variance.size(); begin += units) {
      spectra.hold_variances(checker, static_cast<std::size_t>(first) / units + begin / units,
                             std::span(variance).subspan(begin, units));
    }
  });
  if (checker.has({"/pca/eigenvalue"})) {
    const auto count = static_cast<std::size_t>(extent.eigenvalues());
    checker.for_slabs("/pca/eigenvalue", [&](std::int64_t first, const std::vector<double>& eigenvalue) {
      for (std::size_t begin = 0; begin < eigenvalue.size(); begin += count) {
        spectra.hold_eigenvalues(checker, static_cast<std::size_t>(first) / count + begin / count,
                                 std::span(eigenvalue).subspan(begin, count));
      }
    });
  }
  spectra.tell(checker);
  if (!checker.has({"/pca/component"})) return;
  Vectors vectors("components");
  for (std::int64_t s = 0; s < extent.points(); ++s) {
    vectors.hold(checker.file().read_reals("/pca/component", s, 1), extent.units,
                 static_cast<std::int64_t>(spectra.ranks[static_cast<std::size_t>(s)]),
                 concat("point ", s, ", "));
  }
  vectors.tell(checker);
}

}  // namespace orrery::verify
