#include "orrery/statistics/point_controls.hpp"

#include "halo.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "permutation.hpp"
#include "row_access.hpp"
#include "row_spread.hpp"
#include "vectors.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::statistics {
namespace {

/// The rows of a point, in the order in which they are shown.
template <class T>
struct Shown {
  const T* x;
  std::vector<std::int64_t> rows;
};

/// Mean cosine and mean distance between two points' rows, place by place.
template <class T>
std::array<double, 2> mean_step(const Shown<T>& here, const Shown<T>& next, std::int64_t units) {
  std::vector<double> table;  // (N, 2)
  table.reserve(2 * here.rows.size());
  for (std::size_t place = 0; place < here.rows.size(); ++place) {
    const T* one = here.x + here.rows[place] * units;
    const T* other = next.x + next.rows[place] * units;
    const double norm = std::sqrt(inner_product(one, one, units));
    const double next_norm = std::sqrt(inner_product(other, other, units));
    table.push_back(cosine_of(inner_product(one, other, units), norm, next_norm));
    table.push_back(distance(one, other, units));
  }
  const RowSpread spread(table, 2);
  return {spread.mean[0], spread.mean[1]};
}

}  // namespace

StepMeans sample_permuted_steps(const parallel::Communicator& ranks, const PointShard& shard,
                                const RowsShown& rows_shown, int threads) {
  const std::int64_t own = std::ssize(shard.points);
  const std::int64_t samples = shard.x.size(1);
  const std::int64_t units = shard.x.size(2);
  const at::Tensor after = next_point(ranks, shard.x);
  std::vector<std::array<double, 2>> means;
  parallel::agree(ranks, "control of permuted samples", [&] {
    means.resize(after.defined() ? own : std::max<std::int64_t>(0, own - 1));
    const auto shown = [&](core::Point point) {
      std::vector<std::int64_t> rows = rows_shown(point);
      check_permutation(rows, samples);
      return rows;
    };
    schedule::parallel_for(std::ssize(means), threads, [&](std::int64_t p) {
      with_rows(shard.x, [&]<class T>(const T* x) {
        const T* next = p + 1 < own ? x + (p + 1) * samples * units : after.const_data_ptr<T>();
        core::Point point = shard.points[p];
        const Shown<T> here{x + p * samples * units, shown(point)};
        means[p] = mean_step(here, Shown<T>{next, shown(++point)}, units);
      });
    });
  });
  StepMeans result;
  for (const auto& one : ranks.gather_values<std::array<double, 2>>(means)) {  // points in order
    for (const auto& [cosine, velocity] : one) {
      result.cosine.push_back(cosine);
      result.velocity.push_back(velocity);
    }
  }
  return result;
}

}  // namespace orrery::statistics
