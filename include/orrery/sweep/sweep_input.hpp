#pragma once

#include "orrery/model/description.hpp"
#include "orrery/sweep/perturb_options.hpp"
#include "orrery/sweep/sweep.hpp"

namespace orrery::sweep {

/// Reads the trace that `options` names and resolves the options against it. In this process alone, before
/// MPI starts (archive::Reader). Throws bad_input where the file is no trace, is damaged or lacks what a
/// sweep needs, or a file of prompts can't be read; usage_error where a list names what there is not.
Sweep read_sweep(PerturbOptions options);

/// Throws bad_input where the model's sizes are not those of the trace, or a prompt is too long for it or has
/// a token that it doesn't know.
void require_model(const Sweep& sweep, const model::Shape& shape);

}  // namespace orrery::sweep
