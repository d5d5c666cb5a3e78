#pragma once

#include "figure_input.hpp"

#include <string>

namespace orrery::report {

// The page's sections of tables, as HTML.

/// The headline of each run, as `orrery inspect` has it.
std::string headline_section(const FigureInput& input);

/// The paper's claims, the rule, and what it says of each.
std::string claims_section(const FigureInput& input);

/// Where each file comes from.
std::string provenance_section(const FigureInput& input);

}  // namespace orrery::report
