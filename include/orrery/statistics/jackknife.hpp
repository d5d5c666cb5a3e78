#pragma once

#include <cstdint>
#include <span>

namespace orrery::statistics {

/// The contiguous blocks of samples that a jackknife leaves out one at a time: 10 of them, N where N is less,
/// and none where N < 3, since nothing has a spread when one of two samples is left out.
class SampleBlocks {
 public:
  explicit SampleBlocks(std::int64_t samples);

  std::int64_t count() const { return count_; }
  std::int64_t begin(std::int64_t block) const { return block * samples_ / count_; }
  std::int64_t end(std::int64_t block) const { return begin(block + 1); }
  std::int64_t size(std::int64_t block) const { return end(block) - begin(block); }
  bool holds(std::int64_t block, std::int64_t sample) const {
    return begin(block) <= sample && sample < end(block);
  }

 private:
  std::int64_t samples_;
  std::int64_t count_;
};

/// The jackknife's standard error √((B − 1)/B Σ (θ_b − θ̄)²) of an estimate that came out as `left_out[b]`
/// without block b. NaN where a value is, or where there are fewer than two.
double jackknife_error(std::span<const double> left_out);

}  // namespace orrery::statistics
