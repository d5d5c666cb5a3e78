#pragma once

#include "orrery/statistics/trace_statistics.hpp"
#include "tests/statistics/data.hpp"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace orrery::statistics::testing {

/// The numbers of results, by the dataset and the line or column that they belong to.
using Numbers = std::map<std::string, std::vector<double>>;

std::vector<double> as_doubles(const at::Tensor& tensor);

/// What this rank puts into a file: whole datasets, or "PATH 3" for the entries of its third unit or point;
/// and the headline by its names.
Numbers numbers_of(const parallel::Communicator& ranks, const TraceStatistics& result, const Extent& extent,
                   const StatisticsOptions& options);

/// Collective: each of `got` must be found in `expected`, which has all of them, bit by bit; together the
/// ranks have each once.
void expect_same_bits(const parallel::Communicator& ranks, const Numbers& got, const Numbers& expected,
                      const std::string& what);

}  // namespace orrery::statistics::testing
