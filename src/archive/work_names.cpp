#include "work_names.hpp"

#include "orrery/core/concat.hpp"

#include <algorithm>
#include <charconv>

namespace orrery::archive {
namespace {

/// The number that `text` begins with, which is cut off; nothing where it begins with none.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<Part> part_in(std::string_view name) {
  constexpr std::string_view between = "-of-";
  std::string_view rest = name;
  const std::optional<std::int64_t> number = take_number(rest);
  if (!number || !rest.starts_with(between)) return std::nullopt;
  rest.remove_prefix(between.size());
  const std::optional<std::int64_t> count = take_number(rest);
  if (!count || *number < 0 || *number >= *count || *count > Part::most) return std::nullopt;
  const Part part{*number, *count};
  // Not 03-of-8, which we never write.
  if (!name.starts_with(prefix_of(part))) return std::nullopt;
  return part;
}

}  // namespace

std::filesystem::path work_folder(const std::filesystem::path& out) {
  return out.string() + ".part";
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

std::string prefix_of(const Part& part) {
  return core::concat(part.number, "-of-", part.count, ".");
}

bool is_state_file(std::string_view file) {
  if (!file.starts_with(state_prefix)) return false;
  file.remove_prefix(std::string_view(state_prefix).size());
  if (!take_number(file)) return false;
  if (file.starts_with('-')) {
    file.remove_prefix(1);
    if (!take_number(file)) return false;
  }
  return file.empty();
}

std::optional<WorkName> parse_work_name(const std::string& name) {
  WorkName parsed;
  parsed.part = part_in(name);
  if (parsed.part) parsed.prefix = prefix_of(*parsed.part);
  if (name.starts_with(join_prefix)) parsed.prefix = join_prefix;
  parsed.file = name.substr(parsed.prefix.size());
  const bool known =
      std::ranges::find(work_files, parsed.file) != work_files.end() || is_state_file(parsed.file);
  if (!known && !(parsed.part && parsed.file == finished_file)) return std::nullopt;
  return parsed;
}

}  // namespace orrery::archive
