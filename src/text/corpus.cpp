#include "orrery/text/corpus.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/read_file.hpp"
#include "orrery/text/file_kind.hpp"
#include "orrery/text/text_file.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <string_view>

namespace orrery::text {
namespace {

constexpr std::int64_t block_bytes = std::int64_t{1} << 20;

void check(const CorpusSelection& selection) {
  if (selection.samples < 0) {
    throw core::usage_error("a number of samples below 0", core::concat("--samples ", selection.samples),
                            "give 0 for all rows, or how many");
  }
  // min + 1 < max, written so that it can't overflow.
  if (selection.min_chars < 0 || selection.max_chars <= selection.min_chars ||
      selection.max_chars - selection.min_chars < 2) {
    throw core::usage_error(
        "no row can have a length in this range",
        core::concat("--min-chars ", selection.min_chars, " --max-chars ", selection.max_chars),
        "rows with min < characters < max are kept: make min smaller or max larger");
  }
}

/// Takes a corpus line by line, keeps the rows of a selection, and counts what it saw for the errors.
class CorpusReader {
 public:
  CorpusReader(const std::filesystem::path& path, std::string_view first_bytes,
               const CorpusSelection& selection)
      : path_(path), checker_(path, first_bytes), selection_(selection) {}

  /// `line` begins at byte `offset` of the file; no line feed ends it where it `is_last`.
  void take(std::string_view line, std::int64_t offset, bool is_last) {
    checker_.check(line, corpus_.lines, offset, is_last);
    const std::int64_t number = corpus_.lines++;
    const std::string_view row = strip(line);
    if (row.empty()) return;
    const std::int64_t characters = count_code_points(row);
    ++corpus_.rows_read;
    shortest_ = std::min(shortest_, characters);
    longest_ = std::max(longest_, characters);
    if (characters <= selection_.min_chars || characters >= selection_.max_chars) return;
    ++corpus_.rows_in_range;
    if (selection_.samples == 0 || corpus_.rows_in_range <= selection_.samples) {
      corpus_.rows.push_back({number, characters, std::string(row)});
    }
  }

  Corpus finish() && {
    if (corpus_.lines == 0) {
      throw core::bad_input(name() + " is empty", path_.string() + " has no text",
                            "give a corpus: UTF-8 text, a sample a line");
    }
    if (corpus_.rows.empty()) {
      const std::string seen =
          corpus_.rows_read == 0
              ? core::concat("all of its ", corpus_.lines, " lines are blank")
              : core::concat(corpus_.lines, " lines and ", corpus_.rows_read, " rows read, the shortest has ",
                             shortest_, " characters, the longest ", longest_);
      throw core::bad_input(core::concat(name(), " has no row with ", selection_.min_chars,
                                         " < characters < ", selection_.max_chars),
                            seen + "; " + path_.string(),
                            "change --min-chars and --max-chars, or the corpus: a sample is one line");
    }
    checker_.finish();
    return std::move(corpus_);
  }

 private:
  std::string name() const { return path_.filename().string(); }

  std::filesystem::path path_;
  TextChecker checker_;
  CorpusSelection selection_;
  Corpus corpus_;
  std::int64_t shortest_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t longest_ = 0;
};

}  // namespace

Corpus read_corpus(const std::filesystem::path& path, const CorpusSelection& selection) {
  check(selection);
  const core::ReadFile file(path);
  std::string block(core::narrow<std::size_t>(std::min(std::int64_t{file_kind_bytes}, file.size())), '\0');
  file.read(0, std::as_writable_bytes(std::span(block)));
  CorpusReader reader(path, block, selection);
  std::string line;
  std::int64_t line_begin = 0;
  const auto end_line = [&](bool is_last) {
    const bool marked = line_begin == 0 && line.starts_with(byte_order_mark);
    const std::size_t skipped = marked ? byte_order_mark.size() : 0;
    reader.take(std::string_view(line).substr(skipped), line_begin + core::narrow<std::int64_t>(skipped),
                is_last);
  };
  for (std::int64_t offset = 0; offset < file.size(); offset += block_bytes) {
    block.resize(core::narrow<std::size_t>(std::min(block_bytes, file.size() - offset)));
    file.read(offset, std::as_writable_bytes(std::span(block)));
    std::size_t begin = 0;
    for (std::size_t end = block.find('\n'); end != std::string::npos; end = block.find('\n', begin)) {
      line.append(block, begin, end - begin);
      end_line(/*is_last=*/false);
      line.clear();
      begin = end + 1;
      line_begin = offset + core::narrow<std::int64_t>(begin);
    }
    line.append(block, begin);
  }
  // Text behind the last LF is a line too; a byte order mark alone is no text.
  if (!line.empty() && !(line_begin == 0 && line == byte_order_mark)) end_line(/*is_last=*/true);
  return std::move(reader).finish();
}

}  // namespace orrery::text
