#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/sweep.hpp"
#include "result_file.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orrery::study {

/// Of the file of a sweep's `prompts` (places in the sweep), with attributes known beforehand.
archive::Layout sweep_file_layout(const Sweep& sweep, const std::vector<std::int64_t>& prompts,
                                  std::vector<archive::Attribute> attributes);

/// Collective: once all blocks are written, adds the summary and rank 0's `last` attributes, and gives the
/// file its name.
void finish_sweep(const parallel::Communicator& ranks, ResultFile& file,
                  const std::function<std::vector<archive::Attribute>()>& last);

/// What every sweep file's root says of program, model and trace.
std::vector<archive::Attribute> sweep_attributes(const Sweep& sweep, const model::LlamaConfig& config,
                                                 const Resources& resources, const std::string& command,
                                                 std::int64_t ranks);

}  // namespace orrery::study
