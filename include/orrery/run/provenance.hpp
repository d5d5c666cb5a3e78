#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/model/llama_config.hpp"
#include "orrery/run/resources.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::run {

/// Root attributes that are known before computing: program, machine and options (`config`, INI text).
std::vector<archive::Attribute> run_attributes(const std::string& config, const Resources& resources,
                                               const std::string& command, std::int64_t ranks);
/// Of the model in `folder`, and the formats that it runs in.
std::vector<archive::Attribute> model_attributes(const std::filesystem::path& folder,
                                                 const model::LlamaConfig& config, model::DType dtype,
                                                 model::DType residual);
}  // namespace orrery::run
