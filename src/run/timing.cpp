#include "orrery/run/timing.hpp"

#include "orrery/core/error.hpp"

#include <algorithm>

namespace orrery::run {
namespace {

/// The entry of `name` in pairs of a name and what belongs to it.
template <class Pairs>
auto& entry_of(Pairs& pairs, std::string_view name) {
  const auto found = std::ranges::find(pairs, name, [](const auto& pair) { return pair.first; });
  if (found != pairs.end()) return found->second;
  throw core::internal_error("no time is charged to that name", std::string(name), "please report it");
}

}  // namespace

Timing::Timing(const std::vector<std::string>& names) {
  for (const std::string& name : names) spent_.emplace_back(name, 0);
}

void Timing::charge(std::string_view name) {
  entry_of(spent_, name) += stretch_.lap();
}

double Timing::seconds(std::string_view name) const {
  return entry_of(spent_, name);
}

std::vector<archive::Attribute> Timing::attributes() const {
  std::vector<archive::Attribute> all;
  for (const auto& [name, seconds] : spent_) all.push_back({"/timing", name + "_seconds", seconds});
  all.push_back({"/timing", "total_seconds", whole_.seconds()});
  return all;
}

}  // namespace orrery::run
