#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/run/identity.hpp"
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

/// Attributes of the root and of /samples that model and corpus give: known before computing, beside those of
/// every run. `options.dtype` is set.
std::vector<archive::Attribute> input_attributes(const TraceOptions& options, const TraceInput& input);

}  // namespace orrery::trace
