#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/trace_input.hpp"
#include "orrery/study/trace_options.hpp"

#include <string>
#include <vector>

namespace orrery::study {

/// SHA-256 of what a run reads (design.md).
struct InputHashes {
  std::string model;
  std::string tokenizer;
  std::string corpus;
};
InputHashes hash_inputs(const TraceOptions& options, const TraceInput& input);

/// The root attributes that are known before computing: program, machine, options and model.
std::vector<archive::Attribute> provenance(const TraceOptions& options, const TraceInput& input,
                                           const Resources& resources, const std::string& command,
                                           std::int64_t ranks);

}  // namespace orrery::study
