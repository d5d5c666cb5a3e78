#include "tests/statistics/trace_numbers.hpp"

#include "tests/statistics/data.hpp"

#include <gtest/gtest.h>

namespace orrery::statistics::testing {
namespace {

void put(Numbers& numbers, const std::string& name, const std::vector<double>& values) {
  std::vector<double>& all = numbers[name];
  all.insert(all.end(), values.begin(), values.end());
}

void put(Numbers& numbers, const std::string& name, const at::Tensor& values) {
  if (values.defined()) put(numbers, name, as_doubles(values));
}

void put(Numbers& numbers, const std::string& name, const RowSeries& series) {
  put(numbers, name + "/rows", series.rows);
  put(numbers, name + "/mean", series.mean);
  put(numbers, name + "/std", series.standard_deviation);
}

void put(Numbers& numbers, const std::string& name, const Control& control) {
  put(numbers, name + "/correlation", control.units.correlation);
  put(numbers, name + "/turns", control.units.turns);
  put(numbers, name + "/cosine", control.steps.cosine);
  put(numbers, name + "/velocity", control.steps.velocity);
}

void put_units(Numbers& numbers, const TraceStatistics& got) {
  for (std::size_t u = 0; u < got.units.units.size(); ++u) {
    const std::string unit = "unit " + std::to_string(got.units.units[u]);
    const auto column = static_cast<std::int64_t>(u);
    put(numbers, unit, got.units.mean.select(1, column));
    put(numbers, unit, got.units.variance.select(1, column));
    put(numbers, unit, got.units.adjacent_correlation.select(1, column));
    if (got.information.of_units.defined()) put(numbers, unit, got.information.of_units.select(1, column));
  }
}

void put_points(Numbers& numbers, const TraceStatistics& got) {
  for (std::size_t p = 0; p < got.points.points.size(); ++p) {
    const std::string point = "point " + std::to_string(got.points.points[p].value());
    const auto line = static_cast<std::int64_t>(p);
    put(numbers, point, got.points.mean.select(0, line));
    put(numbers, point, got.points.eigenvalue.select(0, line));
    put(numbers, point, got.points.component.select(0, line));
    if (got.scores.score.defined()) put(numbers, point, got.scores.score.select(0, line));
  }
}

void put_rows(Numbers& numbers, const SampleStatistics& rows) {
  for (const auto& [path, series] : rows.series) put(numbers, path, series);
  put(numbers, "permuted_cosine", rows.permuted_cosine);
  put(numbers, "permuted_velocity", rows.permuted_velocity);
  put(numbers, "acceleration", rows.acceleration);
}

void put_turns(Numbers& numbers, const UnitTurns& turns, const SampleTurns& of_samples) {
  put(numbers, "turns", turns.turns);
  put(numbers, "local turns", turns.local_turns);
  for (std::size_t null = 0; null < turns.null.size(); ++null) {
    const std::string name = "null " + std::to_string(null);
    const UnitTurns::Null& of = turns.null[null];
    put(numbers, name + "/mean", of.mean);
    put(numbers, name + "/std", of.standard_deviation);
    put(numbers, name + "/abs_mean", of.abs_mean);
    put(numbers, name + "/p_more", of.p_more);
    put(numbers, name + "/p_fewer", of.p_fewer);
  }
  put(numbers, "sample turns/mean", of_samples.mean);
  put(numbers, "sample turns/std", of_samples.standard_deviation);
}

void put_dimensions(Numbers& numbers, const TraceStatistics& got) {
  for (const Spectrum& spectrum : got.points.spectrum) {
    put(numbers, "spectrum",
        {spectrum.total_variance, spectrum.participation_ratio, spectrum.participation_ratio_corrected,
         spectrum.participation_ratio_standardised, spectrum.effective_rank, spectrum.top_unit_share,
         static_cast<double>(spectrum.rank)});
    put(numbers, "components for", {spectrum.components_for.begin(), spectrum.components_for.end()});
  }
  put(numbers, "pooled/mean", got.pooled.mean);
  put(numbers, "pooled/eigenvalue", got.pooled.eigenvalue);
  put(numbers, "pooled/component", got.pooled.component);
  put(numbers, "mean_score", got.scores.mean_score);
  put(numbers, "score_range", got.scores.score_range);
  put(numbers, "plane_curvature", got.plane_curvature);
  put(numbers, "principal_angle", got.principal_angle);
  for (const FlowStep& step : got.flow) {
    for (const auto& value : step.eigenvalue) put(numbers, "flow", {value.real(), value.imag()});
    put(numbers, "flow", {step.explained, step.persistence});
  }
}

}  // namespace

std::vector<double> as_doubles(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

Numbers numbers_of(const parallel::Communicator& ranks, const TraceStatistics& result) {
  Numbers numbers;
  put_units(numbers, result);
  put_points(numbers, result);
  if (!ranks.is_root()) return numbers;
  put_rows(numbers, result.rows);
  const UnitStatistics& units = result.units;
  put(numbers, "correlation", units.correlation);
  put(numbers, "units used", {units.correlation_units.begin(), units.correlation_units.end()});
  put(numbers, "null", units.residual_null);
  put(numbers, "adjacent left out", units.adjacent_left_out);
  put(numbers, "null left out", units.residual_null_left_out);
  put(numbers, "information", result.information.mean);
  put_turns(numbers, result.turns, result.sample_turns);
  put_dimensions(numbers, result);
  put(numbers, "sample_permuted", result.sample_permuted);
  put(numbers, "layer_permuted", result.layer_permuted);
  put(numbers, "random_basis", result.random_basis);
  for (const Headline::Entry& entry : result.headline.entries) {
    put(numbers, entry.name, {entry.value, entry.standard_error});
  }
  return numbers;
}

void expect_same_bits(const parallel::Communicator& ranks, const Numbers& got, const Numbers& expected,
                      const std::string& what) {
  EXPECT_EQ(ranks.sum(std::ssize(got)), std::ssize(expected)) << what;
  for (const auto& [name, values] : got) {
    const auto found = expected.find(name);
    ASSERT_NE(found, expected.end()) << name;
    EXPECT_TRUE(same_bits(values, found->second)) << name << ", " << what;
  }
}

}  // namespace orrery::statistics::testing
