#include "pooled_checks.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/statistics/quanta.hpp"
#include "spectrum_tools.hpp"

#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

namespace orrery::verify {
namespace {

/// The pooled mean is the mean over points, and the pooled variance that within points and between them.
void check_pooled_moments(TraceChecker& checker) {
  if (!checker.has({"/pooled/mean", "/pooled/eigenvalue", "/trajectory/mean", "/trajectory/variance"}))
    return;
  const archive::TraceExtent& extent = checker.extent();
  const std::vector<double> pooled = checker.reals("/pooled/mean");
  const std::vector<double> mean = checker.reals("/trajectory/mean");
  const std::vector<double> variance = checker.reals("/trajectory/variance");
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
  const std::vector<double> eigenvalue = checker.reals("/pooled/eigenvalue");
  const double expected = squares / (rows * points - 1);
  const double error = spectrum_error(extent, extent.pooled_eigenvalues(), rows * points);
  variances.hold(sum(eigenvalue), expected, (error + checker.streaming_error()) * expected, "all points");
  means.tell(checker);
  variances.tell(checker);
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
  explicit StreamedMeanError(const TraceChecker& checker)
      : units_(static_cast<std::size_t>(checker.extent().units)),
        rows_(static_cast<double>(checker.extent().rows)),
        component_(checker.reals("/pooled/component")),
        centre_(checker.reals("/pooled/mean")),
        mean_(checker.reals("/trajectory/mean")),
        deviation_(checker.reals("/trajectory/variance")) {
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
    const double quanta = std::sqrt(rows_ - 1) / statistics::Quanta::least_norm;
    const double averaged = std::min(1.0, 4 * std::sqrt(concentration));
    return 1.01 * quanta * averaged * spread + static_cast<double>(units_ + 16) * epsilon * sizes;
  }

 private:
  std::size_t units_;
  double rows_;
  std::vector<double> component_, centre_, mean_, deviation_;
};

/// Scores have the eigenvalues for their covariance, and mean and range as stored.
class Scores {
 public:
  Scores(const TraceChecker& checker, std::int64_t rank)
      : extent_(checker.extent()),
        width_(extent_.pooled_components()),
        rank_(std::min(rank, width_)),
        streaming_error_(checker.streaming_error()),
        eigenvalue_(checker.reals("/pooled/eigenvalue")),
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

  void tell(TraceChecker& checker) const {
    Identity covariance("covariance of the scores"), means("mean scores"), range("range of the scores");
    const auto rows = static_cast<double>(extent_.rows);
    const double all = rows * static_cast<double>(extent_.points());
    const double rounding = spectrum_error(extent_, 0, all) * (eigenvalue_.empty() ? 0 : eigenvalue_[0]) +
                            streaming_error_ * sum(eigenvalue_);
    for (std::int64_t i = 0; i < rank_; ++i) {
      for (std::int64_t j = 0; j < rank_; ++j) {
        const double size = eigenvalue_[static_cast<std::size_t>(std::min(i, j))];
        covariance.hold(gram_[static_cast<std::size_t>(i * rank_ + j)] / (all - 1), i == j ? size : 0,
                        2 * epsilon_of_float * size + rounding, "components ", i, " and ", j);
      }
    }
    const std::vector<double> mean = checker.reals("/pooled/mean_score");
    const std::vector<double> ends = checker.reals("/pooled/score_range");
    const std::size_t places = sum_.size();
    const auto width = static_cast<std::size_t>(width_);
    const StreamedMeanError streamed(checker);
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
    covariance.tell(checker);
    means.tell(checker);
    range.tell(checker);
  }

 private:
  /// A score that is stored is off by half the spacing of float32, and a sum of N by N roundings: here, and
  /// where the mean was made.
  static double stored_mean_error(double size, double rows) {
    return (1.01 * epsilon_of_float / 2 + (rows + 8) * epsilon) * size +
           std::numeric_limits<float>::denorm_min();
  }

  const archive::TraceExtent& extent_;
  std::int64_t width_, rank_;
  double streaming_error_;
  std::vector<double> eigenvalue_, gram_, sum_, size_, least_, greatest_;
  EqualRows equal_;
};

/// Two attributes stand for the dataset where every token is a row.
void check_straightness(TraceChecker& checker) {
  if (!checker.has({"/geometry/curvature_mean"})) return;
  Identity identity("straightness");
  for (const auto& [name, least] : {std::pair("straightness_mean", 1 - 1e-12), {"straightness_std", 0.0}}) {
    const std::optional<archive::AttributeValue> value = checker.file().attribute("/geometry", name);
    const bool real = value && std::holds_alternative<double>(*value);
    const double found = real ? std::get<double>(*value) : std::nan("");
    identity.require(real && found >= least, found, least, name);
  }
  identity.tell(checker);
}

/// Ascending up to the dimension that both neighbours have, NaN behind.
void check_principal_angles(TraceChecker& checker) {
  if (!checker.has({"/geometry/principal_angle", "/pca/rank"})) return;
  const std::vector<double> angle = checker.reals("/geometry/principal_angle");
  const std::vector<double> rank = checker.reals("/pca/rank");
  const std::int64_t kept = checker.extent().kept_components();
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
  identity.tell(checker);
}

/// As many as the flow's components have scores, NaN behind; by descending modulus, complex ones in pairs; a
/// least-squares map explains no less than standing still.
void check_flow(TraceChecker& checker) {
  if (!checker.has({"/geometry/flow_eigenvalue", "/geometry/flow_explained", "/geometry/flow_persistence",
                    "/pooled/eigenvalue"}))
    return;
  const std::vector<double> value = checker.reals("/geometry/flow_eigenvalue");
  const std::vector<double> explained = checker.reals("/geometry/flow_explained");
  const std::vector<double> persistence = checker.reals("/geometry/flow_persistence");
  Identity order("flow eigenvalues descending"), pairs("flow eigenvalues in pairs"), gain("flow explained");
  const std::size_t line = value.size() / explained.size();
  // One row has no flow; and components beyond the pooled rank have no scores, where rows are equal, units
  // dead or layers write next to nothing.
  const std::vector<double> variance = checker.reals("/pooled/eigenvalue");
  const auto rank = std::ranges::count_if(variance, [](double one) { return one > 0; });
  const std::size_t defined =
      checker.extent().rows > 1 ? std::min(static_cast<std::size_t>(rank), line / 2) : 0;
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
  order.tell(checker);
  pairs.tell(checker);
  gain.tell(checker);
}

}  // namespace

void check_pooled(TraceChecker& checker) {
  if (!checker.has({"/pooled/eigenvalue", "/pooled/component"})) return;
  check_pooled_moments(checker);
  Identity order("pooled eigenvalues descending");
  const std::vector<double> eigenvalue = checker.reals("/pooled/eigenvalue");
  const std::int64_t rank = check_order(eigenvalue, order, "");
  order.tell(checker);
  Vectors vectors("pooled components");
  vectors.hold(checker.reals("/pooled/component"), checker.extent().units, rank, "");
  vectors.tell(checker);
  if (!checker.has({"/pooled/score", "/pooled/mean_score", "/pooled/score_range", "/pooled/mean",
                    "/trajectory/mean", "/trajectory/variance"}))
    return;
  Scores scores(checker, rank);
  checker.for_slabs("/pooled/score",
                    [&](std::int64_t, const std::vector<double>& values) { scores.add(values); });
  scores.tell(checker);
}

void check_geometry(TraceChecker& checker) {
  if (checker.extent().every_token) check_straightness(checker);
  check_principal_angles(checker);
  check_flow(checker);
}

}  // namespace orrery::verify
