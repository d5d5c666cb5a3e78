#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace orrery::text {

/// All bytes of a file. Throws bad_input where it is missing, no regular file, or larger than `limit` bytes;
/// io_error where reading fails.
std::string read_whole_file(const std::filesystem::path& path, std::int64_t limit = std::int64_t{1} << 30);

}  // namespace orrery::text
