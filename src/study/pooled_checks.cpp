#include "pooled_checks.hpp"

#include "spectrum_tools.hpp"

#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace orrery::study {
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
    square_.resize(places);
    least_.resize(places, std::numeric_limits<double>::infinity());
    greatest_.resize(places, -std::numeric_limits<double>::infinity());
  }

  void add(const std::vector<double>& scores) {
    const std::size_t places = sum_.size();
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const std::size_t place = i % places;
      sum_[place] += scores[i];
      size_[place] += std::abs(scores[i]);
      square_[place] += scores[i] * scores[i];
      // A NaN stays: no comparison holds for it.
      if (!(scores[i] >= least_[place])) least_[place] = scores[i];
      if (!(scores[i] <= greatest_[place])) greatest_[place] = scores[i];
    }
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
    for (std::size_t i = 0; i < places; ++i) {
      const std::string place = place_text({extent_.points(), width_}, static_cast<std::int64_t>(i));
      means.hold(mean[i], sum_[i] / rows,
                 epsilon_of_float * size_[i] / rows + streaming_error_ * std::sqrt(square_[i] / rows), place);
      const double most = std::max(std::abs(least_[i]), std::abs(greatest_[i]));
      range.hold(ends[i], least_[i], epsilon_of_float * most, "least " + place);
      range.hold(ends[places + i], greatest_[i], epsilon_of_float * most, "greatest " + place);
    }
    covariance.tell(checker);
    means.tell(checker);
    range.tell(checker);
  }

 private:
  const archive::TraceExtent& extent_;
  std::int64_t width_, rank_;
  double streaming_error_;
  std::vector<double> eigenvalue_, gram_, sum_, size_, square_, least_, greatest_;
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

/// By descending modulus, complex ones in pairs; a least-squares map explains no less than standing still.
void check_flow(TraceChecker& checker) {
  if (!checker.has({"/geometry/flow_eigenvalue", "/geometry/flow_explained", "/geometry/flow_persistence"}))
    return;
  const std::vector<double> value = checker.reals("/geometry/flow_eigenvalue");
  const std::vector<double> explained = checker.reals("/geometry/flow_explained");
  const std::vector<double> persistence = checker.reals("/geometry/flow_persistence");
  Identity order("flow eigenvalues descending"), pairs("flow eigenvalues in pairs"), gain("flow explained");
  const std::size_t line = value.size() / explained.size();
  for (std::size_t step = 0; step < explained.size(); ++step) {
    double imaginary = 0, size = 0;
    for (std::size_t i = step * line; i < (step + 1) * line; i += 2) {
      const double modulus = std::hypot(value[i], value[i + 1]);
      const double before = i > step * line ? std::hypot(value[i - 2], value[i - 1]) : modulus;
      order.require(std::isnan(modulus) == std::isnan(before) && !(modulus > before * (1 + 1e-12)), modulus,
                    before, "step ", step, ", eigenvalue ", (i - step * line) / 2);
      imaginary += value[i + 1];
      size += modulus;
    }
    if (!std::isnan(size)) pairs.hold(imaginary, 0, 64 * epsilon * size, "step ", step);
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
  if (!checker.has({"/pooled/score", "/pooled/mean_score", "/pooled/score_range"})) return;
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

}  // namespace orrery::study
