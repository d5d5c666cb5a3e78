#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/run/stopwatch.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::run {

/// Where the time of a run goes: each stretch of it is charged to one of some names.
class Timing {
 public:
  explicit Timing(const std::vector<std::string>& names);

  /// The time since it was made, or since anything was charged, went into `name`, which is one of the names.
  void charge(std::string_view name);
  double seconds(std::string_view name) const;

  /// Attributes of /timing: NAME_seconds of each name, and total_seconds since it was made.
  std::vector<archive::Attribute> attributes() const;

 private:
  Stopwatch stretch_, whole_;
  std::vector<std::pair<std::string, double>> spent_;
};

}  // namespace orrery::run
