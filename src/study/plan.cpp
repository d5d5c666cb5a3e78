#include "orrery/study/plan.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/linear.hpp"
#include "orrery/model/weights.hpp"
#include "orrery/schedule/cost.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/cost.hpp"

#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <numeric>
#include <sstream>

namespace orrery::study {
namespace {

using core::concat;

std::int64_t in_hand(const TracePlan& plan, const std::vector<std::int64_t>& share,
                     const model::LlamaConfig& config, const TraceOptions& options, int threads) {
  std::vector<std::int64_t> bytes;
  std::int64_t waiting = 0;
  for (const std::int64_t tile : share) {
    const schedule::Tile& one = plan.tiles[static_cast<std::size_t>(tile)];
    bytes.push_back(schedule::forward_bytes(config, one, *options.dtype, options.residual));
    waiting += schedule::waiting_bytes(config, one, *options.dtype, options.residual);
  }
  std::ranges::sort(bytes, std::greater{});
  bytes.resize(std::min(bytes.size(), static_cast<std::size_t>(threads)));
  const std::int64_t working = std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
  return plan.order == schedule::Order::layers ? working + waiting : working;
}

/// Fills in what depends on the order: weights, tiles in hand, and the sums over a rank and a node.
void count_memory(TracePlan& plan, const TraceInput& input, const TraceOptions& options,
                  const PlannedRanks& ranks) {
  const std::int64_t layers = plan.order == schedule::Order::tiles ? input.config.layers : 1;
  plan.weight_bytes = layers * model::layer_bytes(input.config, *options.dtype) +
                      model::outer_bytes(input.config, *options.dtype, model::Head::none);
  plan.forward_bytes = 0;
  for (const auto& share : plan.shares) {
    plan.forward_bytes =
        std::max(plan.forward_bytes, in_hand(plan, share, input.config, options, ranks.threads));
  }
  // On a GPU the weights pass through one layer's room on the host.
  const std::int64_t host_weights =
      ranks.gpu ? model::layer_bytes(input.config, *options.dtype) : plan.weight_bytes;
  const std::int64_t host_forward = ranks.gpu ? 0 : plan.forward_bytes;
  const std::int64_t in_forward = host_weights + host_forward;
  const std::int64_t own = ranks.process_bytes + plan.rows_bytes;
  plan.rank_bytes = own + std::max(in_forward, plan.statistics_bytes);
  plan.node_bytes = std::max(host_weights + ranks.ranks_a_node * (own + host_forward),
                             ranks.ranks_a_node * (own + plan.statistics_bytes));
}

std::string bytes_text(std::int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(bytes < (std::int64_t{10} << 30) ? 1 : 0);
  if (bytes < (std::int64_t{1} << 30)) {
    out << static_cast<double>(bytes) / (1 << 20) << " MiB";
  } else {
    out << static_cast<double>(bytes) / (1 << 30) << " GiB";
  }
  return out.str();
}

std::string number(double value, const char* unit) {
  std::ostringstream out;
  out << std::setprecision(3) << value << ' ' << unit;
  return out.str();
}

/// FLOP/s of one thread in products of the MLP's shape.
double measure_products(const model::LlamaConfig& config, model::DType dtype, std::int64_t rows) {
  double best = 0;
  schedule::parallel_for(1, 1, [&](std::int64_t) {
    const c10::InferenceMode inference;
    const auto type = at::TensorOptions().dtype(model::scalar_type(dtype));
    const std::int64_t width = std::min<std::int64_t>(config.mlp_width, 4096);
    const at::Tensor x = at::randn({model::padded_rows(rows), config.width}, type);
    const at::Tensor weight = at::randn({width, config.width}, type);
    const double flop = 2.0 * static_cast<double>(x.size(0) * width * config.width);
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0; round < 20; ++round) {
      const auto before = std::chrono::steady_clock::now();
      model::linear(x, weight, {});
      const auto after = std::chrono::steady_clock::now();
      best = std::max(best, flop / std::chrono::duration<double>(after - before).count());
      if (after - start > std::chrono::milliseconds(500)) break;
    }
  });
  return best;
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
  return {input.row_count(), input.config.points(), input.config.width};
}

archive::TraceExtent file_extent(const TraceInput& input, const TraceOptions& options, std::int64_t ranks) {
  archive::TraceExtent extent;
extent.samples = input.samples();
  extent.rows = input.row_count();
  extent.layers = input.config.layers;
  extent.units = input.config.width;
  extent.components = options.components;
  extent.tokens = input.token_count();
  extent.ranks = ranks;
  extent.keep_rows = options.store == Store::rows;
  extent.rows_float64 = options.residual == model::DType::float64;
  return extent;
}

archive::Layout layout_of(const TraceInput& input, const TraceOptions& options, std::int64_t ranks) {
  archive::Layout layout = archive::trace_layout(file_extent(input, options, ranks));
  for (const char* path : {"/continuity/mutual_information", "/continuity/mutual_information_mean",
                           "/rotation", "/pooled", "/geometry", "/control"}) {
    archive::leave_out(layout, path, "this version does not compute it");
  }
  return layout;
}

TracePlan plan_trace(const TraceInput& input, const TraceOptions& options, const PlannedRanks& ranks) {
  TracePlan plan;
  plan.tiles = schedule::make_tiles(input.run_lengths, options.tile_tokens);
  const std::vector<double> costs = schedule::tile_costs(input.config, input.measured, plan.tiles);
  plan.shares = schedule::deal(costs, ranks.ranks);
  const statistics::Extent extent = extent_of(input);
  const std::int64_t number_bytes = options.residual == model::DType::float64 ? 8 : 4;
  for (const schedule::Tile& tile : plan.tiles) {
    const schedule::ForwardFlop flop = schedule::forward_flop(input.config, input.measured, tile);
    plan.product_flop += flop.product;
    plan.attention_flop += flop.attention;
  }
  for (const auto& share : plan.shares) {
    double flop = 0;
    std::int64_t rows = 0;
    for (const std::int64_t tile : share) {
      flop += costs[static_cast<std::size_t>(tile)];
      for (const core::Sample sample : plan.tiles[static_cast<std::size_t>(tile)].samples) {
        rows += input.rows_of(sample);
      }
    }
    plan.largest_share = std::max(plan.largest_share, flop);
    plan.rows_bytes = std::max(plan.rows_bytes, rows * extent.points * extent.units * number_bytes);
  }
  plan.statistics_flop = statistics::statistics_flops(extent);
  plan.statistics_bytes =
      statistics::statistics_bytes(extent, ranks.ranks, {options.components, ranks.threads}, number_bytes);
  plan.file_bytes = archive::file_bytes(layout_of(input, options, ranks.ranks));

  plan.order = options.order == OrderChoice::layers ? schedule::Order::layers : schedule::Order::tiles;
  count_memory(plan, input, options, ranks);
  const bool too_much = ranks.available_bytes > 0 && plan.node_bytes > ranks.available_bytes;
  if (options.order == OrderChoice::automatic && !ranks.gpu && too_much) {
    plan.order = schedule::Order::layers;
    count_memory(plan, input, options, ranks);
  }
  return plan;
}

void require_memory(const TracePlan& plan, const PlannedRanks& ranks) {
  if (ranks.available_bytes == 0 || plan.node_bytes <= ranks.available_bytes) return;
  throw core::resource_error(
      "the run needs more memory than a node has",
      concat(bytes_text(plan.node_bytes), " for ", ranks.ranks_a_node, " ranks, ",
             bytes_text(ranks.available_bytes), " available"),
      "use more nodes, fewer samples, --dtype bfloat16 or --order layers; `orrery plan trace` "
      "says what each takes");
}

TimeEstimate estimate_time(const TracePlan& plan, const TraceInput& input, const TraceOptions& options,
                           const PlannedRanks& ranks) {
  // Attention's small products reach about a fifth of the rate of large ones, statistics in double a third;
  // reading and writing go at about 1 GB/s.
  constexpr double attention_slower = 5, statistics_slower = 3, bytes_a_second = 1e9;
  TimeEstimate time;
  time.product_flops =
      measure_products(input.config, *options.dtype, std::min<std::int64_t>(options.tile_tokens, 1024));
  const double weighted = (plan.product_flop + attention_slower * plan.attention_flop) /
                          std::max(1.0, plan.product_flop + plan.attention_flop);
  time.forward_seconds = plan.largest_share * weighted / (time.product_flops * ranks.threads);
  time.statistics_seconds =
      plan.statistics_flop * statistics_slower / (time.product_flops * ranks.threads * ranks.ranks);
  const std::int64_t read = input.checkpoint ? input.checkpoint->bytes() : 0;
  const auto moved = static_cast<double>(read + 2 * plan.file_bytes);
  time.total_seconds = time.forward_seconds + time.statistics_seconds + moved / bytes_a_second;
  return time;
}

std::string plan_text(const TracePlan& plan, const TimeEstimate& time, const TraceInput& input,
                      const TraceOptions& options, const PlannedRanks& ranks) {
  const model::LlamaConfig& c = input.config;
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value) {
    text += concat(std::left, std::setw(16), name, value, "\n");
  };
  line("model", concat(c.layers, " layers, ", c.width, " units, ", c.heads, " heads, ", c.kv_heads,
                       " key-value heads, ", number(static_cast<double>(c.parameters()) / 1e6, "M weights")));
  line("samples", concat(input.samples(), " of ", input.run_token_count(), " tokens in ", plan.tiles.size(),
                         " tiles, ", input.row_count(), " rows"));
  line("moments", moments_of(options, input) == Moments::rows ? "rows: all of them in memory"
                                                              : "streaming: no row is kept");
  line("ranks", concat(ranks.ranks, " of ", ranks.threads, ranks.threads == 1 ? " thread" : " threads"));
  line("order", plan.order == schedule::Order::tiles ? "tiles: all weights in memory"
                                                     : "layers: one layer's weights in memory");
  line("forward",
       concat(number(plan.product_flop, "FLOP in products, "), number(plan.attention_flop, "in attention")));
  line("statistics", number(plan.statistics_flop, "FLOP"));
  line("weights", concat(bytes_text(plan.weight_bytes), " as ", model::name_of(*options.dtype),
                         ranks.gpu ? ", a GPU" : ", a node"));
  line("memory",
       concat(bytes_text(plan.rank_bytes), " a rank at most (libraries ", bytes_text(ranks.process_bytes),
              ", weights ", bytes_text(plan.weight_bytes), ", rows ", bytes_text(plan.rows_bytes), ", tiles ",
              bytes_text(plan.forward_bytes), "; statistics ", bytes_text(plan.statistics_bytes), ")"));
  line("file",
       concat(bytes_text(plan.file_bytes), options.store == Store::rows ? ", rows kept" : ", rows not kept"));
  line("time", concat(number(time.total_seconds, "s"), ": forward ", number(time.forward_seconds, "s"),
                      ", statistics ", number(time.statistics_seconds, "s"), ", at ",
                      number(time.product_flops / 1e9, "GFLOP/s"), " a thread as measured here"));
  return text;
}

}  // namespace orrery::study
