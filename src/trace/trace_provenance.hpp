#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/trace/trace_input.hpp"
#include "orrery/trace/trace_options.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace orrery::trace {

/// SHA-256 of what a trace reads: of "model", "tokenizer" and "corpus" (design.md).
std::map<std::string, std::string> hashes_of_inputs(const TraceOptions& options);

/// What its options fix, without inputs; and what a trace file says of itself, inputs and all.
run::Identity identity_of(const TraceOptions& options);
run::Identity identity_of_trace(const archive::Reader& file);

/// Root attributes that are known before computing, and those of /samples.
std::vector<archive::Attribute> provenance(const TraceOptions& options, const TraceInput& input,
                                           const run::Resources& resources, const std::string& command,
                                           std::int64_t ranks);

}  // namespace orrery::trace
