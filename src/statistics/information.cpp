#include "orrery/statistics/information.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/parallel/agreement.hpp"
#include "row_access.hpp"
#include "unit_sums.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace orrery::statistics {
namespace {

constexpr std::int64_t fewest_bins = 2;
constexpr std::int64_t most_bins = 32;
constexpr std::int64_t samples_a_cell = 5;

/// n ln n for n = 0 … N: all logarithms that counts of N samples need.
std::vector<double> count_logarithms(std::int64_t samples) {
  std::vector<double> table(samples + 1, 0.0);
  for (std::int64_t count = 2; count <= samples; ++count) {
    table[count] = static_cast<double>(count) * std::log(static_cast<double>(count));
  }
  return table;
}

/// How many samples fall in each bin or cell, and what an estimate takes from that.
struct Histogram {
  explicit Histogram(std::int64_t cells) : count(cells) {}
  void assign(std::span<const std::int32_t> places, const std::vector<double>& logarithms) {
    std::fill(count.begin(), count.end(), 0);
    for (const std::int32_t place : places) ++count[place];
    occupied = 0;
    weight = 0;
    for (const std::int32_t each : count) {
      occupied += each > 0 ? 1 : 0;
      weight += logarithms[each];
    }
  }
  std::vector<std::int32_t> count;
  double occupied = 0;
  double weight = 0;  ///< Σ n ln n
};

/// The values of one unit at one point, binned. Scratch that is filled anew.
class BinnedValues {
 public:
  BinnedValues(std::int64_t samples, std::int64_t bins) : bin(samples), histogram(bins), bins_(bins) {}

  /// The bin of a value is the number of bins 1 … B − 1 whose first rank ⌈bN/B⌉ is at most the value's own,
  /// the number of values below it: of bins whose last rank before, ⌈bN/B⌉ − 1, has a smaller value. So equal
  /// values share a bin without a look at each one's rank.
  template <class T>
  void assign(const T* x, std::vector<T>& sorted, const std::vector<double>& logarithms) {
    const std::int64_t samples = std::ssize(bin);
    sorted.assign(x, x + samples);
    std::sort(sorted.begin(), sorted.end());
    varies = sorted.front() != sorted.back();
    std::fill(bin.begin(), bin.end(), 0);
    for (std::int64_t b = 1; b < bins_; ++b) {
      const std::int64_t first_rank = (b * samples + bins_ - 1) / bins_;
      const T below = sorted[std::max<std::int64_t>(first_rank - 1, 0)];
      for (std::int64_t n = 0; n < samples; ++n) bin[n] += x[n] > below ? 1 : 0;
    }
    histogram.assign(bin, logarithms);
  }

  std::vector<std::int32_t> bin;  ///< (N)
  Histogram histogram;
  bool varies = false;

 private:
  std::int64_t bins_;
};

/// Works on one unit after another.
class InformationWorker {
 public:
  InformationWorker(std::int64_t samples, const std::vector<double>& logarithms)
      : samples_(static_cast<double>(samples)),
        bins_(information_bins(samples)),
        logarithms_(logarithms),
        here_(samples, bins_),
        next_(samples, bins_),
        cell_(samples),
        both_(bins_ * bins_) {}

  /// Gives each step's information of x (P, N) to `use(step, value)`.
  template <class T, class Use>
  void work(const T* x, std::int64_t points, const Use& use) {
    std::vector<T> sorted;
    here_.assign(x, sorted, logarithms_);
    for (std::int64_t step = 0; step + 1 < points; ++step) {
      next_.assign(x + (step + 1) * std::ssize(cell_), sorted, logarithms_);
      use(step, information());
      std::swap(here_, next_);
    }
  }

 private:
  double information() {
    if (!here_.varies || !next_.varies) return core::not_a_number;
    for (std::size_t n = 0; n < cell_.size(); ++n) {
      cell_[n] = here_.bin[n] * static_cast<std::int32_t>(bins_) + next_.bin[n];
    }
    both_.assign(cell_, logarithms_);
    const Histogram& here = here_.histogram;
    const Histogram& next = next_.histogram;
    const double plug_in = std::log(samples_) + (both_.weight - here.weight - next.weight) / samples_;
    return plug_in - (both_.occupied - here.occupied - next.occupied + 1) / (2 * samples_);
  }

  double samples_;
  std::int64_t bins_;
  const std::vector<double>& logarithms_;
  BinnedValues here_;
  BinnedValues next_;
  std::vector<std::int32_t> cell_;  // (N)
  Histogram both_;
};

}  // namespace

std::int64_t information_bins(std::int64_t samples) {
  std::int64_t bins = fewest_bins;
  while (bins < most_bins && samples_a_cell * (bins + 1) * (bins + 1) <= samples) ++bins;
  return bins;
}

MutualInformation mutual_information(const parallel::Communicator& ranks, const UnitShard& shard,
                                     const Extent& extent, int threads) {
  constexpr const char* phase = "mutual information";
  const std::int64_t steps = extent.points - 1;
  const std::int64_t units = std::ssize(shard.units);
  MutualInformation result;
  std::vector<double> logarithms;
  parallel::agree(ranks, phase, [&] {
    result.of_units = at::empty({steps, units}, at::kFloat);
    logarithms = count_logarithms(extent.samples);
  });
  float* columns = result.of_units.mutable_data_ptr<float>();
  const auto work = [&](UnitRange range, const auto* x, SumRun sums) {
    InformationWorker worker(extent.samples, logarithms);
    for (std::int64_t unit = range.begin; unit < range.end; ++unit) {
      worker.work(x + unit * extent.points * extent.samples, extent.points,
                  [&](std::int64_t step, double information) {
                    columns[step * units + unit] = static_cast<float>(information);
                    sums.add(step, information);
                  });
    }
  };
  std::vector<double> total = sum_over_units(
      ranks, phase, units, SumRun::size(steps), threads, [&](UnitRange range, std::span<double> sums) {
        with_rows(shard.x, [&](const auto* x) { work(range, x, SumRun(sums, steps)); });
      });
  parallel::agree(ranks, phase, [&] {
    if (!ranks.is_root()) return;
    const SumRun sums(total, steps);
    for (std::int64_t step = 0; step < steps; ++step) result.mean.push_back(sums.mean(step));
  });
  return result;
}

}  // namespace orrery::statistics
