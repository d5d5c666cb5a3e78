#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace orrery::text {

/// All bytes of a file. Throws bad_input where it is missing, no regular file, or larger than `limit` bytes;
/// io_error where reading fails.
std::string read_whole_file(const std::filesystem::path& path, std::int64_t limit = std::int64_t{1} << 30);

/// Throws bad_input where `bytes`, the beginning of `file` or all of it, are of another known kind
/// (`file_kind`), and says what to do about that.
void require_no_other_kind(std::string_view bytes, const std::string& file);

}  // namespace orrery::text
