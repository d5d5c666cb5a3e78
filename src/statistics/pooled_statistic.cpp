#include "pooled_statistic.hpp"

#include "describe.hpp"
#include "memory_sizes.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/statistics/quanta.hpp"
#include "orrery/statistics/trace_statistics.hpp"
#include "put_numbers.hpp"
#include "spectrum_checks.hpp"

#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string_view>

namespace orrery::statistics {
namespace {

/// The pooled mean is the mean over points, and the pooled variance that within points and between them.
void verify_pooled_moments(StoredNumbers& stored, const TraceExtent& extent) {
  if (!stored.has({"/pooled/mean", "/pooled/eigenvalue", "/trajectory/mean", "/trajectory/variance"})) return;
  const std::vector<double> pooled = stored.reals("/pooled/mean");
  const std::vector<double> mean = stored.reals("/trajectory/mean");
  const std::vector<double> variance = stored.reals("/trajectory/variance");
  const auto points = static_cast<double>(extent.points());
  const auto rows = static_cast<double>(extent.rows);
  Identity means("pooled mean"), variances("pooled variance");
  double squares = 0;
  for (std::int64_t d = 0; d < extent.units; ++d) {
    double total = 0, size = 0;
    for (std::size_t i = static_cast<std::size_t>(d); i < mean.size(); i += pooled.size()) {
      const double within = extent.rows > 1 ? variance[i] : 0;
      const double offset = mean[i] - pooled[static_cast<std::size_t>(d)];
      total += mean[i];
      // The mean of |x| is at most this.
      size = std::max(size, std::abs(mean[i]) + std::sqrt(within));
      squares += (rows - 1) * within + rows * offset * offset;
    }
    means.hold(pooled[static_cast<std::size_t>(d)], total / points, (rows + points + 64) * epsilon * size,
               "unit ", d);
  }
  const std::vector<double> eigenvalue = stored.reals("/pooled/eigenvalue");
  const double expected = squares / (rows * points - 1);
  const double error = spectrum_error(extent, extent.pooled_eigenvalues(), rows * points);
  variances.hold(sum_of(eigenvalue), expected, (error + streaming_error(extent)) * expected, "all points");
  means.tell(stored);
  variances.tell(stored);
}

/// How streamed rows go together: by their scores at the final point, which equal rows have in common.
class EqualRows {
 public:
  void add(std::span<const double> scores) {
    const std::string_view bytes(reinterpret_cast<const char*>(scores.data()), scores.size_bytes());
    hashes_.push_back(std::hash<std::string_view>()(bytes));
  }
  /// Σ (n_k/N)² over the different rows, of which the k-th is there n_k times: 1/N where no two are equal.
  double concentration() const {
    std::vector<std::size_t> sorted = hashes_;
    std::ranges::sort(sorted);
    double squares = 0;
    for (auto first = sorted.begin(); first != sorted.end();) {
      const auto end = std::upper_bound(first, sorted.end(), *first);
      const double share = static_cast<double>(end - first) / static_cast<double>(sorted.size());
      squares += share * share;
      first = end;
    }
    return squares;
  }

 private:
  std::vector<std::size_t> hashes_;
};

/// What the mean score of streamed rows, which is the score of their mean, may be off by from the mean of
/// their scores.
///
/// The mean of a unit is that of numbers rounded to its quantum, a row by less than one quantum: half is the
/// dither's, half the rounding's (`Quanta`). However few rows there are and however their roundings go
/// together, the unit's mean is off by less than that. A constant unit is exact. Of one that varies the
/// quantum is known from the file: no pass is good before Σ (q − q̄)² ≥ 2⁴⁶ in quanta, and that sum is N − 1
/// times the variance in the file. So the quantum is at most 2⁻²³ √(N − 1) σ, and component v is off by at
/// most Σ |v_d| times that. It has nothing to do with the size of the score: rows at a point may differ in
/// directions that the component hardly has, and the roundings are of all units.
///
/// Dithers of different rows are independent, and the rounding of one lies in an interval of one quantum and
/// is 0 on average. By Hoeffding, weights w_k of the different rows and t = 4 √(Σ w_k²), the mean is beyond t
/// times the sum with a probability of 2 exp(−2 t²/Σ w_k²) = 2 e⁻³²: that is the lesser one for many rows.
///
/// Then there is double precision: a score is a sum of D products, and so is the score of the mean; and the
/// mean itself is rounded.
class StreamedMeanError {
 public:
  StreamedMeanError(const StoredNumbers& stored, const TraceExtent& extent)
      : units_(static_cast<std::size_t>(extent.units)),
        rows_(static_cast<double>(extent.rows)),
        component_(stored.reals("/pooled/component")),
        centre_(stored.reals("/pooled/mean")),
        mean_(stored.reals("/trajectory/mean")),
        deviation_(stored.reals("/trajectory/variance")) {
    // One row has no variance, and no unit of it varies.
    for (double& value : deviation_) value = rows_ > 1 ? std::sqrt(value) : 0;
  }

  double at(std::size_t point, std::size_t component, double concentration) const {
    double spread = 0, sizes = 0;
    for (std::size_t d = 0; d < units_; ++d) {
      const double weight = std::abs(component_[component * units_ + d]);
      const double mean = mean_[point * units_ + d], deviation = deviation_[point * units_ + d];
      spread += weight * deviation;
      sizes += weight * (std::abs(mean - centre_[d]) + std::abs(mean) + deviation);
    }
    const double quanta = std::sqrt(rows_ - 1) / Quanta::least_norm;
    const double averaged = std::min(1.0, 4 * std::sqrt(concentration));
    return 1.01 * quanta * averaged * spread + static_cast<double>(units_ + 16) * epsilon * sizes;
  }

 private:
  std::size_t units_;
  double rows_;
  std::vector<double> component_, centre_, mean_, deviation_;
};

/// Scores have the eigenvalues for their covariance, and mean and range as stored.
class ScoreIdentities {
 public:
  ScoreIdentities(const StoredNumbers& stored, const TraceExtent& extent, std::int64_t rank)
      : extent_(extent),
        width_(extent_.pooled_components()),
        rank_(std::min(rank, width_)),
        streaming_error_(streaming_error(extent)),
        eigenvalue_(stored.reals("/pooled/eigenvalue")),
        gram_(static_cast<std::size_t>(rank_ * rank_)) {
    const auto places = static_cast<std::size_t>(extent_.points() * width_);
    sum_.resize(places);
    size_.resize(places);
    least_.resize(places, core::infinity);
    greatest_.resize(places, -core::infinity);
  }

  void add(const std::vector<double>& scores) {
    const std::size_t places = sum_.size();
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const std::size_t place = i % places;
      sum_[place] += scores[i];
      size_[place] += std::abs(scores[i]);
      // A NaN stays: no comparison holds for it.
      if (!(scores[i] >= least_[place])) least_[place] = scores[i];
      if (!(scores[i] <= greatest_[place])) greatest_[place] = scores[i];
    }
    const auto last = static_cast<std::size_t>(width_);
    for (std::size_t end = places; end <= scores.size(); end += places)
      equal_.add(std::span(scores).subspan(end - last, last));
    if (rank_ == 0) return;
    const at::Tensor z = matrix(scores, std::ssize(scores) / width_, width_).narrow(1, 0, rank_);
    const at::Tensor product = at::mm(z.t(), z).contiguous();
    const double* value = product.const_data_ptr<double>();
    for (std::size_t i = 0; i < gram_.size(); ++i) gram_[i] += value[i];
  }

  void tell(StoredNumbers& stored) const {
    Identity covariance("covariance of the scores"), means("mean scores"), range("range of the scores");
    const auto rows = static_cast<double>(extent_.rows);
    const double all = rows * static_cast<double>(extent_.points());
    const double rounding = spectrum_error(extent_, 0, all) * (eigenvalue_.empty() ? 0 : eigenvalue_[0]) +
                            streaming_error_ * sum_of(eigenvalue_);
    for (std::int64_t i = 0; i < rank_; ++i) {
      for (std::int64_t j = 0; j < rank_; ++j) {
        const double size = eigenvalue_[static_cast<std::size_t>(std::min(i, j))];
        covariance.hold(gram_[static_cast<std::size_t>(i * rank_ + j)] / (all - 1), i == j ? size : 0,
                        2 * epsilon_of_float * size + rounding, "components ", i, " and ", j);
      }
    }
    const std::vector<double> mean = stored.reals("/pooled/mean_score");
    const std::vector<double> ends = stored.reals("/pooled/score_range");
    const std::size_t places = sum_.size();
    const auto width = static_cast<std::size_t>(width_);
    const StreamedMeanError streamed(stored, extent_);
    const double concentration = equal_.concentration();
    for (std::size_t i = 0; i < places; ++i) {
      const std::string place = place_text({extent_.points(), width_}, static_cast<std::int64_t>(i));
      means.hold(mean[i], sum_[i] / rows,
                 stored_mean_error(size_[i] / rows, rows) +
                     (extent_.rows_kept ? 0 : streamed.at(i / width, i % width, concentration)),
                 place);
      const double most = std::max(std::abs(least_[i]), std::abs(greatest_[i]));
      range.hold(ends[i], least_[i], epsilon_of_float * most, "least " + place);
      range.hold(ends[places + i], greatest_[i], epsilon_of_float * most, "greatest " + place);
    }
    covariance.tell(stored);
    means.tell(stored);
    range.tell(stored);
  }

 private:
  /// A score that is stored is off by half the spacing of float32, and a sum of N by N roundings: here, and
  /// where the mean was made.
  static double stored_mean_error(double size, double rows) {
    return (1.01 * epsilon_of_float / 2 + (rows + 8) * epsilon) * size +
           std::numeric_limits<float>::denorm_min();
  }

  const TraceExtent& extent_;
  std::int64_t width_, rank_;
  double streaming_error_;
  std::vector<double> eigenvalue_, gram_, sum_, size_, least_, greatest_;
  EqualRows equal_;
};

}  // namespace

StatisticDatasets PooledStatistic::describe(const TraceExtent&) const {
  const std::string rows = "all rows at all capture points";
  return {.datasets = {{.path = "/pooled/mean",
                        .dimensions = {"unit"},
                        .long_name = "mean of x[n,s] over " + rows},
                       {.path = "/pooled/eigenvalue",
                        .dimensions = {"pooled_eigen"},
                        .long_name = "eigenvalues of the covariance of x[n,s] over " + rows +
                                     ", divisor N P - 1, descending; 0 beyond the rank",
                        .range = core::not_negative},
                       {.path = "/pooled/component",
                        .type = core::ElementType::float32,
                        .dimensions = {"pooled_mode", "unit"},
                        .long_name = "leading eigenvectors of that covariance, of length 1",
                        .attributes = {{"sign_rule", sign_rule}},
                        .nan_where = "beyond the rank"},
                       {.path = "/pooled/score",
                        .type = core::ElementType::float32,
                        .dimensions = {"sample", "point", "pooled_mode"},
                        .long_name = "z[n,s,j] = component[j] . (x[n,s] - mean)",
                        .nan_where = "beyond the rank"},
                       {.path = "/pooled/mean_score",
                        .dimensions = {"point", "pooled_mode"},
                        .long_name = "mean over rows of z[n,s,j]: the mean trajectory in the components",
                        .nan_where = "beyond the rank"},
                       {.path = "/pooled/score_range",
                        .dimensions = {"extreme", "point", "pooled_mode"},
                        .long_name = "least and greatest z[n,s,j] over rows",
                        .nan_where = "beyond the rank"}},
          .not_of_every_token = {{"/pooled/score", "every token is a row: it would have one entry a row"}}};
}

/// The scatter matrix comes by panels of 128 rows of each point; its eigenproblem has the matrix, its vectors
/// and LAPACK's work.
StatisticCost PooledStatistic::cost(const CostCase& of) const {
  const Extent& extent = of.extent;
  const std::int64_t points = points_of_a_rank(extent, of.ranks);
  const std::int64_t panels = points * 128 * extent.units * number_bytes;
  const std::int64_t scores =
      points * extent.samples * std::min(of.options.components, extent.units) * number_bytes;
  const auto units = static_cast<double>(extent.units);
  const double products =
      static_cast<double>(extent.points) * static_cast<double>(extent.samples) * units * units;
  return {.during = Sharding::points,
          .flops = (of.rows_kept ? products : 0) + 6 * units * units * units,
          .scratch = panels + scores + 5 * number_bytes * extent.units * extent.units};
}

void PooledStatistic::put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const {
  const at::Tensor& score = moments.scores.score;  // streamed ones were written as they came
  if (score.defined() && score.numel() > 0) {
    to("/pooled/score", {0, moments.points.points.front().value(), 0}, score.to(at::kFloat).transpose(0, 1));
  }
  if (!run.ranks.is_root()) return;
  put_whole(to, "/pooled/mean", moments.pooled.mean);
  put_whole(to, "/pooled/eigenvalue", moments.pooled.eigenvalue);
  put_whole(to, "/pooled/component", moments.pooled.component.to(at::kFloat));
  put_whole(to, "/pooled/mean_score", moments.scores.mean_score);
  put_whole(to, "/pooled/score_range", moments.scores.score_range);
}

void PooledStatistic::verify(StoredNumbers& stored, const TraceExtent& extent) const {
  if (!stored.has({"/pooled/eigenvalue", "/pooled/component"})) return;
  verify_pooled_moments(stored, extent);
  Identity order("pooled eigenvalues descending");
  const std::vector<double> eigenvalue = stored.reals("/pooled/eigenvalue");
  const std::int64_t rank = hold_descending(eigenvalue, order, "");
  order.tell(stored);
  EigenvectorIdentities vectors("pooled components");
  vectors.hold(stored.reals("/pooled/component"), extent.units, rank, "");
  vectors.tell(stored);
  if (!stored.has({"/pooled/score", "/pooled/mean_score", "/pooled/score_range", "/pooled/mean",
                   "/trajectory/mean", "/trajectory/variance"}))
    return;
  ScoreIdentities scores(stored, extent, rank);
  stored.for_slabs("/pooled/score",
                   [&](std::int64_t, const std::vector<double>& values) { scores.add(values); });
  scores.tell(stored);
}

}  // namespace orrery::statistics
