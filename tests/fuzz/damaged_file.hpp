#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace orrery::test {

/// Writes a damaged file to `path`, as `recipe` says. The low four bits of its first byte:
///
///   * 0 … 6: a whole_file of that kind, changed by each six bytes that follow (Damage::apply has the steps).
///   It stays
///     a sound HDF5 file, which random bytes hardly are; its checksums are put right unless bit 7 is set.
///   * 7 … 13: a whole_file of kind 0 … 6 in which bytes are changed, by place (three bytes) and new value.
///   * 14, 15: what follows is the file.
void write_damaged(const std::filesystem::path& path, std::span<const std::uint8_t> recipe);

}  // namespace orrery::test
