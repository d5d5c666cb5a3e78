#pragma once

#include "orrery/core/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {

/// `bytes` as JSON. `file` is what an error calls them, `advice` what it says to do about it: without one, a
/// text for files that come with a model. Throws bad_input, with line, column and byte, where they are not
/// JSON or nest more than 64 deep; where they are of another known kind (`file_kind`), it says of which. Of a
/// name that an object has twice the last counts, as Python has it.
nlohmann::json parse_json(std::string_view bytes, const std::string& file, const std::string& advice = {});

/// As parse_json, and throws bad_input where an object has a name twice.
nlohmann::json parse_json_of_unique_names(std::string_view bytes, const std::string& file);

/// A JSON file. Throws bad_input, naming it, where it is missing, empty, or no JSON (with the position).
nlohmann::json read_json(const std::filesystem::path& path);

/// A value inside a JSON file, with its place, so that an error names the file, the key and what was
/// expected. It refers to the JSON it was made from. Every getter throws bad_input on a value of another
/// kind.
///
///     const auto json = read_json(folder / "config.json");
///     const JsonValue config(json, "config.json");
///     const auto width = config.at("hidden_size").integer(1, 1 << 20);
class JsonValue {
 public:
  /// `file` is how errors name the file; `key` names the value inside it, "" for the whole. `advice` is what
  /// errors say to do: without it, a text for files that come with a model.
  JsonValue(const nlohmann::json& json, std::string file, std::string key = {}, std::string advice = {});

  const nlohmann::json& json() const { return *json_; }
  const std::string& file() const { return file_; }
  /// As "model.vocab"; "" for the whole file.
  const std::string& key() const { return key_; }

  /// The member `key` of an object; nothing where it is absent or null.
  std::optional<JsonValue> find(std::string_view key) const;
  /// The member `key` of an object. Absent and null are an error.
  JsonValue at(std::string_view key) const;
  /// The elements of an array.
  std::vector<JsonValue> elements() const;
  /// Throws unless this is an object.
  void require_object() const;

  /// A whole number in least … greatest. 24.0 is none: it is written with a fraction.
  std::int64_t integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t greatest = std::numeric_limits<std::int64_t>::max()) const;
  /// A finite number, whole or not.
  double number() const;
  /// A finite number above 0.
  double positive_number() const;
  bool boolean() const;
  const std::string& string() const;

  /// bad_input "FILE: KEY PROBLEM (VALUE): ADVICE", for what a getter can't know. Without advice, the
  /// file's.
  core::Error error(const std::string& problem, const std::string& better_advice = {}) const;

 private:
  std::string advice() const;
  const nlohmann::json* json_;
  std::string file_;
  std::string key_;
  std::string advice_;
};

}  // namespace orrery::text
