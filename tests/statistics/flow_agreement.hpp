#pragma once

#include "orrery/statistics/trace_statistics.hpp"
#include "tests/statistics/data.hpp"

#include <vector>

namespace orrery::statistics::testing {

/// Holds a streamed flow against that of the scores (P, N, k′) of the same components, whose scores it has
/// rounded to quanta. `kept` are the moments of kept rows, all on this rank.
void expect_flow(const std::vector<FlowStep>& got, const at::Tensor& score, const TraceMoments& kept,
                 const Data& data, const PooledComponents& pooled);

}  // namespace orrery::statistics::testing
