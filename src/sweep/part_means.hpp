#pragma once

#include "orrery/model/transformer.hpp"
#include "orrery/run/context.hpp"
#include "orrery/schedule/forward_pass.hpp"
#include "orrery/sweep/sweep.hpp"
#include "sweep_rows.hpp"

namespace orrery::sweep {

/// Collective: the mean over the sweep's `averaged` samples of what each head and each MLP gives at their
/// last tokens; undefined where there are none. The sums are exact: any ranks, any order give the same bits.
PartMeans part_means(const run::Context& context, const Sweep& sweep, model::Transformer& model,
                     schedule::Order order);

}  // namespace orrery::sweep
