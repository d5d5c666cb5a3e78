#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery::text {

/// A prompt of one's own.
struct PromptText {
  std::int64_t line = 0;  ///< of the file, from 0
  std::string text;       ///< UTF-8, neither blank nor with a NUL
};

/// The prompts of a file, of any length: UTF-8 text, one a line, each stripped as a row of a corpus is; or,
/// where the file's name ends in ".jsonl", JSON Lines: an object a line, whose field `text` is the prompt as
/// it stands there, line ends and blanks at its edges too. Throws bad_input, naming the line (from 0), where
/// one is blank, no such object or not UTF-8, or a prompt is blank or has a NUL; and for a file that is
/// missing, empty or of one JSON value.
std::vector<PromptText> read_prompts(const std::filesystem::path& path);

}  // namespace orrery::text
