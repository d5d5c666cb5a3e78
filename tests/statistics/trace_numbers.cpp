#include "tests/statistics/trace_numbers.hpp"

#include <gtest/gtest.h>

namespace orrery::statistics::testing {
namespace {

/// The dimension along which ranks have a dataset's entries each for themselves: of units or of points.
const std::map<std::string, std::int64_t> shared_along = {
    {"/trajectory/mean", 1}, {"/trajectory/variance", 1},
    {"/pca/eigenvalue", 0},  {"/continuity/unit_correlation", 1},
    {"/pca/component", 0},   {"/continuity/mutual_information", 1},
    {"/pooled/score", 1}};

}  // namespace

std::vector<double> as_doubles(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kDouble).contiguous();
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

Numbers numbers_of(const parallel::Communicator& ranks, const TraceStatistics& result, const Extent& extent,
                   const StatisticsOptions& options) {
  Numbers numbers;
  const PutNumbers put = [&](const std::string& path, const std::vector<std::int64_t>& first,
                             const at::Tensor& entries) {
    const auto shared = shared_along.find(path);
    if (shared == shared_along.end()) {
      EXPECT_TRUE(numbers.emplace(path, as_doubles(entries)).second) << path << " is put twice";
      return;
    }
    const std::int64_t along = shared->second;
    for (std::int64_t i = 0; i < entries.size(along); ++i) {
      const std::string name = path + " " + std::to_string(first[along] + i);
      EXPECT_TRUE(numbers.emplace(name, as_doubles(entries.select(along, i))).second) << name;
    }
  };
  for (const auto& one : result.all) one->put({ranks, extent, options}, result.moments, put);
  for (const Headline::Entry& entry : result.headline.entries)
    numbers[entry.name] = {entry.value, entry.standard_error};
  return numbers;
}

void expect_same_bits(const parallel::Communicator& ranks, const Numbers& got, const Numbers& expected,
                      const std::string& what) {
  EXPECT_EQ(ranks.sum(std::ssize(got)), std::ssize(expected)) << what;
  for (const auto& [name, values] : got) {
    const auto found = expected.find(name);
    ASSERT_NE(found, expected.end()) << name;
    EXPECT_TRUE(same_bits(values, found->second)) << name << ", " << what;
  }
}

}  // namespace orrery::statistics::testing
