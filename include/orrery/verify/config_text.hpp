#pragma once

#include <map>
#include <set>
#include <string>

namespace orrery::verify {

/// The options that fix the numbers of a run, from the INI text that records all of them: "[section] name" →
/// value. Those whose names are in `free_options` can't change a number (core::OptionTable). Options that
/// files of earlier versions lack have their defaults.
std::map<std::string, std::string> fixing_options(const std::string& ini,
                                                  const std::set<std::string>& free_options);

}  // namespace orrery::verify
