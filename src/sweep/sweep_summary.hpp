#pragma once

#include "orrery/archive/reader.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orrery::sweep {

/// The means over prompts of a sweep's file, from what it holds prompt by prompt: every dataset of /summary,
/// and those of /ablation whose names end in `_mean`. Path → all entries. Prompts are read one after the
/// other, and taken in order.
std::map<std::string, std::vector<double>> sweep_summary(const archive::Reader& file);

}  // namespace orrery::sweep
