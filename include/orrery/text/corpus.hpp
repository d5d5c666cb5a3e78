#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery::text {

/// Which rows of a corpus are used: the first `samples` with min_chars < characters < max_chars.
struct CorpusSelection {
  std::int64_t samples = 1000;  ///< 0: all
  std::int64_t min_chars = 100;
  std::int64_t max_chars = 500;
};

struct CorpusRow {
  std::int64_t line = 0;        ///< in the file, from 0
  std::int64_t characters = 0;  ///< Unicode code points, after stripping
  std::string text;             ///< UTF-8, stripped; may contain NUL
};

struct Corpus {
  std::vector<CorpusRow> rows;  ///< used, in file order; never empty
  std::int64_t lines = 0;       ///< in the file
  std::int64_t rows_read = 0;   ///< lines that are not blank
  std::int64_t rows_in_range =
      0;  ///< of those, rows whose length is in the range: more than `rows` where `samples` cut
};

/// Reads a corpus: UTF-8, a sample a line (science.md, Samples). A line ends at LF and nowhere else, a byte
/// order mark at the start is no text, and each line is stripped as Python's `str.strip` does. The whole file
/// is checked, also behind the last row used; memory is that of the longest line and of the rows used. Throws
/// bad_input for a file that is missing, no regular file, empty, not UTF-8 or without a row in the range;
/// usage_error for a selection that no row can meet.
Corpus read_corpus(const std::filesystem::path& path, const CorpusSelection& selection);

}  // namespace orrery::text
