#include "numbers.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/run/recorded_tokens.hpp"
#include "orrery/text/special_tokens.hpp"

#include <cmath>
#include <iomanip>
#include <set>

namespace orrery::report {

using core::concat;

std::string shown(double value, int digits) {
  if (std::isnan(value)) return "not defined";
  if (std::isinf(value)) return value > 0 ? "infinite" : "−infinite";
  return concat(std::setprecision(digits), value);
}

std::string shown_with_error(double value, double error, int digits) {
  if (std::isnan(value) || std::isnan(error)) return shown(value, digits);
  return concat(shown(value, digits), " ± ", std::setprecision(2), error);
}

std::string shown_percent(double share) {
  if (std::isnan(share)) return "not defined";
  return concat(std::fixed, std::setprecision(1), 100 * share, " %");
}

double real_attribute(const archive::Reader& file, const std::string& object, const std::string& name) {
  const auto value = file.attribute(object, name);
  if (value && std::holds_alternative<double>(*value)) return std::get<double>(*value);
  if (value && std::holds_alternative<std::int64_t>(*value))
    return static_cast<double>(std::get<std::int64_t>(*value));
  return std::nan("");
}

std::vector<std::pair<std::string, std::string>> origin_of(const archive::Reader& file) {
  static const std::set<std::string> elsewhere = {"config", "not_computed", "format", "complete"};
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& name : file.attribute_names("/")) {
    if (elsewhere.contains(name)) continue;
    const auto text = [](const auto& value) { return concat(value); };
    all.emplace_back(name, std::visit(text, *file.attribute("/", name)));
  }
  if (const auto tokens = run::recorded_tokens(file))
    all.emplace_back("special_tokens", text::described(*tokens));
  return all;
}

}  // namespace orrery::report
