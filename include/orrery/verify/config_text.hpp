#pragma once

#include <map>
#include <string>
#include <string_view>

namespace orrery::verify {

/// Whether an option can't change a number of the result (design.md): paths, threads, order, what concerns
/// stopping and going on, and talk.
bool is_free(std::string_view option);

/// The options that fix the numbers of a run, from the INI text that records all of them: "[section] name" →
/// value. Options that files of earlier versions lack have their defaults.
std::map<std::string, std::string> fixing_options(const std::string& ini);

}  // namespace orrery::verify
