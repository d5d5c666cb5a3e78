#include "orrery/sweep/sweep_plan.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/run/plan_tools.hpp"
#include "orrery/statistics/exact_sum.hpp"
#include "sweep_writer.hpp"

#include <algorithm>
#include <iomanip>
#include <numeric>

namespace orrery::sweep {
namespace {

using core::concat;

/// What oneDNN, MKL and HDF5 keep once they work, beyond what a process has resident when it starts;
/// measured.
constexpr std::int64_t libraries_at_work = std::int64_t{80} << 20;

const schedule::Block& block_at(const SweepPlan& plan, std::int64_t block) {
  return plan.blocks[static_cast<std::size_t>(block)];
}

/// Blocks of the rank that has most of them.
std::int64_t most_blocks(const SweepPlan& plan, const run::PlannedRanks& ranks) {
  return (std::ssize(plan.chosen) + ranks.ranks - 1) / ranks.ranks;
}

/// What a rank takes for a round: a block a thread at work, and with one layer at a time those that wait.
std::int64_t in_hand(const SweepPlan& plan, const Sweep& sweep, const model::Description& model,
                     const run::PlannedRanks& ranks) {
  const model::NumberFormats formats{*sweep.options.dtype, *sweep.options.residual};
  const std::int64_t measured = sweep.measured_numbers();
  std::int64_t working = 0, waiting = 0;
  for (const std::int64_t block : plan.chosen) {
    const schedule::Block& one = block_at(plan, block);
    waiting = std::max(waiting, schedule::waiting_bytes(model, one, measured, formats));
    working = std::max(working, schedule::block_bytes(model, one, measured, formats));
  }
  const std::int64_t at_work = std::min<std::int64_t>(ranks.at_once.tiles, plan.round_blocks);
  return at_work * working + (plan.round_blocks - at_work) * waiting;
}

/// Fills in what depends on order and rounds.
void count_memory(SweepPlan& plan, const Sweep& sweep, const model::Description& model,
                  const run::PlannedRanks& ranks) {
  const model::DType dtype = *sweep.options.dtype;
  const model::Shape& shape = model.shape();
  const std::int64_t layers = plan.order == schedule::Order::tiles ? shape.layers() : 1;
  const std::int64_t outer = model.outer_bytes(dtype, model::Head::logits);
  plan.weight_bytes = layers * model.layer_bytes(dtype) + outer;
  plan.block_bytes = in_hand(plan, sweep, model, ranks);
  const std::int64_t means =
      sweep.averaged.empty()
          ? 0
          : statistics::ExactSums::bytes(shape.layers() * (shape.heads * shape.head_dim + shape.width));
  const std::int64_t own =
      ranks.process_bytes + libraries_at_work + (ranks.gpu ? 0 : plan.block_bytes) + means;
  // On a GPU the weights pass through one layer's room on the host.
  const std::int64_t host_weights = ranks.gpu ? model.layer_bytes(dtype) : plan.weight_bytes;
  plan.rank_bytes = own + host_weights;
  plan.node_bytes = host_weights + ranks.ranks_a_node * own;
}

/// All weights where they fit; else one layer at a time, and as many blocks between two readings as fit.
void choose_order(SweepPlan& plan, const Sweep& sweep, const model::Description& model,
                  const run::PlannedRanks& ranks) {
  const run::OrderChoice choice = sweep.options.machine.order;
  const auto fits = [&] {
    count_memory(plan, sweep, model, ranks);
    return ranks.available_bytes == 0 || plan.node_bytes <= ranks.available_bytes;
  };
  if (choice != run::OrderChoice::layers) {
    plan.order = schedule::Order::tiles;
    plan.round_blocks = std::min<std::int64_t>(ranks.at_once.tiles, most_blocks(plan, ranks));
    if (fits() || choice == run::OrderChoice::tiles || ranks.gpu) return;
  }
  plan.order = schedule::Order::layers;
  for (plan.round_blocks = most_blocks(plan, ranks); !fits() && plan.round_blocks > 1;)
    plan.round_blocks /= 2;
}

std::string cases_text(const Sweep& sweep) {
  std::string text;
  for (const Case& one : sweep.cases()) text += concat(text.empty() ? "" : ", ", one.count, " of ", one.name);
  if (sweep.start_layers.empty()) return "none";
  return concat(text, " at each of ", sweep.start_layers.size(), " start layers");
}

}  // namespace

std::vector<std::int64_t> SweepPlan::prompts() const {
  std::vector<std::int64_t> places;
  for (const std::int64_t block : chosen) {
    for (const core::Sample prompt : blocks[static_cast<std::size_t>(block)].tile.samples)
      places.push_back(prompt.value());
  }
  std::ranges::sort(places);
  return places;
}

SweepPlan plan_sweep(const Sweep& sweep, const model::Description& model, const run::PlannedRanks& ranks) {
  SweepPlan plan;
  plan.blocks = sweep.blocks();
  const archive::Part part = sweep.options.part.value_or(archive::Part{});
  const std::vector<schedule::Start> starts = sweep.row_starts();
  std::vector<double> chosen_costs;
  for (std::int64_t block = 0; block < std::ssize(plan.blocks); ++block) {
    const model::ForwardFlop flop = schedule::block_flop(model, block_at(plan, block), starts);
    plan.costs.push_back(flop.total());
    if (block % part.count != part.number) continue;
    plan.chosen.push_back(block);
    chosen_costs.push_back(flop.total());
    plan.product_flop += flop.product;
    plan.attention_flop += flop.attention;
    plan.rows += block_at(plan, block).rows();
    for (const auto& continuation : block_at(plan, block).continuations) {
      for (const schedule::RowGroup& group : continuation) plan.perturbations += group.count;
    }
  }
  if (part.count > std::ssize(plan.blocks)) {
    throw core::usage_error("there are more parts than blocks, and some would have nothing to do",
                            concat("--part ", part.number, "/", part.count, ", where the sweep has ",
                                   plan.blocks.size(), " blocks of prompts"),
                            "use fewer parts, or more prompts");
  }
  for (const auto& share : schedule::deal(chosen_costs, ranks.ranks)) {
    double flop = 0;
    for (const std::int64_t place : share) flop += chosen_costs[static_cast<std::size_t>(place)];
    plan.largest_share = std::max(plan.largest_share, flop);
  }
  plan.file_bytes = archive::file_bytes(layout_of(sweep, plan.prompts()));
  choose_order(plan, sweep, model, ranks);
  return plan;
}

void require_memory(const SweepPlan& plan, const run::PlannedRanks& ranks) {
  run::require_node_memory(
      plan.node_bytes, ranks,
      "use --order layers, lower --batch-tokens or --batch-rows, or --dtype bfloat16; `orrery plan "
      "perturb` says what each takes");
}

std::string plan_text(const SweepPlan& plan, const Sweep& sweep, const model::Description& model,
                      const run::PlannedRanks& ranks) {
  // Attention's small products reach about a fifth of the rate of large ones; what else is done to a row
  // takes about as long as a third of its products.
  constexpr double attention_slower = 5, besides = 1.3, bytes_a_second = 1e9;
  const model::DType dtype = *sweep.options.dtype;
  const double rate =
      run::measure_products(model.shape(), dtype, std::min<std::int64_t>(sweep.options.batch_rows, 1024));
  const double weighted = (plan.product_flop + attention_slower * plan.attention_flop) /
                          std::max(1.0, plan.product_flop + plan.attention_flop);
  const double run = besides * plan.largest_share * weighted / (rate * ranks.at_once.tiles);
  const auto moved = static_cast<double>(plan.weight_bytes + 2 * plan.file_bytes);
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value) {
    text += concat(std::left, std::setw(16), name, value, "\n");
  };
  line("model", run::shape_text(model.shape()));
  line("prompts",
       concat(plan.prompts().size(), " of ", sweep.prompts.size(), " in ", plan.chosen.size(), " blocks of ",
              plan.blocks.size(), sweep.own_prompts ? concat(", from ", sweep.own_prompts->name) : ""));
  line("perturbations", cases_text(sweep));
  if (!sweep.ablated_layers.empty())
    line("ablations", concat(sweep.trace.heads + 1, " in each of ", sweep.ablated_layers.size(), " layers"));
  line("rows", concat(plan.perturbations, " perturbed, ", plan.rows - plan.perturbations,
                      " unperturbed beside them, at most ", sweep.options.batch_rows, " together"));
  line("ranks", concat(ranks.ranks, " of ", ranks.at_once.threads,
                       ranks.at_once.threads == 1 ? " thread" : " threads"));
  line("order", plan.order == schedule::Order::tiles
                    ? std::string("tiles: all weights in memory")
                    : concat("layers: one layer's weights in memory, ", plan.round_blocks,
                             " blocks a rank pass through it together"));
  line("FLOP", concat(run::quantity_text(plan.product_flop, "in products, "),
                      run::quantity_text(plan.attention_flop, "in attention")));
  line("weights", concat(run::bytes_text(plan.weight_bytes), " as ", model::name_of(dtype),
                         ranks.gpu ? ", a GPU" : ", a node"));
  line("memory", concat(run::bytes_text(plan.rank_bytes), " a rank at most (libraries ",
                        run::bytes_text(ranks.process_bytes + libraries_at_work), ", weights ",
                        run::bytes_text(plan.weight_bytes), ", blocks in hand ",
                        run::bytes_text(plan.block_bytes), ")"));
  line("file", run::bytes_text(plan.file_bytes));
  line("time", concat(run::quantity_text(run + moved / bytes_a_second, "s"), ", ",
                      run::rate_text(rate, sweep.untrained())));
  return text;
}

}  // namespace orrery::sweep
