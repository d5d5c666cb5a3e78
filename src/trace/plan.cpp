#include "orrery/trace/plan.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/random.hpp"
#include "orrery/run/plan_tools.hpp"
#include "orrery/schedule/cost.hpp"
#include "orrery/statistics/streamed_statistics.hpp"

#include <algorithm>
#include <iomanip>
#include <numeric>

namespace orrery::trace {
namespace {

using core::concat;

constexpr std::int64_t pilot_tiles = 8;
/// A round of streaming has so many rows at least, unless tiles run out: products of rows with themselves are
/// cheap by the hundred.
constexpr std::int64_t round_rows = 256;
/// Where each round reads all weights again, it takes in so much.
constexpr std::int64_t layers_round_bytes = std::int64_t{1} << 30;

const schedule::Tile& tile_at(const TracePlan& plan, std::int64_t tile) {
  return plan.tiles[static_cast<std::size_t>(tile)];
}

std::int64_t rows_of(const schedule::Tile& tile, const TraceInput& input) {
  std::int64_t rows = 0;
  for (const core::Sample sample : tile.samples) rows += input.rows_of(sample);
  return rows;
}

model::NumberFormats formats_of(const TraceOptions& options) {
  return {*options.dtype, options.residual};
}

/// What a rank takes to run `tiles` together: those in hand, and with `--order layers` those that wait.
std::int64_t in_hand(const TracePlan& plan, const std::vector<std::int64_t>& tiles,
                     const model::Description& model, const TraceOptions& options, int in_flight) {
  std::vector<std::int64_t> bytes;
  std::int64_t waiting = 0;
  for (const std::int64_t tile : tiles) {
    const model::BatchShape batch = tile_at(plan, tile).shape();
    const std::int64_t between_layers = model.waiting_bytes(batch, formats_of(options));
    bytes.push_back(between_layers + model.working_bytes(batch, formats_of(options)));
    waiting += between_layers;
  }
  std::ranges::sort(bytes, std::greater{});
  bytes.resize(std::min(bytes.size(), static_cast<std::size_t>(in_flight)));
  const std::int64_t working = std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
  return plan.order == schedule::Order::layers ? working + waiting : working;
}

/// Bytes of a captured number, and of a row of them.
std::int64_t number_bytes(const TraceOptions& options) {
  return options.residual == model::DType::float64 ? 8 : 4;
}
std::int64_t row_bytes(const TraceInput& input, const TraceOptions& options) {
  return input.shape().points.size() * input.shape().width * number_bytes(options);
}

/// Cuts `share` into rounds.
std::vector<std::vector<std::int64_t>> rounds_of(const TracePlan& plan, std::span<const std::int64_t> share,
                                                 const TraceInput& input, const TraceOptions& options,
                                                 int in_flight) {
  std::vector<std::vector<std::int64_t>> rounds;
  while (!share.empty()) {
    const auto size = static_cast<std::size_t>(round_size(plan, share, input, options, in_flight));
    rounds.emplace_back(share.begin(), share.begin() + static_cast<std::ptrdiff_t>(size));
    share = share.subspan(size);
  }
  return rounds;
}

/// Fills in rounds and pilots.
void plan_rounds(TracePlan& plan, const TraceInput& input, const TraceOptions& options,
                 const run::PlannedRanks& ranks) {
  plan.rounds.clear();
  for (const auto& share : plan.shares) {
    plan.rounds.push_back(rounds_of(plan, share, input, options, ranks.at_once.tiles));
  }
  std::vector<std::int64_t> order(plan.tiles.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  core::Random(core::narrow<std::uint64_t>(options.seed), core::Purpose::pilot).shuffle(std::span(order));
  order.resize(std::min<std::size_t>(order.size(), pilot_tiles));
  plan.pilots.assign(plan.shares.size(), {});
  // One a round: the pilot needs no more memory than what follows.
  for (std::size_t i = 0; i < order.size(); ++i) plan.pilots[i % plan.pilots.size()].push_back({order[i]});
  const std::size_t ranks_count = plan.pilots.size();
  for (auto& rounds : plan.pilots) rounds.resize((order.size() + ranks_count - 1) / ranks_count);
}

/// The tiles that a rank runs together: of kept rows its share, in streaming each round and the pilot.
std::vector<std::vector<std::int64_t>> tiles_together(const TracePlan& plan) {
  if (plan.moments == Moments::rows) return plan.shares;
  std::vector<std::vector<std::int64_t>> all;
  for (const auto& rounds : plan.pilots) all.insert(all.end(), rounds.begin(), rounds.end());
  for (const auto& rounds : plan.rounds) all.insert(all.end(), rounds.begin(), rounds.end());
  return all;
}

/// Fills in what depends on order and groups of points: weights, tiles in hand, rows, and the sums over a
/// rank and a node.
void count_memory(TracePlan& plan, const TraceInput& input, const TraceOptions& options,
                  const run::PlannedRanks& ranks) {
  if (plan.moments == Moments::streaming) plan_rounds(plan, input, options, ranks);
  const std::int64_t layers = plan.order == schedule::Order::tiles ? input.shape().layers() : 1;
  plan.weight_bytes = layers * input.model->layer_bytes(*options.dtype) +
                      input.model->outer_bytes(*options.dtype, model::Head::none);
  plan.forward_bytes = 0;
  std::int64_t most_rows = 0;
  for (const auto& tiles : tiles_together(plan)) {
    plan.forward_bytes =
        std::max(plan.forward_bytes, in_hand(plan, tiles, *input.model, options, ranks.at_once.tiles));
    std::int64_t rows = 0;
    for (const std::int64_t tile : tiles) rows += rows_of(tile_at(plan, tile), input);
    most_rows = std::max(most_rows, rows);
  }
  const statistics::Extent extent = extent_of(input);
  plan.rows_bytes = most_rows * row_bytes(input, options);
  // On a GPU the weights pass through one layer's room on the host.
  const std::int64_t host_weights = ranks.gpu ? input.model->layer_bytes(*options.dtype) : plan.weight_bytes;
  const std::int64_t host_forward = ranks.gpu ? 0 : plan.forward_bytes;
  const std::int64_t own = ranks.process_bytes + plan.rows_bytes;
  if (plan.moments == Moments::rows) {
    plan.statistics_bytes = statistics::statistics_bytes(
        extent, ranks.ranks, statistics_options(input, options, ranks.at_once.threads),
        number_bytes(options));
    plan.rank_bytes = own + std::max(host_weights + host_forward, plan.statistics_bytes);
    plan.node_bytes = std::max(host_weights + ranks.ranks_a_node * (own + host_forward),
                               ranks.ranks_a_node * (own + plan.statistics_bytes));
    return;
  }
  plan.statistics_bytes = statistics::StreamedStatistics::bytes(
      extent, streaming_options(input, options, ranks.at_once.threads, plan.point_groups), ranks.ranks,
      most_rows, number_bytes(options));
  const std::int64_t besides = own + host_forward + plan.statistics_bytes;  // all of it lives side by side
  plan.rank_bytes = host_weights + besides;
  plan.node_bytes = host_weights + ranks.ranks_a_node * besides;
}

/// Takes the first order, and in streaming the fewest groups of points, with which a node's memory is enough;
/// the last that was tried where none is.
void choose_order(TracePlan& plan, const TraceInput& input, const TraceOptions& options,
                  const run::PlannedRanks& ranks, std::int64_t point_groups) {
  std::vector<schedule::Order> orders = {schedule::Order::tiles, schedule::Order::layers};
  if (options.machine.order == run::OrderChoice::tiles || ranks.gpu) orders = {schedule::Order::tiles};
  if (options.machine.order == run::OrderChoice::layers) orders = {schedule::Order::layers};
  const std::int64_t most_groups = plan.moments == Moments::rows ? 1 : input.shape().points.size();
  for (const schedule::Order order : orders) {
    plan.order = order;
    for (plan.point_groups = std::max<std::int64_t>(point_groups, 1);; ++plan.point_groups) {
      count_memory(plan, input, options, ranks);
      if (ranks.available_bytes == 0 || plan.node_bytes <= ranks.available_bytes) return;
      if (point_groups != 0 || plan.point_groups == most_groups) break;
    }
  }
}

}  // namespace

Moments moments_of(const TraceOptions& options, const TraceInput& input) {
  if (options.tokens == Tokens::all) return Moments::streaming;
  if (options.moments == MomentsChoice::rows) return Moments::rows;
  if (options.moments == MomentsChoice::streaming) return Moments::streaming;
  constexpr std::int64_t most_numbers = std::int64_t{1} << 30;
  const statistics::Extent extent = extent_of(input);
  const bool fit = extent.samples <= most_numbers / (extent.points * extent.units);
  return fit ? Moments::rows : Moments::streaming;
}

statistics::Extent extent_of(const TraceInput& input) {
  return {input.row_count(), input.shape().points.size(), input.shape().width};
}

statistics::StatisticsOptions statistics_options(const TraceInput& input, const TraceOptions& options,
                                                 int threads) {
  return {options.components, threads, options.permutations, core::narrow<std::uint64_t>(options.seed),
          input.shape().points};
}

statistics::StreamingOptions streaming_options(const TraceInput& input, const TraceOptions& options,
                                               int threads, std::int64_t point_groups) {
  return {statistics_options(input, options, threads), options.tokens == Tokens::all, point_groups};
}

statistics::TraceExtent file_extent(const TraceInput& input, const TraceOptions& options,
                                    std::int64_t ranks) {
  statistics::TraceExtent extent;
  extent.samples = input.samples();
  extent.rows = input.row_count();
  extent.point_map = input.shape().points;
  extent.units = input.shape().width;
  extent.components = options.components;
  extent.tokens = input.token_count();
  extent.ranks = ranks;
  extent.permutations = options.permutations;
  extent.rows_kept = moments_of(options, input) == Moments::rows;
  extent.every_token = options.tokens == Tokens::all;
  extent.keep_rows = options.store == Store::rows;
  extent.rows_float64 = options.residual == model::DType::float64;
  return extent;
}

archive::Layout layout_of(const TraceInput& input, const TraceOptions& options, std::int64_t ranks) {
  return archive::trace_layout(file_extent(input, options, ranks));
}

std::int64_t round_size(const TracePlan& plan, std::span<const std::int64_t> left, const TraceInput& input,
                        const TraceOptions& options, int in_flight) {
  if (plan.moments == Moments::rows) return std::ssize(left);
  std::int64_t size = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  // As many tiles as can be in flight at least.
  const auto full = [&] {
    if (size < std::max(in_flight, 1)) return false;
    return plan.order == schedule::Order::tiles ? rows >= round_rows : bytes >= layers_round_bytes;
  };
  for (; size < std::ssize(left) && !full(); ++size) {
    const schedule::Tile& one = tile_at(plan, left[static_cast<std::size_t>(size)]);
    rows += rows_of(one, input);
    bytes += rows_of(one, input) * row_bytes(input, options) +
             input.model->waiting_bytes(one.shape(), formats_of(options));
  }
  return size;
}

TracePlan plan_trace(const TraceInput& input, const TraceOptions& options, const run::PlannedRanks& ranks,
                     std::int64_t point_groups) {
  TracePlan plan;
  plan.moments = moments_of(options, input);
  plan.tiles = schedule::make_tiles(input.run_lengths, options.tile_tokens);
  const std::vector<double> costs = schedule::tile_costs(*input.model, input.measured, plan.tiles);
  plan.shares = schedule::deal(costs, ranks.ranks);
  for (const schedule::Tile& tile : plan.tiles) {
    const model::ForwardFlop flop = input.model->forward_flop(input.measured, tile.shape());
    plan.product_flop += flop.product;
    plan.attention_flop += flop.attention;
  }
  for (const auto& share : plan.shares) {
    double flop = 0;
    for (const std::int64_t tile : share) flop += costs[static_cast<std::size_t>(tile)];
    plan.largest_share = std::max(plan.largest_share, flop);
  }
  const statistics::Extent extent = extent_of(input);
  plan.statistics_flop = plan.moments == Moments::rows
                             ? statistics::statistics_flops(extent, options.permutations)
                             : statistics::streaming_flops(extent, options.permutations);
  plan.file_bytes = archive::file_bytes(layout_of(input, options, ranks.ranks));
  choose_order(plan, input, options, ranks, point_groups);
  return plan;
}

void require_memory(const TracePlan& plan, const run::PlannedRanks& ranks) {
  run::require_node_memory(
      plan.node_bytes, ranks,
      "use more nodes, fewer samples, --dtype bfloat16 or --order layers; `orrery plan trace` "
      "says what each takes");
}

TimeEstimate estimate_time(const TracePlan& plan, const TraceInput& input, const TraceOptions& options,
                           const run::PlannedRanks& ranks) {
  // Attention's small products reach about a fifth of the rate of large ones, statistics in double a third;
  // reading and writing go at about 1 GB/s.
  constexpr double attention_slower = 5, statistics_slower = 3, bytes_a_second = 1e9;
  TimeEstimate time;
  time.product_flops =
      run::measure_products(input.shape(), *options.dtype, std::min<std::int64_t>(options.tile_tokens, 1024));
  const double weighted = (plan.product_flop + attention_slower * plan.attention_flop) /
                          std::max(1.0, plan.product_flop + plan.attention_flop);
  time.forward_seconds = static_cast<double>(plan.passes()) * plan.largest_share * weighted /
                         (time.product_flops * ranks.at_once.tiles);
  time.statistics_seconds =
      plan.statistics_flop * statistics_slower / (time.product_flops * ranks.at_once.threads * ranks.ranks);
  const std::int64_t read = input.checkpoint ? input.checkpoint->bytes() : 0;
  const auto moved = static_cast<double>(read + 2 * plan.file_bytes);
  time.total_seconds = time.forward_seconds + time.statistics_seconds + moved / bytes_a_second;
  return time;
}

std::string plan_text(const TracePlan& plan, const TimeEstimate& time, const TraceInput& input,
                      const TraceOptions& options, const run::PlannedRanks& ranks) {
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value) {
    text += concat(std::left, std::setw(16), name, value, "\n");
  };
  line("model", run::shape_text(input.shape()));
  line("samples", concat(input.samples(), " of ", input.run_token_count(), " tokens in ", plan.tiles.size(),
                         " tiles, ", input.row_count(), " rows"));
  line("special tokens", text::described(input.special));
  line("moments",
       plan.moments == Moments::rows
           ? "rows: all of them in memory"
           : concat("streaming: no row is kept; covariances in ", plan.point_groups,
                    plan.point_groups == 1 ? " group" : " groups", " of points, ", plan.passes(),
                    " passes over the corpus (one more where a value lies far beyond the pilot's)"));
  line("ranks", concat(ranks.ranks, " of ", ranks.at_once.threads,
                       ranks.at_once.threads == 1 ? " thread" : " threads"));
  line("order", plan.order == schedule::Order::tiles ? "tiles: all weights in memory"
                                                     : "layers: one layer's weights in memory");
  line("forward", concat(run::quantity_text(plan.product_flop, "FLOP in products, "),
                         run::quantity_text(plan.attention_flop, "in attention")));
  line("statistics", run::quantity_text(plan.statistics_flop, "FLOP"));
  line("weights", concat(run::bytes_text(plan.weight_bytes), " as ", model::name_of(*options.dtype),
                         ranks.gpu ? ", a GPU" : ", a node"));
  line("memory",
       concat(run::bytes_text(plan.rank_bytes), " a rank at most (libraries ",
              run::bytes_text(ranks.process_bytes), ", weights ", run::bytes_text(plan.weight_bytes),
              ", rows ", run::bytes_text(plan.rows_bytes), ", tiles ", run::bytes_text(plan.forward_bytes),
              "; statistics ", run::bytes_text(plan.statistics_bytes), ")"));
  const bool stored = plan.moments == Moments::rows && options.store == Store::rows;
  line("file", concat(run::bytes_text(plan.file_bytes), stored ? ", rows in it" : ", no rows in it"));
  line("time", concat(run::quantity_text(time.total_seconds, "s"), ": forward ",
                      run::quantity_text(time.forward_seconds, "s"), ", statistics ",
                      run::quantity_text(time.statistics_seconds, "s"), ", ",
                      run::rate_text(time.product_flops, !input.checkpoint)));
  return text;
}

}  // namespace orrery::trace
