#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/sweep/sweep.hpp"
#include "sweep_result.hpp"

#include <cstdint>
#include <vector>

namespace orrery::sweep {

/// The layout of a file of those prompts (places in the sweep, ascending), what is known beforehand filled
/// in.
archive::Layout layout_of(const Sweep& sweep, const std::vector<std::int64_t>& prompts);

/// Where a prompt stands in a file, and its states where they are stored.
struct PromptPlace {
  std::int64_t prompt = 0;
  std::int64_t state = 0;
};
/// Of the sweep's prompt `prompt` in a file of `prompts`.
PromptPlace place_of(const Sweep& sweep, const std::vector<std::int64_t>& prompts, std::int64_t prompt);

/// Writes all of a prompt, and returns a hash of its entries. Not collective.
std::uint64_t write_prompt(archive::SharedFile& file, const Sweep& sweep, const PromptPlace& place,
                           const PromptResult& result);

/// The same hash of what the file holds of that prompt. Not collective.
std::uint64_t hash_of_prompt(const archive::SharedFile& file, const Sweep& sweep, const PromptPlace& place,
                             std::int64_t prompt);

}  // namespace orrery::sweep
