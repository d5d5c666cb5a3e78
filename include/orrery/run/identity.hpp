#pragma once

#include "orrery/run/resources.hpp"

#include <map>
#include <set>
#include <string>

namespace orrery::run {

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

/// Adds the options that fix numbers, from the INI text that records all of them; not those of
/// `free_options`.
void add_options(Identity& identity, const std::string& ini, const std::set<std::string>& free_options);
/// Adds this binary's, its libraries' and its processors'.
void add_machine(Identity& identity, const Resources& resources);

/// Throws where two differ in what both have or one lacks: bad_input for an input, usage_error else, naming
/// both values. `where` is what the earlier one comes from.
void require_same(const Identity& earlier, const Identity& now, const std::string& where);

}  // namespace orrery::run
