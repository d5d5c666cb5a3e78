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

std::unique_ptr<Tokenizer> read_tokenizer_model(const std::filesystem::path& path) {
  const std::string bytes = read_whole_file(path);
  const std::string file = path.filename().string();
  return looks_like_tiktoken(bytes) ? parse_tiktoken(bytes, file) : parse_sentence_piece(bytes, file);
}

}  // namespace

LoadedTokenizer load_tokenizer(const std::filesystem::path& folder) {
  const std::string json_name = "tokenizer.json";
  const std::string model_name = "tokenizer.model";
  std::error_code error;  // a folder that can't be read has neither file
  if (std::filesystem::exists(folder / json_name, error)) {
    return {read_tokenizer_json(folder / json_name), json_name};
  }
  if (std::filesystem::exists(folder / model_name, error)) {
    return {read_tokenizer_model(folder / model_name), model_name};
  }
  throw core::bad_input("no tokenizer",
                        core::concat(folder.string(), " has neither ", json_name, " nor ", model_name),
                        "put the model's tokenizer beside its weights");
}

void require_utf8(std::string_view text) {
  if (const auto fault = find_utf8_fault(text)) {
    throw core::bad_input("a text to be encoded is not UTF-8",
                          core::concat("byte ", fault->offset, " of ", text.size(), ": ", fault->reason),
                          "convert it to UTF-8");
  }
}

}  // namespace orrery::text
