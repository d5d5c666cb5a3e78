#include "orrery/statistics/pooled.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/tensor_values.hpp"
#include "principal_components.hpp"
#include "row_access.hpp"
#include "scatter.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <exception>
#include <vector>

namespace orrery::statistics {
namespace {

/// Rows of the scatter matrix on their way at once.
constexpr std::int64_t panel_height = 128;

/// A panel of Σ (x − mean)(x − mean)ᵀ over rows x (N, D), centred and multiplied some rows at a time: what is
/// centred stays in the cache, and the memory does not grow with N.
template <class T>
at::Tensor panel_of_rows(const T* x, std::int64_t samples, const at::Tensor& mean, std::int64_t first,
                         std::int64_t height) {
  constexpr std::int64_t most = 256;
  const std::int64_t units = mean.numel();
  const std::int64_t width = units - first;
  const double* centre = mean.const_data_ptr<double>() + first;
  at::Tensor panel = at::zeros({height, width}, at::kDouble);
  at::Tensor centred = at::empty({std::min(most, samples), width}, at::kDouble);
  double* y = centred.mutable_data_ptr<double>();
  for (std::int64_t begin = 0; begin < samples; begin += most) {
    const std::int64_t count = std::min(most, samples - begin);
    for (std::int64_t n = 0; n < count; ++n) {
      const T* row = x + (begin + n) * units + first;
      for (std::int64_t d = 0; d < width; ++d) y[n * width + d] = static_cast<double>(row[d]) - centre[d];
    }
    const at::Tensor rows = centred.narrow(0, 0, count);
    panel.addmm_(rows.narrow(1, 0, height).t(), rows);
  }
  return panel;
}

}  // namespace

ScatterPanel scatter_of_rows(const PointShard& shard, const at::Tensor& mean) {
  return [&shard, mean](std::int64_t place, std::int64_t first, std::int64_t height) {
    at::Tensor panel;
    with_rows(shard.x, [&](const auto* x) {
      const std::int64_t samples = shard.x.size(1);
      panel = panel_of_rows(x + place * samples * mean.numel(), samples, mean, first, height);
    });
    return panel;
  };
}

ScatterPanel scatter_of_moments(const ScatterPanel& about_own_mean, const at::Tensor& means,
                                std::int64_t samples, const at::Tensor& mean) {
  return [=](std::int64_t place, std::int64_t first, std::int64_t height) {
    const at::Tensor away = means.select(0, place).sub(mean).narrow(0, first, mean.numel() - first);
    const at::Tensor square = away.narrow(0, 0, height).unsqueeze(1).mul(away.unsqueeze(0));
    return about_own_mean(place, first, height).add(square, static_cast<double>(samples));
  };
}

// As the first mean and what the others are away from it, on average: exact where all are equal.
at::Tensor pooled_mean(const parallel::Communicator& ranks, const at::Tensor& means) {
  const std::int64_t units = means.size(1);
  const at::Tensor own = means.contiguous();
  const auto by_rank =
      ranks.gather_values<double>({own.const_data_ptr<double>(), static_cast<std::size_t>(own.numel())});
  at::Tensor mean = at::zeros({units}, at::kDouble);
  double* to = mean.mutable_data_ptr<double>();
  std::vector<double> all;  // (P, D): ranks hold the points in order
  for (const std::vector<double>& one : by_rank) all.insert(all.end(), one.begin(), one.end());
  const std::int64_t points = std::ssize(all) / units;
  for (std::int64_t s = 0; s < points; ++s) {
    for (std::int64_t d = 0; d < units; ++d) to[d] += all[s * units + d] - all[d];
  }
  for (std::int64_t d = 0; points > 0 && d < units; ++d) {
    to[d] = all[d] + to[d] / static_cast<double>(points);
  }
  ranks.broadcast(bytes_to_fill(mean));
  return mean;
}

PooledScatter::PooledScatter(const parallel::Communicator& ranks, std::int64_t units)
    : ranks_(ranks), units_(units) {
  parallel::agree(ranks, "pooled components", [&] {
    if (is_last()) sum_ = at::zeros({units, units}, at::kDouble);
  });
}

/// What was added before this rank's points: of the ranks before it or, at the first, in earlier calls.
void PooledScatter::receive_sum(at::Tensor& panel, std::int64_t first) const {
  const at::Tensor mine =
      is_last() ? sum_.narrow(0, first, panel.size(0)).narrow(1, first, panel.size(1)) : at::Tensor();
  const bool round = !empty_ && ranks_.size() > 1;  // the sum so far goes from the last rank to the first
  if (round && is_last()) ranks_.send(bytes_of(mine.contiguous()), 0);
  if (ranks_.rank() > 0) {
    ranks_.receive(bytes_to_fill(panel), ranks_.rank() - 1);
  } else if (round) {
    ranks_.receive(bytes_to_fill(panel), ranks_.size() - 1);
  } else if (is_last()) {
    panel.copy_(mine);
  } else {
    panel.zero_();
  }
}

void PooledScatter::pass_on(const at::Tensor& panel, std::int64_t first) {
  if (!is_last()) return ranks_.send(bytes_of(panel), ranks_.rank() + 1);
  sum_.narrow(0, first, panel.size(0)).narrow(1, first, panel.size(1)).copy_(panel);
}

// An error is kept until the panels have all gone through: a rank that left the chain would hang the others.
void PooledScatter::add(std::int64_t count, const ScatterPanel& panel, int threads) {
  at::Tensor buffer;
  parallel::agree(ranks_, "pooled components",
                  [&] { buffer = at::empty({std::min(panel_height, units_) * units_}, at::kDouble); });
  std::exception_ptr failure;
  for (std::int64_t first = 0; first < units_; first += panel_height) {
    const std::int64_t height = std::min(panel_height, units_ - first);
    std::vector<at::Tensor> own(count);
    try {
      if (!failure) {
        schedule::parallel_for(count, threads, [&](std::int64_t p) { own[p] = panel(p, first, height); });
      }
    } catch (...) {
      failure = std::current_exception();
    }
    at::Tensor sum = buffer.narrow(0, 0, height * (units_ - first)).view({height, units_ - first});
    receive_sum(sum, first);
    for (const at::Tensor& one : own) {
      if (!failure) sum.add_(one);
    }
    pass_on(sum, first);
  }
  empty_ = false;
  parallel::agree(ranks_, "pooled components", [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

PooledComponents PooledScatter::components(const at::Tensor& mean, std::int64_t rows, std::int64_t components,
                                           double rounding) {
  const std::int64_t values = std::min(rows - 1, units_);
  const std::int64_t vectors = std::min(components, values);
  PooledComponents result;
  parallel::agree(ranks_, "pooled components", [&] {
    result.mean = mean;
    result.eigenvalue = at::zeros({values}, at::kDouble);
    result.component = at::full({vectors, units_}, core::not_a_number, at::kDouble);
    if (!is_last() || values == 0) return;
    mirror_upper_triangle(sum_);
    const PrincipalPlaces places{
        {result.eigenvalue.mutable_data_ptr<double>(), static_cast<std::size_t>(values)},
        result.component.mutable_data_ptr<double>(),
        vectors,
        units_};
    schedule::parallel_for(1, 1,
                           [&](std::int64_t) { principal_components(sum_, {}, rows, places, rounding); });
    sum_.reset();
  });
  ranks_.broadcast(bytes_to_fill(result.eigenvalue), ranks_.size() - 1);
  ranks_.broadcast(bytes_to_fill(result.component), ranks_.size() - 1);
  return result;
}

PooledComponents pooled_components(const parallel::Communicator& ranks, const Extent& extent,
                                   std::int64_t count, const ScatterPanel& panel, const at::Tensor& mean,
                                   std::int64_t components, int threads) {
  PooledScatter scatter(ranks, extent.units);
  scatter.add(count, panel, threads);
  return scatter.components(mean, extent.samples * extent.points, components);
}

}  // namespace orrery::statistics
