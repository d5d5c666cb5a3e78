#include "geometry_statistics.hpp"

#include "describe.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace orrery::statistics {

StatisticDatasets PlaneCurvatureStatistic::describe(const TraceExtent& extent) const {
  return {.datasets = mean_and_spread(
              extent, {.path = "/geometry/plane_curvature",
                       .dimension = "bend",
                       .what = "the angle between the steps z[n,s+1] - z[n,s] and z[n,s+2] - z[n,s+1] in the "
                               "first two pooled components",
                       .undefined = "either step is 0",
                       .range = {0, std::numbers::pi},
                       .units = "radian"})};
}

void PlaneCurvatureStatistic::put(const StatisticRun& run, const TraceMoments& moments,
                                  const PutNumbers& to) const {
  if (run.ranks.is_root()) put_series(to, "/geometry/plane_curvature", moments.plane_curvature);
}

StatisticDatasets PrincipalAngleStatistic::describe(const TraceExtent&) const {
  return {.datasets = {
              {.path = "/geometry/principal_angle",
               .dimensions = {"step", "mode"},
               .long_name =
                   "principal angles between the leading subspaces of s and s + 1, of dimension min(k, both "
                   "ranks), ascending; those below pi/4 from the sine",
               .units = "radian",
               .nan_where = "beyond that dimension",
               .range = core::Range{0, std::numbers::pi / 2}}}};
}

void PrincipalAngleStatistic::take_moments(const StatisticRun& run, const TraceMoments& moments) {
  angles_ = principal_angles(run.ranks, moments.points, run.options.threads);
}

void PrincipalAngleStatistic::put(const StatisticRun&, const TraceMoments&, const PutNumbers& to) const {
  put_whole(to, "/geometry/principal_angle", angles_);
}

/// Ascending up to the dimension that both neighbours have, NaN behind.
void PrincipalAngleStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/geometry/principal_angle", "/pca/rank"})) return;
  const std::vector<double> angle = stored.reals("/geometry/principal_angle");
  const std::vector<double> rank = stored.reals("/pca/rank");
  const std::int64_t kept = extent.kept_components();
  Identity identity("principal angles");
  for (std::size_t i = 0; i < angle.size(); ++i) {
    const std::int64_t step = static_cast<std::int64_t>(i) / kept;
    const std::int64_t place = static_cast<std::int64_t>(i) % kept;
    const double dimension =
        std::min(rank[static_cast<std::size_t>(step)], rank[static_cast<std::size_t>(step) + 1]);
    const bool defined = static_cast<double>(place) < dimension;
    const bool ascends = place == 0 || !defined || angle[i] >= angle[i - 1];
    identity.require(std::isnan(angle[i]) != defined && ascends, angle[i], dimension, "step ", step,
                     ", angle ", place);
  }
  identity.tell(stored);
}

StatisticDatasets FlowStatistic::describe(const TraceExtent& extent) const {
  const std::string cut =
      extent.rows_kept ? "singular values of Z[s] below 1e-10 of the largest are dropped"
                       : "eigenvalues of Z[s]'s moments below max(N, f) 2^-52 of the largest are dropped";
  const std::string map =
      "Z[s+1] = Z[s] A^T, Z[s] the leading f pooled scores at s less their mean: least squares, minimum norm";
  StatisticDatasets described;
  const auto add = [&](core::Dataset dataset) {
    dataset.attributes.emplace_back("cut", cut);
    dataset.nan_where = "Z[s] or Z[s+1] has no entry but 0";
    described.datasets.push_back(std::move(dataset));
  };
  add({.path = "/geometry/flow_eigenvalue",
       .dimensions = {"step", "flow_mode", "complex_part"},
       .long_name = "eigenvalues of the linear flow A from s to s + 1: " + map,
       .attributes = {{"order", "descending modulus, then real part, then imaginary part"}}});
  add({.path = "/geometry/flow_explained",
       .dimensions = {"step"},
       .long_name = "1 - |Z[s+1] - Z[s] A^T|^2 / |Z[s+1]|^2 of the linear flow A from s to s + 1",
       .range = core::Range{0, 1, 1e-6}});
  add({.path = "/geometry/flow_persistence",
       .dimensions = {"step"},
       .long_name = "1 - |Z[s+1] - Z[s]|^2 / |Z[s+1]|^2: what the flow A = 1 gives",
       .range = core::Range{.greatest = 1}});
  return described;
}

void FlowStatistic::put(const StatisticRun&, const TraceMoments& moments, const PutNumbers& to) const {
  std::vector<double> eigenvalues, explained, persistence;
  for (const FlowStep& step : moments.flow) {
    for (const std::complex<double>& value : step.eigenvalue) {
      eigenvalues.push_back(value.real());
      eigenvalues.push_back(value.imag());
    }
    explained.push_back(step.explained);
    persistence.push_back(step.persistence);
  }
  if (eigenvalues.empty()) return;
  const auto steps = std::ssize(moments.flow);
  to("/geometry/flow_eigenvalue", {0, 0, 0},
     view_of(eigenvalues, {steps, std::ssize(eigenvalues) / steps / 2, 2}));
  put_line(to, "/geometry/flow_explained", explained);
  put_line(to, "/geometry/flow_persistence", persistence);
}

/// As many as the flow's components have scores, NaN behind; by descending modulus, complex ones in pairs; a
/// least-squares map explains no less than standing still.
void FlowStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/geometry/flow_eigenvalue", "/geometry/flow_explained", "/geometry/flow_persistence",
                   "/pooled/eigenvalue"}))
    return;
  const std::vector<double> value = stored.reals("/geometry/flow_eigenvalue");
  const std::vector<double> explained = stored.reals("/geometry/flow_explained");
  const std::vector<double> persistence = stored.reals("/geometry/flow_persistence");
  Identity order("flow eigenvalues descending"), pairs("flow eigenvalues in pairs"), gain("flow explained");
  const std::size_t line = value.size() / explained.size();
  // One row has no flow; and components beyond the pooled rank have no scores, where rows are equal, units
  // dead or layers write next to nothing.
  const std::vector<double> variance = stored.reals("/pooled/eigenvalue");
  const auto rank = std::ranges::count_if(variance, [](double one) { return one > 0; });
  const std::size_t defined = extent.rows > 1 ? std::min(static_cast<std::size_t>(rank), line / 2) : 0;
  for (std::size_t step = 0; step < explained.size(); ++step) {
    double imaginary = 0, size = 0;
    for (std::size_t i = step * line; i < (step + 1) * line; i += 2) {
      const double modulus = std::hypot(value[i], value[i + 1]);
      const double before = i > step * line ? std::hypot(value[i - 2], value[i - 1]) : modulus;
      const std::size_t number = (i - step * line) / 2;
      order.require(std::isnan(modulus) == (number >= defined) && !(modulus > before * (1 + 1e-12)), modulus,
                    before, "step ", step, ", eigenvalue ", number);
      if (number >= defined) continue;
      imaginary += value[i + 1];
      size += modulus;
    }
    if (defined > 0) pairs.hold(imaginary, 0, 64 * epsilon * size, "step ", step);
    if (std::isnan(explained[step])) continue;
    gain.require(!(explained[step] < persistence[step] - 1e-6), explained[step], persistence[step], "step ",
                 step);
  }
  order.tell(stored);
  pairs.tell(stored);
  gain.tell(stored);
}

}  // namespace orrery::statistics
