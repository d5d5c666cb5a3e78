#pragma once

#include "orrery/statistics/streamed_statistics.hpp"
#include "tests/statistics/data.hpp"
#include "tests/statistics/trace_numbers.hpp"

#include <cstdint>

namespace orrery::statistics::testing {

/// How rows are shown to StreamedStatistics: `options` alone may change results, `pilot` and `dtype` by
/// rounding.
struct Showing {
  StreamingOptions options{{.components = 5, .threads = 1, .permutations = 20, .seed = 3}, false, 1};
  std::int64_t pilot = 8;   ///< samples 0 … pilot − 1
  std::uint64_t seed = 0;   ///< of `deal`
  std::int64_t round = 11;  ///< rows shown at once
  at::ScalarType dtype = at::kFloat;
  bool saved = false;  ///< in the middle of each pass, which goes on in new objects and on other ranks
};

struct Shown {
  TraceStatistics statistics;
  Numbers score;  ///< of this rank's samples, (P, k′) each
  std::int64_t passes = 0;
  std::int64_t saved_bytes = 0;  ///< the most that all ranks had saved at once
};

/// Collective: all passes over the rows.
Shown show(const parallel::Communicator& ranks, const Data& data, const Showing& showing);

}  // namespace orrery::statistics::testing
