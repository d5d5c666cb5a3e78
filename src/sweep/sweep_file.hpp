#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/run/result_file.hpp"
#include "orrery/sweep/sweep.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orrery::sweep {

/// Of the file of a sweep's `prompts` (places in the sweep), with attributes known beforehand.
archive::Layout sweep_file_layout(const Sweep& sweep, const std::vector<std::int64_t>& prompts,
                                  std::vector<archive::Attribute> attributes);

/// Collective: once all blocks are written, adds the summary and rank 0's `last` attributes, and gives the
/// file its name.
void finish_sweep(const parallel::Communicator& ranks, run::ResultFile& file,
                  const std::function<std::vector<archive::Attribute>()>& last);

/// What a run that goes on must share with the one that began; and what a sweep file says of itself.
run::Identity identity_of(const Sweep& sweep);
run::Identity identity_of_sweep(const archive::Reader& file);

/// What every sweep file's root says of program, model and trace.
std::vector<archive::Attribute> sweep_attributes(const Sweep& sweep, const model::LlamaConfig& config,
                                                 const run::Resources& resources, const std::string& command,
                                                 std::int64_t ranks);

}  // namespace orrery::sweep
