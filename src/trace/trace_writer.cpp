#include "trace_writer.hpp"

#include "orrery/core/narrow.hpp"
#include "orrery/statistics/row_statistic.hpp"
#include "orrery/statistics/tensor_values.hpp"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace orrery::trace {
namespace {

using archive::SharedFile;
using archive::Slab;
using statistics::values_of;

/// A whole one-dimensional dataset; nothing where it has no entries, and so isn't in the file.
template <class T>
void write_line(SharedFile& file, const std::string& path, const std::vector<T>& values) {
  if (!values.empty()) file.write(path, {{0}, {std::ssize(values)}}, std::span<const T>(values));
}

template <class T>
void write_square(SharedFile& file, const std::string& path, const std::vector<T>& values,
                  std::int64_t side) {
  file.write(path, {{0, 0}, {side, side}}, std::span<const T>(values));
}

void write_samples(SharedFile& file, const TraceInput& input) {
  std::vector<std::int64_t> lengths = input.lengths();
  std::vector<std::int64_t> offsets = {0};
  std::vector<std::int32_t> tokens;
  for (const auto& ids : input.tokens) {
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    offsets.push_back(std::ssize(tokens));
  }
  write_line(file, "/samples/row", input.corpus_lines);
  write_line(file, "/samples/characters", input.characters);
  write_line(file, "/samples/length", lengths);
  if (input.measured == model::Measured::last_token) write_line(file, "/samples/position", input.positions());
  write_line(file, "/samples/token_offset", offsets);
  write_line(file, "/samples/token", tokens);
}

void write_series(SharedFile& file, const std::string& path, const statistics::RowSeries& series) {
  write_line(file, path + "_mean", series.mean);
  write_line(file, path + "_std", series.standard_deviation);
}

void write_rows_statistics(SharedFile& file, const statistics::SampleStatistics& rows, std::int64_t units) {
  for (const statistics::RowStatistic* one : statistics::row_statistics()) {
    const statistics::RowDescription description = one->describe(units);
    const statistics::RowSeries& series = rows.of(description.path);
    if (description.along == statistics::Along::path) {
      write_line(file, description.path, series.rows);
    } else {
      write_series(file, description.path, series);
    }
  }
  write_line(file, "/continuity/acceleration", rows.acceleration);
}

void write_spectra(SharedFile& file, const std::vector<statistics::Spectrum>& spectra) {
  const auto column = [&](const char* path, auto member) {
    std::vector<std::remove_cvref_t<decltype(spectra.front().*member)>> values;
    for (const statistics::Spectrum& spectrum : spectra) values.push_back(spectrum.*member);
    write_line(file, path, values);
  };
  column("/pca/total_variance", &statistics::Spectrum::total_variance);
  column("/pca/participation_ratio", &statistics::Spectrum::participation_ratio);
  column("/pca/participation_ratio_corrected", &statistics::Spectrum::participation_ratio_corrected);
  column("/pca/participation_ratio_standardised", &statistics::Spectrum::participation_ratio_standardised);
  column("/pca/effective_rank", &statistics::Spectrum::effective_rank);
  column("/pca/top_unit_share", &statistics::Spectrum::top_unit_share);
  column("/pca/rank", &statistics::Spectrum::rank);
  std::vector<std::int32_t> counts;
  for (const statistics::Spectrum& spectrum : spectra) {
    counts.insert(counts.end(), spectrum.components_for.begin(), spectrum.components_for.end());
  }
  const auto shares = std::ssize(statistics::variance_shares);
  file.write("/pca/components_for", {{0, 0}, {std::ssize(spectra), shares}},
             std::span<const std::int32_t>(counts));
}

/// Columns of (length, u) that belong to `units`, in runs of successive units.
template <class T>
void write_columns(SharedFile& file, const std::string& path, const at::Tensor& columns,
                   const std::vector<std::int64_t>& units) {
  const std::int64_t length = columns.size(0);
  for (std::size_t first = 0; first < units.size() && length > 0;) {
    std::size_t end = first + 1;
    while (end < units.size() && units[end] == units[end - 1] + 1) ++end;
    const auto from = static_cast<std::int64_t>(first);
    const auto count = static_cast<std::int64_t>(end - first);
    const at::Tensor run = columns.narrow(1, from, count).contiguous();
    file.write(path, {{0, units[first]}, {length, count}}, values_of<T>(run));
    first = end;
  }
}

void write_points(SharedFile& file, const statistics::PointStatistics& points) {
  for (std::size_t i = 0; i < points.points.size(); ++i) {
    const std::int64_t point = points.points[i].value();
    const at::Tensor eigenvalue = points.eigenvalue[static_cast<std::int64_t>(i)];
    const at::Tensor component = points.component[static_cast<std::int64_t>(i)].to(at::kFloat);
    if (eigenvalue.numel() == 0) continue;
    file.write("/pca/eigenvalue", {{point, 0}, {1, eigenvalue.size(0)}}, values_of<double>(eigenvalue));
    file.write("/pca/component", {{point, 0, 0}, {1, component.size(0), component.size(1)}},
               values_of<float>(component));
  }
}

/// A whole dataset from a tensor of its shape; nothing where it has no entries.
void write_whole(SharedFile& file, const std::string& path, const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.numel() == 0) return;
  const at::Tensor values = tensor.contiguous();
  const Slab slab = {std::vector<std::int64_t>(static_cast<std::size_t>(values.dim())), values.sizes().vec()};
  if (values.scalar_type() == at::kDouble) {
    file.write(path, slab, values_of<double>(values));
  } else {
    file.write(path, slab, values_of<float>(values));
  }
}

void write_rotations(SharedFile& file, const statistics::UnitTurns& turns,
                     const statistics::SampleTurns& samples) {
  write_line(file, "/rotation/turns", turns.turns);
  const auto write_null = [&](statistics::RotationNull which, const std::string& suffix) {
    const statistics::UnitTurns::Null& null = turns.of(which);
    write_line(file, "/rotation/null" + suffix + "_mean", null.mean);
    write_line(file, "/rotation/null" + suffix + "_std", null.standard_deviation);
    write_line(file, "/rotation/null" + suffix + "_abs_mean", null.abs_mean);
    write_line(file, "/rotation/p_more" + suffix, null.p_more);
    write_line(file, "/rotation/p_fewer" + suffix, null.p_fewer);
  };
  write_null(statistics::RotationNull::points, "");
  write_null(statistics::RotationNull::layers, "_layer");
  write_null(statistics::RotationNull::steps, "_step");
  write_null(statistics::RotationNull::signs, "_sign");
  write_line(file, "/rotation/local_turns", turns.local_turns);
  write_line(file, "/rotation/sample_turns_mean", samples.mean);
  write_line(file, "/rotation/sample_turns_std", samples.standard_deviation);
}

void write_pooled(SharedFile& file, const statistics::PooledComponents& pooled,
                  const statistics::PooledScores& scores) {
  write_whole(file, "/pooled/mean", pooled.mean);
  write_whole(file, "/pooled/eigenvalue", pooled.eigenvalue);
  write_whole(file, "/pooled/component", pooled.component.to(at::kFloat));
  write_whole(file, "/pooled/mean_score", scores.mean_score);
  write_whole(file, "/pooled/score_range", scores.score_range);
}

void write_geometry(SharedFile& file, const statistics::TraceStatistics& statistics) {
  write_series(file, "/geometry/plane_curvature", statistics.plane_curvature);
  write_whole(file, "/geometry/principal_angle", statistics.principal_angle);
  std::vector<double> eigenvalues;
  std::vector<double> explained;
  std::vector<double> persistence;
  for (const statistics::FlowStep& step : statistics.flow) {
    for (const std::complex<double>& value : step.eigenvalue) {
      eigenvalues.push_back(value.real());
      eigenvalues.push_back(value.imag());
    }
    explained.push_back(step.explained);
    persistence.push_back(step.persistence);
  }
  if (!eigenvalues.empty()) {
    const auto steps = std::ssize(statistics.flow);
    file.write("/geometry/flow_eigenvalue", {{0, 0, 0}, {steps, std::ssize(eigenvalues) / steps / 2, 2}},
               std::span<const double>(eigenvalues));
    write_line(file, "/geometry/flow_explained", explained);
    write_line(file, "/geometry/flow_persistence", persistence);
  }
}

/// A control; nothing where the run has none of it.
void write_control(SharedFile& file, const std::string& name, const statistics::Control& control,
                   const char* turns) {
  const std::string group = "/control/" + name + "/";
  const auto points = std::ssize(control.steps.velocity) + 1;
  if (control.units.correlation.empty()) return;
  write_square(file, group + "correlation", control.units.correlation, points);
  write_line(file, group + "cosine_mean", control.steps.cosine);
  write_line(file, group + "velocity_mean", control.steps.velocity);
  write_line(file, group + turns, control.units.turns);
}

void write_controls(SharedFile& file, const statistics::TraceStatistics& statistics,
                    const std::vector<std::int64_t>& permuted_points) {
  write_control(file, "sample_permuted", statistics.sample_permuted, "sample_turns_mean");
  write_control(file, "layer_permuted", statistics.layer_permuted, "turns");
  write_control(file, "random_basis", statistics.random_basis, "turns");
  write_line(file, "/control/layer_permuted/point",
             std::vector<std::int32_t>(permuted_points.begin(), permuted_points.end()));
}

/// Scores (p, N, k') of this rank's points, as columns of the file's (N, P, k').
void write_point_scores(SharedFile& file, const std::vector<core::Point>& points, const at::Tensor& score) {
  if (points.empty() || !score.defined() || score.numel() == 0) return;
  const at::Tensor by_row = score.to(at::kFloat).transpose(0, 1).contiguous();
  file.write("/pooled/score",
             {{0, points.front().value(), 0}, {by_row.size(0), by_row.size(1), by_row.size(2)}},
             values_of<float>(by_row));
}

}  // namespace

void write_trace(SharedFile& file, bool is_root, const TraceInput& input, const TraceOptions& options,
                 const statistics::TraceStatistics& statistics) {
  const std::int64_t points = input.shape().points.size();
  if (is_root) {
    write_samples(file, input);
    write_rows_statistics(file, statistics.rows, input.shape().width);
    write_square(file, "/continuity/correlation", statistics.units.correlation, points);
    write_square(file, "/continuity/correlation_units", statistics.units.correlation_units, points);
    write_line(file, "/continuity/residual_null", statistics.units.residual_null);
    write_line(file, "/continuity/mutual_information_mean", statistics.information.mean);
    write_rotations(file, statistics.turns, statistics.sample_turns);
    write_spectra(file, statistics.points.spectrum);
    write_pooled(file, statistics.pooled, statistics.scores);
    write_geometry(file, statistics);
    write_controls(
        file, statistics,
        statistics::permuted_layers(static_cast<std::uint64_t>(options.seed), input.shape().points));
  }
  const std::vector<std::int64_t>& units = statistics.units.units;
  write_columns<double>(file, "/trajectory/mean", statistics.units.mean, units);
  write_columns<double>(file, "/trajectory/variance", statistics.units.variance, units);
  write_columns<float>(file, "/continuity/unit_correlation", statistics.units.adjacent_correlation, units);
  if (statistics.information.of_units.defined()) {
    write_columns<float>(file, "/continuity/mutual_information", statistics.information.of_units, units);
  }
  write_points(file, statistics.points);
  write_point_scores(file, statistics.points.points, statistics.scores.score);
}

}  // namespace orrery::trace
