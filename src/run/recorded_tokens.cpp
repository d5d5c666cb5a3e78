#include "orrery/run/recorded_tokens.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace orrery::run {

std::optional<text::SpecialTokens> recorded_tokens(const archive::Reader& file) {
  if (std::ranges::find(file.groups(), "/samples") == file.groups().end()) return std::nullopt;
  const auto side = [&](const char* name) -> std::optional<std::vector<text::SpecialToken>> {
    const auto value = file.attribute("/samples", name);
    if (!value || !std::holds_alternative<std::string>(*value)) return std::nullopt;
    return text::special_tokens_from(std::get<std::string>(*value),
                                     file.path() + ", attribute " + name + " of /samples");
  };
  const auto leading = side("leading"), trailing = side("trailing");
  if (!leading || !trailing) return std::nullopt;
  return text::SpecialTokens{*leading, *trailing};
}

}  // namespace orrery::run
