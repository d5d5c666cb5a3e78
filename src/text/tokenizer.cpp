#include "orrery/text/tokenizer.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/text/sentence_piece.hpp"
#include "orrery/text/tiktoken.hpp"
#include "orrery/text/tokenizer_json.hpp"
#include "orrery/text/utf8.hpp"
#include "orrery/text/whole_file.hpp"

#include <system_error>

namespace orrery::text {
namespace {

constexpr const char* json_name = "tokenizer.json";
constexpr const char* model_name = "tokenizer.model";

std::unique_ptr<Tokenizer> read_tokenizer_model(const std::filesystem::path& path) {
  const std::string bytes = read_whole_file(path);
  const std::string file = path.filename().string();
  require_no_other_kind(bytes, file);
  return looks_like_tiktoken(bytes) ? parse_tiktoken(bytes, file) : parse_sentence_piece(bytes, file);
}

}  // namespace

std::string tokenizer_file(const std::filesystem::path& folder) {
  std::error_code error;  // a folder that can't be read has neither file
  for (const char* name : {json_name, model_name}) {
    if (std::filesystem::exists(folder / name, error)) return name;
  }
  throw core::bad_input("no tokenizer",
                        core::concat(folder.string(), " has neither ", json_name, " nor ", model_name),
                        "put the model's tokenizer beside its weights");
}

LoadedTokenizer load_tokenizer(const std::filesystem::path& folder) {
  const std::string file = tokenizer_file(folder);
  return {file == json_name ? read_tokenizer_json(folder / file) : read_tokenizer_model(folder / file), file};
}

void require_utf8(std::string_view text) {
  if (const auto fault = find_utf8_fault(text)) {
    throw core::bad_input("a text to be encoded is not UTF-8",
                          core::concat("byte ", fault->offset, " of ", text.size(), ": ", fault->reason),
                          "convert it to UTF-8");
  }
}

}  // namespace orrery::text
