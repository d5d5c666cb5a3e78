#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/trace_input.hpp"
#include "orrery/study/trace_options.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace orrery::study {

/// SHA-256 of what a trace reads: of "model", "tokenizer" and "corpus" (design.md).
std::map<std::string, std::string> hashes_of_inputs(const TraceOptions& options);

/// Root attributes that are known before computing: program, machine and options (`config`, INI text).
std::vector<archive::Attribute> run_attributes(const std::string& config, const Resources& resources,
                                               const std::string& command, std::int64_t ranks);
/// Of the model in `folder`, and the formats that it runs in.
std::vector<archive::Attribute> model_attributes(const std::filesystem::path& folder,
                                                 const model::LlamaConfig& config, model::DType dtype,
                                                 model::DType residual);
/// Those of a trace.
std::vector<archive::Attribute> provenance(const TraceOptions& options, const TraceInput& input,
                                           const Resources& resources, const std::string& command,
                                           std::int64_t ranks);

}  // namespace orrery::study
