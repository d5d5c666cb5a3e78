#include "orrery/statistics/streamed_statistics.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "row_access.hpp"
#include "row_measures.hpp"
#include "row_steps.hpp"
#include "unit_sums.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <span>
#include <utility>

namespace orrery::statistics {
namespace {

std::unique_ptr<StreamedMoments> new_moments(const Extent& extent, const Quanta& quanta,
                                             PassContent content) {
  return std::make_unique<StreamedMoments>(extent, quanta, content);
}

/// Adds `lines` (m, size) to `moments` (size).
void add_lines(const std::vector<double>& lines, ExactMoments& moments) {
  const std::int64_t size = moments.size();
  for (std::int64_t i = 0; i < std::ssize(lines); ++i) moments.add(i % size, lines[i]);
}

constexpr PointRange no_points{0, 0};

/// Collective: the means (P, D) of all units at all points, on all ranks, from the columns of each.
at::Tensor means_of_all(const parallel::Communicator& ranks, const UnitStatistics& units,
                        const Extent& extent) {
  at::Tensor lines;
  parallel::agree(ranks, "means of units", [&] { lines = units.mean.t().contiguous(); });
  const auto columns = gather_units(ranks, "means of units", units.units,
                                    {lines.const_data_ptr<double>(), static_cast<std::size_t>(lines.numel())},
                                    extent.points, extent.units);
  at::Tensor means;
  parallel::agree(ranks, "means of units", [&] {
    means = at::empty({extent.points, extent.units}, at::kDouble);
    double* to = means.mutable_data_ptr<double>();
    for (std::size_t point = 0; point < columns.size(); ++point) {
      std::copy(columns[point].begin(), columns[point].end(), to + point * extent.units);
    }
  });
  ranks.broadcast(std::as_writable_bytes(
      std::span(means.mutable_data_ptr<double>(), static_cast<std::size_t>(means.numel()))));
  return means;
}

}  // namespace

StreamedStatistics::StreamedStatistics(const parallel::Communicator& ranks, const Extent& extent,
                                       const StreamingOptions& options)
    : ranks_(ranks), extent_(extent), options_(options) {
  parallel::agree(ranks_, "making room for moments", [&] {
    measures_ = std::make_unique<RowMeasures>(
        extent_, permuted_layers(options_.statistics.seed, options_.statistics.points));
    row_moments_ = ExactMoments(measures_->columns());
    plane_moments_ = ExactMoments(extent_.points - 2);
    extremes_.emplace(extent_);
    if (options_.every_token) return;
    sample_turns_ = ExactMoments(extent_.units);
    rotated_row_moments_ = ExactMoments(2 * (extent_.points - 1));
    basis_ = random_basis(extent_.units, options_.statistics.seed);
    rotated_extremes_.emplace(extent_);
  });
}

void StreamedStatistics::add_pilot(const SampleShard& rows) {
  const int threads = options_.statistics.threads;
  extremes_->add(rows.x, threads);
  if (rotated_extremes_) rotated_extremes_->add(rotate(rows, basis_, threads).x, threads);
}

void StreamedStatistics::end_pilot() {
  const Quanta quanta = Quanta::of_pilot(ranks_, *extremes_);
  parallel::agree(ranks_, "making room for moments", [&] { moments_ = moments_of_group(quanta); });
  if (!rotated_extremes_) return;
  const Quanta rotated_quanta = Quanta::of_pilot(ranks_, *std::exchange(rotated_extremes_, std::nullopt));
  parallel::agree(ranks_, "making room for moments", [&] {
    rotated_moments_ = new_moments(extent_, rotated_quanta, {.units = true, .points = no_points});
  });
}

StreamedStatistics::~StreamedStatistics() = default;

PointRange StreamedStatistics::group_points(std::int64_t group) const {
  return {extent_.points * group / options_.point_groups,
          extent_.points * (group + 1) / options_.point_groups};
}

std::unique_ptr<StreamedMoments> StreamedStatistics::moments_of_group(const Quanta& quanta) const {
  return new_moments(extent_, quanta, {.units = group_ == 0, .points = group_points(group_)});
}

void StreamedStatistics::add(const SampleShard& rows) {
  if (rows.samples.empty()) return;
  rows_ += std::ssize(rows.samples);
  if (!rows_measured_) add_row_measures(rows);
  if (rotated_moments_ && group_ == 0) add_rotated(rows);
  moments_->add(rows.x, options_.statistics.threads);
}

void StreamedStatistics::add_row_measures(const SampleShard& rows) {
  const std::int64_t columns = measures_->columns();
  const std::int64_t count = std::ssize(rows.samples);
  std::vector<double> lines(count * columns);
  with_rows(rows.x, [&](const auto* x) {
    schedule::parallel_for(count, options_.statistics.threads, [&](std::int64_t row) {
      measures_->measure(x + row * extent_.points * extent_.units, lines.data() + row * columns);
    });
  });
  add_lines(lines, row_moments_);
  if (options_.every_token) return;
  for (std::int64_t row = 0; row < count; ++row) {
    if (rows.samples[row].value() < 0 || rows.samples[row].value() >= extent_.samples) {
      throw core::internal_error("a row is of no sample of the run",
                                 core::concat("sample ", rows.samples[row].value()),
                                 "please report it with the command line");
    }
    straightness_.push_back({rows.samples[row], measures_->straightness_of(lines.data() + row * columns)});
  }
  const at::Tensor turns = row_turns(rows.x, options_.statistics.threads);
  const double* turn = turns.const_data_ptr<double>();
  for (std::int64_t i = 0; i < turns.numel(); ++i) sample_turns_.add(i % extent_.units, turn[i]);
}

void StreamedStatistics::add_rotated(const SampleShard& rows) {
  const int threads = options_.statistics.threads;
  const SampleShard rotated = rotate(rows, basis_, threads);
  rotated_moments_->add(rotated.x, threads);
  if (rows_measured_) return;
  add_lines(step_lines(rotated, extent_, threads), rotated_row_moments_);
}

/// Collective: a pass has shown all rows; another may begin.
void StreamedStatistics::expect_all_rows(const char* phase) {
  const std::int64_t all = ranks_.sum(rows_);
  parallel::agree(ranks_, phase, [&] {
    if (all == extent_.samples) return;
    throw core::internal_error("a pass over the rows is not complete",
                               core::concat(all, " rows of ", extent_.samples),
                               "please report it with the command line");
  });
  rows_ = 0;
}

bool StreamedStatistics::end_pass() {
  expect_all_rows("a pass over the rows");
  ++passes_;
  rows_measured_ = true;
  if (group_ == 0 && repeats_with_finer_quanta()) return true;
  if (group_ == 0) take_units();
  take_points();
  ++group_;
  if (wants_rows()) {
    // Of all rows' extremes or the pilot's: the quanta that held for the first group.
    const Quanta quanta = moments_->quanta();
    moments_.reset();
    core::return_freed_memory();
    parallel::agree(ranks_, "making room for moments", [&] { moments_ = moments_of_group(quanta); });
    return false;
  }
  moments_.reset();
  core::return_freed_memory();
  prepare_scores();
  return false;
}

/// Collective: whether a pass is to be made again, with quanta from all rows in place of the pilot's. Both
/// bases repeat where one must: it is rare, and a pass is a forward.
bool StreamedStatistics::repeats_with_finer_quanta() {
  const bool own = moments_->must_repeat(ranks_);
  const bool rotated = rotated_moments_ && rotated_moments_->must_repeat(ranks_);
  if (!own && !rotated) return false;
  const Quanta quanta = Quanta::of_all_rows(ranks_, moments_->extremes());
  moments_.reset();
  parallel::agree(ranks_, "making room for moments", [&] { moments_ = moments_of_group(quanta); });
  if (!rotated_moments_) return true;
  const Quanta rotated_quanta = Quanta::of_all_rows(ranks_, rotated_moments_->extremes());
  rotated_moments_.reset();
  parallel::agree(ranks_, "making room for moments", [&] {
    rotated_moments_ = new_moments(extent_, rotated_quanta, {.units = true, .points = no_points});
  });
  return true;
}

/// Collective: all that follows from products of points, once the first group's pass is good.
void StreamedStatistics::take_units() {
  const StatisticsOptions& o = options_.statistics;
  extremes_ = moments_->extremes();
  result_.units = moments_->unit_statistics(ranks_, o.threads);
  moments_->release_units();
  if (rotated_moments_) {
    const UnitStatistics rotated = rotated_moments_->unit_statistics(ranks_, o.threads);
    result_.random_basis.units = {rotated.correlation,
                                  mean_turns(ranks_, rotated.units, rotated.mean, extent_, o.threads)};
    rotated_moments_.reset();
    basis_ = at::Tensor();
  }
  means_ = means_of_all(ranks_, result_.units, extent_);
  const PointRange owned = points_of(ranks_.rank(), ranks_.size(), extent_.points);
  pooled_mean_ = pooled_mean(ranks_, means_.narrow(0, owned.begin, owned.size()));
  pooled_scatter_ = std::make_unique<PooledScatter>(ranks_, extent_.units);
}

/// Collective: the eigenproblems of the group's points, each at its owner, and their share of the pooled one.
void StreamedStatistics::take_points() {
  const StatisticsOptions& o = options_.statistics;
  moments_->reduce_points(ranks_);
  const PointRange group = group_points(group_);
  const PointRange owned = points_of(ranks_.rank(), ranks_.size(), extent_.points);
  std::vector<core::Point> mine;
  for (std::int64_t point = std::max(group.begin, owned.begin); point < std::min(group.end, owned.end);
       ++point) {
    mine.emplace_back(point);
  }
  const std::int64_t first = mine.empty() ? 0 : mine.front().value();
  const at::Tensor means = means_.narrow(0, first, std::ssize(mine));
  const ScatterPanel about_own_mean = [&](std::int64_t place, std::int64_t row, std::int64_t height) {
    return moments_->scatter_panel(mine[place].value(), row, height);
  };
  const auto rounding = [&](std::int64_t point) {
    return moments_->quanta().rounding(point, extent_.samples, *extremes_);
  };
  for (std::int64_t point = group.begin; point < group.end; ++point) pooled_rounding_ += rounding(point);
  pooled_scatter_->add(std::ssize(mine),
                       scatter_of_moments(about_own_mean, means, extent_.samples, pooled_mean_), o.threads);
  const PointStatistics points = point_statistics_of_scatter(
      ranks_, mine, means,
      [&](std::int64_t place) {
        const std::int64_t point = mine[place].value();
        PointScatter scatter{moments_->scatter(point), rounding(point)};
        moments_->release(point);
        return scatter;
      },
      extent_, o.components, o.threads);
  parallel::agree(ranks_, "principal components", [&] {
    PointStatistics& all = result_.points;
    const std::int64_t done = std::ssize(all.points);
    const auto put = [&](at::Tensor& to, const at::Tensor& lines) {
      if (lines.size(0) == owned.size()) {
        to = lines;
        return;
      }
      std::vector<std::int64_t> shape = lines.sizes().vec();
      shape.front() = owned.size();
      if (!to.defined()) to = at::empty(shape, lines.options());
      to.narrow(0, done, lines.size(0)).copy_(lines);
    };
    put(all.mean, points.mean);
    put(all.eigenvalue, points.eigenvalue);
    put(all.component, points.component);
    all.points.insert(all.points.end(), points.points.begin(), points.points.end());
    all.spectrum.insert(all.spectrum.end(), points.spectrum.begin(), points.spectrum.end());
  });
}

TraceStatistics StreamedStatistics::finish() {
  finish_rows();
  finish_scores();
  TraceStatistics result{std::move(result_), trace_statistics_of_run(), {}};
  finish_statistics({ranks_, extent_, options_.statistics}, result);
  return result;
}

void StreamedStatistics::finish_rows() {
  row_moments_.reduce(ranks_);
  sample_turns_.reduce(ranks_);
  rotated_row_moments_.reduce(ranks_);
  const auto straightness = ranks_.gather_values<SampleNumber>(straightness_);
  parallel::agree(ranks_, "statistics of rows", [&] {
    if (!ranks_.is_root()) return;
    std::vector<double> mean;
    std::vector<double> deviation;
    for (std::int64_t i = 0; i < row_moments_.size(); ++i) {
      mean.push_back(row_moments_.mean(i));
      deviation.push_back(row_moments_.standard_deviation(i));
    }
    result_.rows = measures_->statistics(mean, deviation);
    if (options_.every_token) return;
    std::vector<double>& of_rows = result_.rows.series[row_straightness].rows;
    of_rows.resize(extent_.samples);
    for (const auto& list : straightness) {
      for (const SampleNumber& one : list) of_rows[one.sample.value()] = one.number;
    }
    for (std::int64_t unit = 0; unit < extent_.units; ++unit) {
      result_.sample_turns.mean.push_back(sample_turns_.mean(unit));
      result_.sample_turns.standard_deviation.push_back(sample_turns_.standard_deviation(unit));
    }
    const std::int64_t steps = extent_.points - 1;
    for (std::int64_t step = 0; step < steps; ++step) {
      result_.random_basis.steps.cosine.push_back(rotated_row_moments_.mean(step));
      result_.random_basis.steps.velocity.push_back(rotated_row_moments_.mean(steps + step));
    }
  });
}

}  // namespace orrery::statistics
