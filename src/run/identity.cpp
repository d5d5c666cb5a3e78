#include "orrery/run/identity.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/run/libraries.hpp"
#include "orrery/verify/config_text.hpp"

#include <set>

namespace orrery::run {
namespace {

using core::concat;

constexpr const char* input_prefix = "input: ";

/// The kinds of processors, without which rank has which: "cuda:1 NVIDIA …" on one rank is "cuda:0" on
/// another.
std::string processors_of(const Resources& resources) {
  std::set<std::string> kinds;
  for (const std::string& device : resources.devices) {
    const std::size_t blank = device.find(' ');
    kinds.insert(device.substr(0, device.find_first_of(": ")) + device.substr(blank));
  }
  std::string text;
  for (const std::string& kind : kinds) text += concat(text.empty() ? "" : ", ", kind);
  return text;
}

}  // namespace

std::string input_name(const std::string& input) {
  return input_prefix + input;
}

bool is_input(const std::string& name) {
  return name.starts_with(input_prefix);
}

std::string option_name(const std::string& section, const std::string& option) {
  return concat("option [", section, "] ", option);
}

void add_options(Identity& identity, const std::string& ini, const std::set<std::string>& free_options) {
  for (const auto& [name, value] : verify::fixing_options(ini, free_options))
    identity["option " + name] = value;
}

void add_machine(Identity& identity, const Resources& resources) {
  identity["program"] = core::sha256_of_file("/proc/self/exe");
  identity["libraries"] = libraries();
  identity["processors"] = processors_of(resources);
}

void require_same(const Identity& earlier, const Identity& now, const std::string& where) {
  std::set<std::string> names;
  for (const Identity* one : {&earlier, &now}) {
    for (const auto& [name, value] : *one) names.insert(name);
  }
  for (const std::string& name : names) {
    const auto value_in = [&](const Identity& one) {
      const auto found = one.find(name);
      return found == one.end() ? std::string("nothing") : found->second;
    };
    const std::string before = value_in(earlier), after = value_in(now);
    if (before == after) continue;
    const std::string seen = concat(name, ": ", before, " in ", where, ", ", after, " now");
    if (is_input(name)) {
      throw core::bad_input("the work was begun with another input", seen,
                            "give the same one, or --overwrite to begin again");
    }
    throw core::usage_error("the work was begun in another way", seen,
                            "do as it was begun, or give --overwrite to begin again");
  }
}

}  // namespace orrery::run
