#include "orrery/text/json.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/whole_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace orrery::text {
namespace {

constexpr std::int64_t depth_limit = 64;
constexpr std::size_t longest_key = 200;

/// Line and column (both from 1) and byte (from 0) of a place in a file.
std::string position(std::string_view bytes, std::size_t offset) {
  const std::string_view before = bytes.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = offset - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return core::concat("line ", line, ", column ", column, ", byte ", offset);
}

/// Where brackets nest deeper than the limit. Checked ahead of parsing, which would build the whole tree
/// first.
std::optional<std::size_t> find_deep_nesting(std::string_view bytes) {
  std::int64_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char byte = bytes[i];
    if (in_string) {
      if (byte == '\\') ++i;
      if (byte == '"') in_string = false;
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '{' || byte == '[') {
      if (++depth > depth_limit) return i;
    } else if (byte == '}' || byte == ']') {
      --depth;
    }
  }
  return std::nullopt;
}

/// The part of nlohmann's message that names the problem; we give the position ourselves.
std::string reason_of(const nlohmann::json::exception& fault) {
  const std::string whole = fault.what();
  const std::size_t begin = whole.find(": ");
  return begin == std::string::npos ? whole : whole.substr(begin + 2);
}

std::string shown(const nlohmann::json& json) {
  if (json.is_object()) return "an object";
  if (json.is_array()) return "an array";
  const std::string text =
      json.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
  return printable(text);
}

const std::string broken_advice = "replace it: the file is damaged, or was not downloaded whole";

/// A callback of nlohmann's parser that throws where an object has a name twice. The parser keeps the last
/// one.
class UniqueNames {
 public:
  explicit UniqueNames(const std::string& file) : file_(file) {}

  bool operator()(int, nlohmann::json::parse_event_t event, const nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event == Event::key && !open_.back().insert(value.get<std::string>()).second) {
      throw core::bad_input(file_ + ": an object has a name twice",
                            printable(value.get<std::string>(), longest_key), broken_advice);
    }
    return true;
  }

 private:
  const std::string& file_;
  std::vector<std::set<std::string>> open_;
};

nlohmann::json parse(std::string_view bytes, const std::string& file, const std::string& advice,
                     const nlohmann::json::parser_callback_t& callback) {
  const std::string& what_to_do = advice.empty() ? broken_advice : advice;
  if (bytes.empty()) throw core::bad_input(file + " is empty", "0 bytes", what_to_do);
  require_no_other_kind(bytes, file);
  // The parser takes a NUL for the end of the text, whatever follows.
  if (const std::size_t zero = bytes.find('\0'); zero != std::string_view::npos) {
    throw core::bad_input(file + " is not JSON", position(bytes, zero) + ": a zero byte", what_to_do);
  }
  if (const auto deep = find_deep_nesting(bytes)) {
    throw core::bad_input(file + " nests too deep",
                          core::concat("more than ", depth_limit, " levels at ", position(bytes, *deep)),
                          what_to_do);
  }
  try {
    return nlohmann::json::parse(bytes, callback);
  } catch (const nlohmann::json::parse_error& fault) {
    const std::size_t offset = std::min(fault.byte > 0 ? fault.byte - 1 : 0, bytes.size());
    throw core::bad_input(file + " is not JSON", position(bytes, offset) + ": " + reason_of(fault),
                          what_to_do);
  } catch (const nlohmann::json::exception& fault) {
    throw core::bad_input(file + " is not JSON", reason_of(fault), what_to_do);
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view bytes, const std::string& file, const std::string& advice) {
  return parse(bytes, file, advice, nullptr);
}

nlohmann::json parse_json_of_unique_names(std::string_view bytes, const std::string& file) {
  return parse(bytes, file, {}, UniqueNames(file));
}

nlohmann::json read_json(const std::filesystem::path& path) {
  return parse_json(read_whole_file(path), path.filename().string());
}

JsonValue::JsonValue(const nlohmann::json& json, std::string file, std::string key, std::string advice)
    : json_(&json), file_(std::move(file)), key_(std::move(key)), advice_(std::move(advice)) {}

std::string JsonValue::advice() const {
  return advice_.empty() ? core::concat("use the ", file_, " that the model was published with") : advice_;
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  require_object();
  const auto found = json_->find(key);
  if (found == json_->end() || found->is_null()) return std::nullopt;
  return JsonValue(*found, file_, key_.empty() ? std::string(key) : core::concat(key_, ".", key), advice_);
}

JsonValue JsonValue::at(std::string_view key) const {
  if (auto found = find(key)) return *std::move(found);
  const bool is_null = json_->contains(key);
  throw core::bad_input(
      core::concat(file_, ": ", is_null ? "null for " : "no ",
                   printable(core::concat(key_, key_.empty() ? "" : ".", key), longest_key)),
      is_null ? "a value is needed" : "the key is needed, and is not there", advice());
}

std::vector<JsonValue> JsonValue::elements() const {
  if (!json_->is_array()) throw error("must be an array");
  std::vector<JsonValue> elements;
  for (std::size_t i = 0; i < json_->size(); ++i) {
    elements.emplace_back((*json_)[i], file_, core::concat(key_, "[", i, "]"), advice_);
  }
  return elements;
}

void JsonValue::require_object() const {
  if (!json_->is_object()) throw error("must be an object");
}

std::int64_t JsonValue::integer(std::int64_t least, std::int64_t greatest) const {
  if (!json_->is_number()) throw error("must be a number");
  if (!json_->is_number_integer()) throw error("must be a whole number");
  const bool fits = !json_->is_number_unsigned() || std::in_range<std::int64_t>(json_->get<std::uint64_t>());
  const std::int64_t value = fits ? json_->get<std::int64_t>() : 0;
  if (!fits || value > greatest) throw error(core::concat("must be at most ", greatest));
  if (value < least) throw error(core::concat("must be at least ", least));
  return value;
}

double JsonValue::number() const {
  if (!json_->is_number()) throw error("must be a number");
  const double value = json_->get<double>();
  if (!std::isfinite(value)) throw error("must be finite");
  return value;
}

double JsonValue::positive_number() const {
  const double value = number();
  if (!(value > 0)) throw error("is not positive");
  return value;
}

bool JsonValue::boolean() const {
  if (!json_->is_boolean()) throw error("must be true or false");
  return json_->get<bool>();
}

const std::string& JsonValue::string() const {
  if (!json_->is_string()) throw error("must be a string");
  return json_->get_ref<const std::string&>();
}

core::Error JsonValue::error(const std::string& problem, const std::string& better_advice) const {
  return core::bad_input(
      core::concat(file_, ": ", key_.empty() ? "the file" : printable(key_, longest_key), " ", problem),
      shown(*json_), better_advice.empty() ? advice() : better_advice);
}

}  // namespace orrery::text
