#pragma once

#include "orrery/statistics/streamed_moments.hpp"
#include "tests/statistics/data.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace orrery::statistics::testing {

/// How rows come to be added up: what must not matter to the result, but for `pilot` and `dtype`.
struct Dealing {
  std::int64_t pilot = 8;  ///< samples 0 … pilot − 1 fix the first quanta; 0: all of them
  std::uint64_t seed = 0;  ///< of `deal`
  std::int64_t round = 7;  ///< rows added at once
  int threads = 1;
  at::ScalarType dtype = at::kFloat;
  bool saved = false;  ///< in the middle of a pass, which goes on in new objects and on other ranks
};

/// All that streaming gives, on each rank what it owns.
struct Streamed {
  int passes = 1;
  UnitStatistics units;
  std::vector<std::int64_t> points;
  std::vector<std::vector<double>> mean;  ///< of each of `points`
  std::vector<at::Tensor> scatter;
};

/// Collective: one pass, and another where the first one asks for it.
Streamed stream(const parallel::Communicator& ranks, const Data& data, const Dealing& dealing);

/// Collective: how many numbers of the ranks' results have other bits than when this rank alone adds up all
/// rows in order, on all.
std::int64_t differences(const parallel::Communicator& ranks, const Data& data, const Dealing& dealing);

}  // namespace orrery::statistics::testing
