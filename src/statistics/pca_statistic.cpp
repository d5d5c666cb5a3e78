#include "pca_statistic.hpp"

#include "describe.hpp"
#include "memory_sizes.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/statistics/jackknife.hpp"
#include "orrery/statistics/spectrum.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"
#include "spectrum_checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <type_traits>
#include <utility>

namespace orrery::statistics {
namespace {

using core::concat;

constexpr std::size_t ninety_percent = 2;  // of variance_shares
static_assert(variance_shares[ninety_percent] == 0.90);

/// "50, 80, 90, 95, 99 %"
std::string shares_text() {
  std::string text;
  for (const std::int64_t share : variance_percents()) text += concat(text.empty() ? "" : ", ", share);
  return text + " %";
}

/// All ranks' lists as one, by point and block.
std::vector<LeftOutDimension> joined(const std::vector<std::vector<LeftOutDimension>>& by_rank) {
  std::vector<LeftOutDimension> all;
  for (const auto& list : by_rank) all.insert(all.end(), list.begin(), list.end());
  const auto key = [](const LeftOutDimension& value) { return std::pair(value.point, value.block); };
  std::ranges::sort(all, {}, key);
  return all;
}

/// Adds the three measures of dimension of a point.
void tell_dimensions(Headline& headline, const StatisticRun& run, const std::vector<Spectrum>& spectra,
                     const std::vector<LeftOutDimension>& left_out, std::int64_t point,
                     const std::string& place, const std::string& where) {
  Spectrum spectrum;
  const bool there = point >= 0 && point < run.extent.points;
  if (there) spectrum = spectra[point];
  const double components =
      there && run.extent.samples > 1 ? spectrum.components_for[ninety_percent] : core::not_a_number;
  std::vector<double> left_components, left_ratio, left_corrected;
  for (const LeftOutDimension& without : left_out) {
    if (without.point != point) continue;
    left_components.push_back(without.components);
    left_ratio.push_back(without.participation_ratio);
    left_corrected.push_back(without.participation_ratio_corrected);
  }
  headline.add("components_90_" + place, components, left_components,
               "principal components for 90 % of the variance, " + where);
  headline.add("participation_ratio_" + place, spectrum.participation_ratio, left_ratio,
               "participation ratio, " + where);
  headline.add("participation_ratio_corrected_" + place, spectrum.participation_ratio_corrected,
               left_corrected, "participation ratio corrected for the number of rows, " + where);
}

void put_spectra(const PutNumbers& to, const std::vector<Spectrum>& spectra) {
  const auto column = [&](const char* path, auto member) {
    std::vector<std::remove_cvref_t<decltype(spectra.front().*member)>> values;
    for (const Spectrum& spectrum : spectra) values.push_back(spectrum.*member);
    put_line(to, path, values);
  };
  column("/pca/total_variance", &Spectrum::total_variance);
  column("/pca/participation_ratio", &Spectrum::participation_ratio);
  column("/pca/participation_ratio_corrected", &Spectrum::participation_ratio_corrected);
  column("/pca/participation_ratio_standardised", &Spectrum::participation_ratio_standardised);
  column("/pca/effective_rank", &Spectrum::effective_rank);
  column("/pca/top_unit_share", &Spectrum::top_unit_share);
  column("/pca/rank", &Spectrum::rank);
  std::vector<std::int32_t> counts;
  for (const Spectrum& spectrum : spectra)
    counts.insert(counts.end(), spectrum.components_for.begin(), spectrum.components_for.end());
  put_lines(to, "/pca/components_for", counts, std::ssize(variance_shares));
}

/// Identities of each point's spectrum.
struct SpectrumIdentities {
  Identity order{"eigenvalues descending"}, rank{"rank"}, traces{"sum of eigenvalues = total variance"},
      variances{"total variance = sum of variances"}, ratio{"participation ratio of the eigenvalues"},
      corrected{"corrected participation ratio"}, effective{"effective rank of the eigenvalues"},
      share{"share of the top unit"}, needed{"components for a share of the variance"};
  const TraceExtent& extent;
  std::vector<double> total, ratios, correcteds, effectives, shares, ranks, counts;

  SpectrumIdentities(const StoredNumbers& stored, const TraceExtent& of)
      : extent(of),
        total(stored.reals("/pca/total_variance")),
        ratios(stored.reals("/pca/participation_ratio")),
        correcteds(stored.reals("/pca/participation_ratio_corrected")),
        effectives(stored.reals("/pca/effective_rank")),
        shares(stored.reals("/pca/top_unit_share")),
        ranks(stored.reals("/pca/rank")),
        counts(stored.reals("/pca/components_for")) {}

  void hold_variances(std::size_t s, std::span<const double> variance) {
    const double error =
        64 * epsilon * static_cast<double>(std::max(extent.rows, extent.units)) + streaming_error(extent);
    const std::string place = concat("point ", s);
    const double trace = sum_of(variance);
    variances.hold(total[s], trace, error * trace, place);
    const double top = *std::ranges::max_element(variance) / trace;
    share.hold(shares[s], trace > 0 ? top : core::not_a_number, 2 * error, place);
  }

  void hold_eigenvalues(std::size_t s, std::span<const double> eigenvalue) {
    const std::string place = concat("point ", s);
    const double error = spectrum_error(extent, std::ssize(eigenvalue), static_cast<double>(extent.rows));
    rank.hold(ranks[s], static_cast<double>(hold_descending(eigenvalue, order, place + ", ")), 0, place);
    const double away = quantised_away(extent, std::ssize(eigenvalue));
    traces.hold(sum_of(eigenvalue), total[s], error * eigenvalue[0] + (64 * epsilon + away) * total[s],
                place);
    double squares = 0;
    for (const double value : eigenvalue) squares += value * value;
    // tr(C²) is at least the largest eigenvalue's square.
    const double expected = participation_ratio(total[s], squares);
    ratio.hold(ratios[s], expected, 4 * error * expected, place);
    effective.hold(effectives[s], effective_rank(eigenvalue), 1e-12 * effectives[s], place);
    const double excess = squares - total[s] * total[s] / static_cast<double>(extent.rows - 1);
    if (extent.rows > 2 && excess > 1e-6 * squares) {
      const double value = corrected_participation_ratio(total[s], squares, extent.rows);
      corrected.hold(correcteds[s], value, 4 * error * squares / excess * value, place);
    }
    for (std::size_t i = 0; i < variance_shares.size(); ++i) {
      needed.hold(counts[variance_shares.size() * s + i], components_for(eigenvalue, variance_shares[i]), 0,
                  place, ", ", 100 * variance_shares[i], " %");
    }
  }

  void tell(StoredNumbers& stored) const {
    for (const Identity* identity :
         {&order, &rank, &traces, &variances, &ratio, &corrected, &effective, &share, &needed}) {
      identity->tell(stored);
    }
  }
};

}  // namespace

StatisticDatasets PcaStatistic::describe(const TraceExtent& extent) const {
  StatisticDatasets described;
  std::vector<core::Dataset>& datasets = described.datasets;
  const auto add = [&](const char* name, const char* long_name, const std::string& nan_where,
                       const core::Range& range) {
    datasets.push_back({.path = std::string("/pca/") + name,
                        .dimensions = {"point"},
                        .long_name = long_name,
                        .nan_where = nan_where,
                        .range = range});
  };
  const auto directions = static_cast<double>(extent.eigenvalues());
  const std::string level = "all rows are equal, or there is one";
  add("total_variance", "trace of the covariance C of x[:,s], divisor N - 1", where_one_row(extent),
      core::not_negative);
  add("participation_ratio", "tr(C)^2 / tr(C^2)", level, core::Range{1, directions, 1e-9});
  add("participation_ratio_corrected",
      "tr(C)^2 / T with T = M^2 / ((M-1)(M+2)) * (tr(C^2) - tr(C)^2 / M), M = N - 1: "
      "corrected for the number of rows",
      level + "; fewer than three rows; a spectrum as flat as M rows allow", core::not_negative);
  add("participation_ratio_standardised",
      "D'^2 / sum of r_ij^2 over the D' units that vary, r their correlation matrix", level,
      core::Range{1, directions, 1e-6});
  add("effective_rank", "exp of the entropy of the normalised spectrum", level,
      core::Range{1, directions, 1e-9});
  add("top_unit_share", "largest variance of one unit over the total variance", level, core::share_range);
  datasets.push_back({.path = "/pca/rank",
                      .type = core::ElementType::int32,
                      .dimensions = {"point"},
                      .long_name = "eigenvalues above max(N, D) * 2^-52 times the largest, and above what "
                                   "rounding of streamed rows may have made",
                      .range = core::Range{0, directions}});
  datasets.push_back({.path = "/pca/eigenvalue",
                      .dimensions = {"point", "eigen"},
                      .long_name = "eigenvalues of the covariance of x[:,s], descending; 0 beyond the rank",
                      .range = core::not_negative});
  datasets.push_back({.path = "/pca/component",
                      .type = core::ElementType::float32,
                      .dimensions = {"point", "mode", "unit"},
                      .long_name = "leading eigenvectors of the covariance of x[:,s], of length 1",
                      .attributes = {{"sign_rule", sign_rule}},
                      .nan_where = "beyond the rank"});
  datasets.push_back(
      {.path = "/pca/components_for",
       .type = core::ElementType::int32,
       .dimensions = {"point", "share"},
       .long_name = "least number of components that hold " + shares_text() + " of the variance",
       .attributes = {{"slack", 1e-12},
                      {"slack_rule",
                       "a sum that misses its share by less than `slack` of the variance is enough"}},
       .range = core::Range{0, directions}});
  return described;
}

/// In hand: centred rows, the scatter matrix n × n, its eigenvectors and LAPACK's 2n² of work of as many
/// points as there are threads; or the blocks left out of the two points of the headline, where the first two
/// are shared and no vectors made.
StatisticCost PcaStatistic::cost(const CostCase& of) const {
  const Extent& extent = of.extent;
  const std::int64_t threads = of.options.threads;
  const std::int64_t points = points_of_a_rank(extent, of.ranks);
  const std::int64_t values = std::max<std::int64_t>(0, std::min(extent.samples - 1, extent.units));
  const std::int64_t vectors = std::min(of.options.components, values);
  const std::int64_t side = std::min(extent.samples, extent.units);
  const std::int64_t rows = extent.samples * extent.units;
  const std::int64_t components = std::min(threads, points) * (rows + 4 * side * side);
  const std::int64_t left_out =
      std::min<std::int64_t>(2, points) * (rows + side * side) + threads * 2 * side * side;
  return {.during = Sharding::points,
          .flops = flops(of),
          .scratch = number_bytes * std::max(components, left_out),
          .held = number_bytes * points * (values + (vectors + 1) * extent.units)};
}

double PcaStatistic::flops(const CostCase& of) {
  const auto samples = static_cast<double>(of.extent.samples);
  const auto points = static_cast<double>(of.extent.points);
  const auto units = static_cast<double>(of.extent.units);
  if (!of.rows_kept) return points * samples * units * units + points * 6 * units * units * units;
  const double side = std::min(samples, units);
  // A symmetric product is made by halves; by Gram matrix there is a second one, of standardised rows.
  const double products = (samples <= units ? 2 : 1) * points * side * samples * units;
  const double left_out =
      2 * static_cast<double>(SampleBlocks(of.extent.samples).count()) * 2 * side * side * side;
  return products + points * 6 * side * side * side + left_out;
}

void PcaStatistic::take_points(const StatisticRun& run, const PointShard& shard) {
  const HeadlinePlaces places(run.options.points);
  std::vector<LeftOutDimension> own;
  parallel::agree(run.ranks, "standard errors", [&] {
    own = leave_out_dimensions(shard, {places.early, places.late}, run.extent, run.options.threads);
  });
  left_out_ = joined(run.ranks.gather_values<LeftOutDimension>(own));
}

void PcaStatistic::tell(const StatisticRun& run, const TraceMoments& moments, Headline& headline) const {
  const HeadlinePlaces places(run.options.points);
  const std::vector<Spectrum>& spectra = moments.points.spectrum;
  tell_dimensions(headline, run, spectra, left_out_, places.early, "early", "point 1");
  tell_dimensions(headline, run, spectra, left_out_, places.late, "late", "point S - 1");
}

void PcaStatistic::put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const {
  const PointStatistics& own = moments.points;
  for (std::int64_t i = 0; i < std::ssize(own.points); ++i) {
    const std::int64_t point = own.points[i].value();
    if (own.eigenvalue.size(1) == 0) break;
    to("/pca/eigenvalue", {point, 0}, own.eigenvalue.narrow(0, i, 1));
    to("/pca/component", {point, 0, 0}, own.component.narrow(0, i, 1).to(at::kFloat));
  }
  if (run.ranks.is_root()) put_spectra(to, own.spectrum);
}

void PcaStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/pca/total_variance", "/pca/participation_ratio", "/pca/participation_ratio_corrected",
                   "/pca/effective_rank", "/pca/top_unit_share", "/pca/rank", "/pca/components_for",
                   "/trajectory/variance"}) ||
      extent.rows < 2)
    return;
  SpectrumIdentities spectra(stored, extent);
  const auto units = static_cast<std::size_t>(extent.units);
  stored.for_slabs("/trajectory/variance", [&](std::int64_t first, const std::vector<double>& variance) {
    for (std::size_t begin = 0; begin < variance.size(); begin += units) {
      spectra.hold_variances(static_cast<std::size_t>(first) / units + begin / units,
                             std::span(variance).subspan(begin, units));
    }
  });
  if (stored.has({"/pca/eigenvalue"})) {
    const auto count = static_cast<std::size_t>(extent.eigenvalues());
    stored.for_slabs("/pca/eigenvalue", [&](std::int64_t first, const std::vector<double>& eigenvalue) {
      for (std::size_t begin = 0; begin < eigenvalue.size(); begin += count) {
        spectra.hold_eigenvalues(static_cast<std::size_t>(first) / count + begin / count,
                                 std::span(eigenvalue).subspan(begin, count));
      }
    });
  }
  spectra.tell(stored);
  if (!stored.has({"/pca/component"})) return;
  EigenvectorIdentities vectors("components");
  for (std::int64_t s = 0; s < extent.points(); ++s) {
    vectors.hold(stored.reals_at("/pca/component", s), extent.units,
                 static_cast<std::int64_t>(spectra.ranks[s]), concat("point ", s, ", "));
  }
  vectors.tell(stored);
}

void PcaStatistic::verify_headline(const StoredNumbers& stored, const TraceExtent& extent,
                                   HeadlineCheck& check) const {
  const std::vector<double> needed = stored.reals("/pca/components_for");
  std::vector<double> for_ninety;
  for (std::size_t place = ninety_percent; place < needed.size(); place += variance_shares.size())
    for_ninety.push_back(extent.rows > 1 ? needed[place] : core::not_a_number);
  check.hold_points("components_90", for_ninety, extent.point_map);
  for (const std::string name : {"participation_ratio", "participation_ratio_corrected"})
    check.hold_points(name, stored.reals("/pca/" + name), extent.point_map);
}

}  // namespace orrery::statistics
