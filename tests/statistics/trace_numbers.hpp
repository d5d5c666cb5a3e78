#pragma once

#include "orrery/statistics/trace_statistics.hpp"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace orrery::statistics::testing {

/// The numbers of results, by the dataset and the line or column that they belong to.
using Numbers = std::map<std::string, std::vector<double>>;

std::vector<double> as_doubles(const at::Tensor& tensor);

/// What this rank holds for the units and points that are its own, and on rank 0 all that is there alone.
Numbers numbers_of(const parallel::Communicator& ranks, const TraceStatistics& result);

/// Collective: each of `got` must be found in `expected`, which has all of them, bit by bit; together the
/// ranks have each once.
void expect_same_bits(const parallel::Communicator& ranks, const Numbers& got, const Numbers& expected,
                      const std::string& what);

}  // namespace orrery::statistics::testing
