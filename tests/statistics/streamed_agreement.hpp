#pragma once

#include "tests/statistics/shown.hpp"

namespace orrery::statistics::testing {

/// Holds what a rank got against the statistics of the same rows kept, all on this rank: to what design.md
/// says where quanta come between, to rounding where only the order of sums differs. What rests on the pooled
/// components is held against kept rows' functions of the components that streaming found.
void expect_agreement(const parallel::Communicator& ranks, const Shown& shown, const Data& data,
                      const Showing& showing);

}  // namespace orrery::statistics::testing
