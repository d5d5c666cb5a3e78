// encode_texts: encodes texts with tokenizers, for tests that compare with the libraries. A line of stdin is
// a JSON array of a folder with a tokenizer and texts; a line of stdout an array of what came of each text,
// its ids or an error, or one error where the file is refused.
#include "orrery/core/error.hpp"
#include "orrery/text/json.hpp"
#include "orrery/text/tokenizer.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <iostream>
#include <string>

namespace {

using nlohmann::json;
namespace text = orrery::text;

json encoded(const text::Tokenizer& tokenizer, const std::string& row) {
  try {
    return tokenizer.encode(row);
  } catch (const orrery::core::Error& error) {
    return error.what();
  }
}

json answer(const json& question) {
  try {
    const text::LoadedTokenizer loaded = text::load_tokenizer(question.at(0).get<std::string>());
    json answers = json::array();
    for (const json& row : question.at(1))
      answers.push_back(encoded(*loaded.tokenizer, row.get<std::string>()));
    return answers;
  } catch (const orrery::core::Error& error) {
    return error.what();
  }
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) std::cout << answer(json::parse(line)).dump() << '\n';
}
