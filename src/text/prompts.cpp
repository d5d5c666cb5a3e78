#include "orrery/text/prompts.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/corpus.hpp"
#include "orrery/text/json.hpp"
#include "orrery/text/utf8.hpp"
#include "orrery/text/whole_file.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <string_view>
#include <utility>

namespace orrery::text {
namespace {

using core::bad_input;
using core::concat;

constexpr const char* advice = "give a prompt a line, without blank lines between";
constexpr const char* json_advice = "give a JSON object a line, with the prompt as its field text";

std::string place_of(const std::filesystem::path& path, std::int64_t line) {
  return concat(path.filename().string(), ", line ", line, " from 0");
}

/// Its lines, stripped, by way of the corpus's reader, which refuses what is not text. Throws where one is
/// blank.
std::vector<CorpusRow> read_lines(const std::filesystem::path& path) {
  // That reader's message would be about rows and their lengths.
  if (read_whole_file(path).find_first_not_of(" \t\r\n\v\f") == std::string::npos)
    throw bad_input("the prompts file is empty", path.string() + " has no text", advice);
  Corpus corpus = read_corpus(path, {0, 0, std::numeric_limits<std::int64_t>::max()});
  std::int64_t line = 0;
  while (line < std::ssize(corpus.rows) && corpus.rows[static_cast<std::size_t>(line)].line == line) ++line;
  if (line < corpus.lines) throw bad_input("a prompt is empty", place_of(path, line), advice);
  return std::move(corpus.rows);
}

std::string text_of_json(const std::string& line, const std::string& place) {
  const nlohmann::json json = parse_json(line, place, json_advice);
  return JsonValue(json, place, {}, json_advice).at("text").string();
}

}  // namespace

std::vector<PromptText> read_prompts(const std::filesystem::path& path) {
  const bool is_json = path.extension() == ".jsonl";
  if (path.extension() == ".json") {
    throw bad_input("prompts are read from lines, not from one JSON value", path.string(),
                    concat(json_advice, ", in a file named .jsonl"));
  }
  std::vector<PromptText> prompts;
  for (CorpusRow& row : read_lines(path)) {
    const std::string place = place_of(path, row.line);
    std::string text = is_json ? text_of_json(row.text, place) : std::move(row.text);
    if (strip(text).empty()) throw bad_input("a prompt is empty", place, is_json ? json_advice : advice);
    if (text.find('\0') != std::string::npos)
      throw bad_input("a prompt has a NUL character", place, "check that the file is UTF-8 text");
    prompts.push_back({row.line, std::move(text)});
  }
  return prompts;
}

}  // namespace orrery::text
