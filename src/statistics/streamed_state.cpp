// How a pass outlives its process.
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/statistics/streamed_statistics.hpp"
#include "row_measures.hpp"

#include <algorithm>

namespace orrery::statistics {
namespace {

using core::infinity;

/// Least values in the first half, greatest in the second: of no rows.
void clear_range(std::vector<double>& range) {
  const auto half = range.begin() + std::ssize(range) / 2;
  std::fill(range.begin(), half, infinity);
  std::fill(half, range.end(), -infinity);
}

}  // namespace

void StreamedStatistics::gather() {
  if (moments_) moments_->gather(ranks_);
  if (rotated_moments_) rotated_moments_->gather(ranks_);
  if (flow_sums_) flow_sums_->gather(ranks_, 0, 0, flow_sums_->batch());
}

void StreamedStatistics::save_pass(core::StateWriter& state) const {
  state.put(group_);
  state.put(passes_);
  state.put(std::int8_t{rows_measured_});
  state.put(std::int8_t{rotated_moments_ != nullptr});
  if (moments_) moments_->quanta().save(state);
  if (rotated_moments_) rotated_moments_->quanta().save(state);
}

void StreamedStatistics::save_sums(core::StateWriter& state) {
  state.put(rows_);
  row_moments_.save(state);
  state.put(std::ssize(straightness_));
  state.put_all<SampleNumber>(straightness_);
  sample_turns_.save(state);
  rotated_row_moments_.save(state);
  if (moments_) moments_->save(state);
  if (rotated_moments_) rotated_moments_->save(state);
  if (wants_rows()) return;
  plane_moments_.save(state);
  state.put_all<double>(score_range_);
  flow_sums_->save(state);
}

void StreamedStatistics::restore_pass(core::StateReader& state) {
  const auto group = state.take<std::int64_t>();
  if (group != group_) {
    throw core::bad_input("saved sums are of another pass", core::concat(group, ", ", group_, " is next"),
                          "begin anew with --overwrite");
  }
  passes_ = state.take<std::int64_t>();
  rows_measured_ = state.take<std::int8_t>() != 0;
  const bool rotates = state.take<std::int8_t>() != 0;
  rows_ = 0;
  row_moments_ = ExactMoments(row_moments_.size());
  straightness_.clear();
  sample_turns_ = ExactMoments(sample_turns_.size());
  rotated_row_moments_ = ExactMoments(rotated_row_moments_.size());
  if (!wants_rows()) {
    plane_moments_ = ExactMoments(plane_moments_.size());
    clear_range(score_range_);
    return;
  }
  moments_ = moments_of_group(Quanta::load(state, extent_));
  rotated_extremes_.reset();
  if (!rotates) return;
  rotated_moments_ = std::make_unique<StreamedMoments>(
      extent_, Quanta::load(state, extent_), PassContent{.units = true, .points = PointRange{0, 0}});
}

void StreamedStatistics::add_saved_sums(core::StateReader& state) {
  rows_ += state.take<std::int64_t>();
  row_moments_.add_saved(state);
  const auto before = straightness_.size();
  const auto more = state.take<std::int64_t>();
  if (more < 0 || more > extent_.samples) {
    throw core::bad_input("saved sums are not those of this run",
                          core::concat(more, " samples of ", extent_.samples), "begin anew with --overwrite");
  }
  straightness_.resize(before + static_cast<std::size_t>(more));
  state.take_all(std::span(straightness_).subspan(before));
  sample_turns_.add_saved(state);
  rotated_row_moments_.add_saved(state);
  if (moments_) moments_->add_saved(state);
  if (rotated_moments_) rotated_moments_->add_saved(state);
  if (wants_rows()) return;
  plane_moments_.add_saved(state);
  std::vector<double> range(score_range_.size());
  state.take_all<double>(range);
  const std::size_t half = range.size() / 2;
  for (std::size_t i = 0; i < range.size(); ++i) {
    score_range_[i] = i < half ? std::min(score_range_[i], range[i]) : std::max(score_range_[i], range[i]);
  }
  flow_sums_->add_saved(state);
}

}  // namespace orrery::statistics
