#pragma once

#include "orrery/archive/layout.hpp"

#include <cstddef>
#include <filesystem>

namespace orrery::test {

/// Kinds of small files with made-up numbers: the first are traces, of rows that were kept, of rows that were
/// streamed and of every token; the others sweeps.
inline constexpr std::size_t trace_kinds = 3, file_kinds = 7;

/// What a file of that kind holds.
const archive::Layout& layout_of(std::size_t kind);

/// A whole file of that kind in scratch(), made when it is first asked for. It has no checksums.
const std::filesystem::path& whole_file(std::size_t kind);

}  // namespace orrery::test
