#pragma once

#include "orrery/archive/reader.hpp"
#include "orrery/parallel/communicator.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace orrery::archive {

// Checksums of a finished file, as attributes of /checksum: of each dataset outside /timing that has values,
// named as its path with dots for slashes ("pca.eigenvalue"), and "attributes" of all attributes but those
// that tell of the run. They depend on what the file holds alone, never on ranks. A checksum is XXH64 (seed
// 0) as 16 hexadecimal digits, one for each `checksum_block_bytes` of the dataset's bytes as they lie in the
// file, blanks between.

inline constexpr const char* checksum_group = "/checksum";
inline constexpr std::int64_t checksum_block_bytes = std::int64_t{16} << 20;

/// Of one block of bytes.
std::string checksum_of(std::span<const std::byte> block);
/// Of texts: of their characters, a zero byte behind each.
std::string checksum_of(const std::vector<std::string>& texts);
/// Of the file's attributes: texts are object, name and value of each, by object and name, but for those that
/// tell of the run; a value is "t" and a text, "i" and a whole number, or "r" and the 16 digits of a number's
/// bits.
std::string checksum_of_attributes(const Reader& file);

/// Whether the file should have a checksum of the dataset.
bool has_checksum(const DatasetInfo& info);
/// Those that the file holds of a dataset, one for each block; nothing where it holds none.
std::optional<std::vector<std::string>> stored_checksums(const Reader& file, const std::string& path);
/// The file's checksum of its attributes; nothing where it holds none.
std::optional<std::string> stored_attribute_checksum(const Reader& file);

/// Throws bad_input where the dataset is not what the file's checksums of it say: for whoever goes on from
/// its numbers.
void require_sound(const Reader& file, const std::string& path);

/// Collective: reads what the closed file at `path` (rank 0's is meant) holds, each rank its share of the
/// blocks, and rank 0 writes the checksums into it. After all attributes but `complete` are written. Throws
/// AgreedError with io where the file can't be read or written.
void write_checksums(const parallel::Communicator& ranks, const std::filesystem::path& path);

}  // namespace orrery::archive
