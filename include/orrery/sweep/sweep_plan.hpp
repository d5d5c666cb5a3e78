#pragma once

#include "orrery/model/description.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/schedule/block.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/sweep/sweep.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::sweep {

/// A sweep, or a part of one, before it runs: what each rank will do, and what that takes.
struct SweepPlan {
  schedule::Order order = schedule::Order::tiles;
  std::vector<schedule::Block> blocks;  ///< of the whole sweep
  std::vector<std::int64_t> chosen;     ///< those of this run's part, by number
  std::vector<double> costs;            ///< of all blocks
  std::int64_t round_blocks = 1;        ///< that a rank runs between two agreements

  double product_flop = 0;  ///< over the chosen blocks, all ranks
  double attention_flop = 0;
  double largest_share = 0;        ///< of the rank that has most
  std::int64_t rows = 0;           ///< runs of one token, unperturbed ones counted
  std::int64_t perturbations = 0;  ///< without those
  std::int64_t weight_bytes = 0;   ///< in memory, once a node on CPUs
  std::int64_t block_bytes =
      0;                        ///< blocks in hand of a rank: keys, values, rows and what is measured of them
  std::int64_t rank_bytes = 0;  ///< resident at most in a rank, shared weights counted
  std::int64_t node_bytes = 0;  ///< on a node, shared weights counted once
  std::int64_t file_bytes = 0;

  /// Places in the sweep of the prompts of the chosen blocks, ascending: those of this run's file.
  std::vector<std::int64_t> prompts() const;
};

/// Blocks, order and costs. Which prompts share a block depends on the sweep's options alone. Throws
/// usage_error where a part has no block.
SweepPlan plan_sweep(const Sweep& sweep, const model::Description& model, const run::PlannedRanks& ranks);

/// Throws resource_error where a node would need more than is available.
void require_memory(const SweepPlan& plan, const run::PlannedRanks& ranks);

/// The plan as `orrery plan perturb` prints it, a quantity a line; its time from a rate measured in this
/// process, good to a factor of 2.
std::string plan_text(const SweepPlan& plan, const Sweep& sweep, const model::Description& model,
                      const run::PlannedRanks& ranks);

}  // namespace orrery::sweep
