#pragma once

#include "orrery/archive/sweep_layout.hpp"

namespace orrery::archive {

// The datasets of a sweep file, group by group, as a run has them that lacks nothing.

/// /points/spread, /prompts, /baseline.
void add_prompts(Layout& layout, const SweepExtent& extent);
/// /teleport, /noise, /control/random_direction.
void add_perturbations(Layout& layout, const SweepExtent& extent);
/// /recovery, /control/random_direction/half_life and /summary.
void add_recovery(Layout& layout);
/// /ablation.
void add_ablation(Layout& layout, const SweepExtent& extent);
/// /states.
void add_states(Layout& layout, const SweepExtent& extent);

}  // namespace orrery::archive
