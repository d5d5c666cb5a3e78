#pragma once

#include "orrery/archive/reader.hpp"

#include <string>

namespace orrery::report {

/// What `orrery inspect --plot` prints, charts for a terminal. Of a trace: cosine, velocity, participation
/// ratio and turns over depth. Of a sweep: the distance to the unperturbed stream over that stream's norm,
/// mean over prompts and perturbations of the first case, a chart a start layer. A dataset that is not there
/// is left out.
std::string charts_text(const archive::Reader& file);

}  // namespace orrery::report
