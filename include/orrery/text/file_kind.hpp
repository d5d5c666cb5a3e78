#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace orrery::text {

/// What a file is that was taken for another: its format or encoding, and what to do about it.
struct FileKind {
  std::string name;    ///< with its article: "a Git LFS pointer", "gzip data", "UTF-16 text"
  std::string advice;  ///< as of core::Error
};

/// How many bytes of a file's beginning file_kind looks at, where there are so many.
inline constexpr std::size_t file_kind_bytes = 512;

/// The kind of a file by its first bytes: a Git LFS pointer, an HTML page, an archive or compressed data,
/// text in UTF-16 or UTF-32, Parquet, GGUF and the like. Nothing where they are of none of these, as those of
/// UTF-8 text, JSON and safetensors are.
std::optional<FileKind> file_kind(std::string_view first_bytes);

}  // namespace orrery::text
