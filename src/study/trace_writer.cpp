#include "trace_writer.hpp"

#include "orrery/core/narrow.hpp"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace orrery::study {
namespace {

using archive::SharedFile;
using archive::Slab;

template <class T>
std::span<const T> values_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), core::narrow<std::size_t>(tensor.numel())};
}

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
  write_line(file, "/samples/row", input.rows);
  write_line(file, "/samples/characters", input.characters);
  write_line(file, "/samples/length", lengths);
  write_line(file, "/samples/position", input.positions());
  write_line(file, "/samples/token_offset", offsets);
  write_line(file, "/samples/token", tokens);
}

void write_series(SharedFile& file, const std::string& path, const statistics::RowSeries& series) {
  write_line(file, path + "_mean", series.mean);
  write_line(file, path + "_std", series.standard_deviation);
}

void write_rows_statistics(SharedFile& file, const statistics::SampleStatistics& rows) {
  write_series(file, "/continuity/cosine", rows.cosine);
  write_series(file, "/continuity/velocity", rows.velocity);
  write_series(file, "/continuity/relative_velocity", rows.relative_velocity);
  write_line(file, "/continuity/acceleration", rows.acceleration);
  write_series(file, "/density/norm", rows.norm);
  write_series(file, "/density/abs", rows.abs);
  write_series(file, "/density/active", rows.active);
  write_series(file, "/density/hoyer", rows.hoyer);
  write_series(file, "/density/kurtosis", rows.kurtosis);
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

void write_rows(SharedFile& file, const statistics::SampleShard& rows) {
  for (std::size_t i = 0; i < rows.samples.size(); ++i) {
    const at::Tensor one = rows.x[static_cast<std::int64_t>(i)];
    const Slab slab = {{rows.samples[i].value(), 0, 0}, {1, one.size(0), one.size(1)}};
    if (one.scalar_type() == at::kDouble) {
      file.write("/residual/last_token", slab, values_of<double>(one));
    } else {
      file.write("/residual/last_token", slab, values_of<float>(one));
    }
  }
}

}  // namespace

void write_trace(SharedFile& file, bool is_root, const TraceInput& input,
                 const statistics::TraceStatistics& statistics, const statistics::SampleShard* rows,
                 std::int64_t points) {
  if (is_root) {
    write_samples(file, input);
    write_rows_statistics(file, statistics.rows);
    write_square(file, "/continuity/correlation", statistics.units.correlation, points);
    write_square(file, "/continuity/correlation_units", statistics.units.correlation_units, points);
    write_line(file, "/continuity/residual_null", statistics.units.residual_null);
    write_spectra(file, statistics.points.spectrum);
  }
  write_columns<double>(file, "/trajectory/mean", statistics.units.mean, statistics.units.units);
  write_columns<double>(file, "/trajectory/variance", statistics.units.variance, statistics.units.units);
  write_columns<float>(file, "/continuity/unit_correlation", statistics.units.adjacent_correlation,
                       statistics.units.units);
  write_points(file, statistics.points);
  if (rows != nullptr) write_rows(file, *rows);
}

}  // namespace orrery::study
