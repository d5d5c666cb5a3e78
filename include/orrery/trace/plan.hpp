#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/schedule/tiles.hpp"
#include "orrery/statistics/cost.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/streamed_statistics.hpp"
#include "orrery/trace/trace_input.hpp"
#include "orrery/trace/trace_options.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace orrery::trace {

/// How a run comes to its statistics: from all rows in memory, or from moments of rows that pass by.
enum class Moments { rows, streaming };
/// `--moments auto` keeps rows where N·P·D is at most 2³⁰, whatever the ranks; `--tokens all` always streams.
Moments moments_of(const TraceOptions& options, const TraceInput& input);

/// A trace before it runs: what each rank will do, and what that takes.
struct TracePlan {
  Moments moments = Moments::rows;
  schedule::Order order = schedule::Order::tiles;
  std::vector<schedule::Tile> tiles;
  std::vector<std::vector<std::int64_t>> shares;  ///< tiles of each rank
  // Of streaming:
  /// [rank][round]: a rank's tiles by rounds, whose rows are in memory together.
  std::vector<std::vector<std::vector<std::int64_t>>> rounds;
  /// The same of the tiles that fix the quanta; as many rounds on each rank.
  std::vector<std::vector<std::vector<std::int64_t>>> pilots;
  /// The covariances' passes: as many groups of points as it takes for a group to fit into memory.
  std::int64_t point_groups = 1;

  double product_flop = 0;  ///< over all ranks, of one pass
  double attention_flop = 0;
  double statistics_flop = 0;
  double largest_share = 0;           ///< of the forward's flop, of the rank that has most
  std::int64_t weight_bytes = 0;      ///< in memory, once a node on CPUs
  std::int64_t rows_bytes = 0;        ///< x[n, s, d] of the rank that has most; in streaming of a round
  std::int64_t forward_bytes = 0;     ///< tiles in hand, of that rank
  std::int64_t statistics_bytes = 0;  ///< of the rank that needs most
  std::int64_t rank_bytes = 0;        ///< resident at most in a rank, shared weights counted
  std::int64_t node_bytes = 0;        ///< on a node, shared weights counted once
  std::int64_t file_bytes = 0;

  /// Forwards over the whole corpus: in streaming one a group of points, and one for the scores.
  std::int64_t passes() const { return moments == Moments::rows ? 1 : point_groups + 1; }
};

/// N, P, D of a run, and its file's.
statistics::Extent extent_of(const TraceInput& input);
/// What its statistics are asked for, on `threads` threads.
statistics::StatisticsOptions statistics_options(const TraceInput& input, const TraceOptions& options,
                                                 int threads);
/// The same where rows are streamed, and covariances added up for so many groups of points.
statistics::StreamingOptions streaming_options(const TraceInput& input, const TraceOptions& options,
                                               int threads, std::int64_t point_groups);
statistics::TraceExtent file_extent(const TraceInput& input, const TraceOptions& options, std::int64_t ranks);
archive::Layout layout_of(const TraceInput& input, const TraceOptions& options, std::int64_t ranks);

/// Tiles, shares, order and costs. The tiles depend on input and options alone; `--order auto` keeps all
/// weights where they fit into the memory that is available, and streaming takes as few groups of points as
/// fit with them, or `point_groups` where that is not 0. `options.dtype` is set.
TracePlan plan_trace(const TraceInput& input, const TraceOptions& options, const run::PlannedRanks& ranks,
                     std::int64_t point_groups = 0);

/// How many of a rank's tiles `left` run together next: of kept rows all, in streaming as many as fill the
/// memory of a round, and no fewer than are in flight at once.
std::int64_t round_size(const TracePlan& plan, std::span<const std::int64_t> left, const TraceInput& input,
                        const TraceOptions& options, int in_flight);

/// Throws resource_error where a node would need more than is available.
void require_memory(const TracePlan& plan, const run::PlannedRanks& ranks);

/// Seconds that the forward takes a rank, at a rate measured in this process on small products of the model's
/// width, and those of the statistics. Good to a factor of 2, for machines like this one.
struct TimeEstimate {
  double product_flops = 0;  ///< FLOP/s of one thread
  double forward_seconds = 0;
  double statistics_seconds = 0;
  double total_seconds = 0;
};
TimeEstimate estimate_time(const TracePlan& plan, const TraceInput& input, const TraceOptions& options,
                           const run::PlannedRanks& ranks);

/// The plan as `orrery plan trace` prints it, a quantity a line.
std::string plan_text(const TracePlan& plan, const TimeEstimate& time, const TraceInput& input,
                      const TraceOptions& options, const run::PlannedRanks& ranks);

}  // namespace orrery::trace
