#include "orrery/model/families.hpp"

#include "orrery/core/error.hpp"
#include "orrery/model/llama_description.hpp"
#include "orrery/text/json.hpp"

#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace orrery::model {
namespace {

using NamedReader = std::pair<std::string, ReadDescription>;

/// The first one is for what has no family.
std::vector<NamedReader>& known_families() {
  static std::vector<NamedReader> families = {{"llama", read_llama}};
  return families;
}

/// "" where it has none, or is no JSON: its family's reader says so.
std::string model_type_of(const std::filesystem::path& folder) {
  try {
    const nlohmann::json config = text::read_json(folder / "config.json");
    if (!config.is_object()) return "";
    const auto type = config.find("model_type");
    return type != config.end() && type->is_string() ? type->get<std::string>() : "";
  } catch (const core::Error&) {
    return "";
  }
}

}  // namespace

Family::Family(std::string model_type, ReadDescription read) {
  known_families().emplace_back(std::move(model_type), read);
}

std::unique_ptr<Description> read_description(const std::filesystem::path& folder) {
  const std::string type = model_type_of(folder);
  for (const auto& [name, read] : known_families()) {
    if (name == type) return read(folder);
  }
  return known_families().front().second(folder);
}

}  // namespace orrery::model
