#pragma once

#include "orrery/archive/reader.hpp"
#include "orrery/study/resources.hpp"
#include "orrery/study/sweep.hpp"
#include "orrery/study/trace_options.hpp"

#include <map>
#include <string>

namespace orrery::study {

/// What a run that goes on must share with the one that began, name → value: options that fix numbers, inputs
/// by their hashes, and what computes.
using Identity = std::map<std::string, std::string>;

/// The names under which an input ("trace", "model", "tokenizer", "corpus", "prompts") and an option stand
/// there.
std::string input_name(const std::string& input);
bool is_input(const std::string& name);
std::string option_name(const std::string& section, const std::string& option);

/// The input that is no file: what stands around each sample, text::described. It may come from files that
/// have no hash.
inline constexpr const char* special_tokens_input = "special tokens";

/// The sweep's own; and what a sweep file says of itself.
Identity identity_of(const Sweep& sweep);
Identity identity_of_sweep(const archive::Reader& file);

/// The options' of a trace, without inputs; and what a trace file says of itself, inputs and all.
Identity identity_of(const TraceOptions& options);
Identity identity_of_trace(const archive::Reader& file);

/// Adds this binary's, its libraries' and its processors'.
void add_machine(Identity& identity, const Resources& resources);

/// Throws where two differ in what both have or one lacks: bad_input for an input, usage_error else, naming
/// both values. `where` is what the earlier one comes from.
void require_same(const Identity& earlier, const Identity& now, const std::string& where);

}  // namespace orrery::study
