#include "tests/statistics/data.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <random>
#include <span>

namespace orrery::statistics::testing {
namespace {

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

}  // namespace

Data Data::points(std::int64_t begin, std::int64_t end) const {
  Data part{{extent.samples, end - begin, extent.units}, {}};
  for (std::int64_t n = 0; n < extent.samples; ++n) {
    const auto row = x.begin() + n * extent.points * extent.units;
    part.x.insert(part.x.end(), row + begin * extent.units, row + end * extent.units);
  }
  return part;
}

Data Data::without(std::int64_t begin, std::int64_t end) const {
  Data rest{extent, x};
  const std::int64_t row = extent.points * extent.units;
  rest.x.erase(rest.x.begin() + begin * row, rest.x.begin() + end * row);
  rest.extent.samples -= end - begin;
  return rest;
}

void Data::round_to_float() {
  for (double& value : x) value = static_cast<float>(value);
}

Data zeros(const Extent& extent) {
  return {extent, std::vector<double>(extent.samples * extent.points * extent.units)};
}

Data noise(const Extent& extent, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Data data = zeros(extent);
  for (double& value : data.x) value = normal(generator);
  data.round_to_float();
  return data;
}

Data walk(const Extent& extent, std::uint64_t seed) {
  Data data = noise(extent, seed);
  for (std::int64_t n = 0; n < extent.samples; ++n) {
    for (std::int64_t s = 1; s < extent.points; ++s) {
      for (std::int64_t d = 0; d < extent.units; ++d) {
        const double scale = 0.2 + 0.1 * static_cast<double>((d + s) % 7);
        data.at(n, s, d) = scale * data.at(n, s, d) + 1.05 * data.at(n, s - 1, d);
      }
    }
  }
  for (std::int64_t n = 0; n < extent.samples; ++n) {
    for (std::int64_t s = 0; s < extent.points; ++s) {
      if (extent.units > 2) data.at(n, s, 0) = 300 + 0.3 * data.at(n, s, 0);
      if (extent.units > 2 && s % 2 == 1) data.at(n, s, 1) = 0.1;
    }
  }
  data.round_to_float();
  return data;
}

SampleShard deal(const parallel::Communicator& ranks, const Data& data, at::ScalarType dtype,
                 std::uint64_t seed) {
  const std::int64_t samples = data.extent.samples;
  std::vector<std::int64_t> order(samples);
  std::vector<int> owner(samples);
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t n = 0; n < samples; ++n) owner[n] = static_cast<int>(n * ranks.size() / samples);
  if (seed != 0) {
    std::mt19937_64 generator(seed);
    std::shuffle(order.begin(), order.end(), generator);
    for (int& rank : owner) rank = static_cast<int>(generator() % static_cast<std::uint64_t>(ranks.size()));
  }
  SampleShard shard;
  std::vector<double> mine;
  const std::int64_t row = data.extent.points * data.extent.units;
  for (const std::int64_t n : order) {
    if (owner[n] != ranks.rank()) continue;
    shard.samples.emplace_back(n);
    mine.insert(mine.end(), data.x.begin() + n * row, data.x.begin() + (n + 1) * row);
  }
  at::Tensor x = at::empty({std::ssize(shard.samples), data.extent.points, data.extent.units}, at::kDouble);
  std::copy(mine.begin(), mine.end(), x.mutable_data_ptr<double>());
  shard.x = x.to(dtype);
  return shard;
}

bool same_bits(const at::Tensor& one, const at::Tensor& other) {
  return one.sizes() == other.sizes() && std::ranges::equal(bytes_of(one), bytes_of(other));
}

bool same_bits(const std::vector<double>& one, const std::vector<double>& other) {
  return std::ranges::equal(std::as_bytes(std::span(one)), std::as_bytes(std::span(other)));
}

}  // namespace orrery::statistics::testing
