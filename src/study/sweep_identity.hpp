#pragma once

#include "orrery/archive/reader.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/sweep.hpp"

#include <map>
#include <string>

namespace orrery::study {

/// What a run that goes on must share with the one that began, name → value: options that fix numbers, the
/// trace, and what computes.
using Identity = std::map<std::string, std::string>;

/// The sweep's own; with `resources`, also this binary's and its processors'.
Identity identity_of(const Sweep& sweep);
Identity identity_of(const Sweep& sweep, const Resources& resources);
/// What a sweep file says of itself.
Identity identity_of(const archive::Reader& file);

/// Throws where two differ in what both have or one lacks: bad_input for an input, usage_error else, naming
/// both values. `where` is what the earlier one comes from.
void require_same(const Identity& earlier, const Identity& now, const std::string& where);

}  // namespace orrery::study
