#include "orrery/text/added_tokens.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/tokenizer.hpp"

#include <algorithm>

namespace orrery::text {

AddedTokens::AddedTokens(const JsonValue& json, const Vocabulary& vocabulary, bool has_normalizer) {
  for (const JsonValue& element : json.elements()) {
    const auto flag = [&element](std::string_view key) {
      const auto found = element.find(key);
      return found && found->boolean();
    };
    const JsonValue id_value = element.at("id");
    const auto id = core::narrow<std::int32_t>(id_value.integer(0, largest_token_id));
    largest_id_ = std::max(largest_id_, id);
    const JsonValue content = element.at("content");
    if (flag("special") || content.string().empty()) continue;
    const auto known = vocabulary.find(content.string());
    if (known != vocabulary.end() && known->second != id) {
      throw id_value.error(core::concat("is not the id of that token in model.vocab, ", known->second));
    }
    const bool normalized = flag("normalized");
    for (const std::string_view condition : {"lstrip", "rstrip", "single_word", "normalized"}) {
      if (!flag(condition) || (condition == "normalized" && !has_normalizer)) continue;
      throw content.error(core::concat("is an added token with ", condition, ", which is not supported"),
                          "use the model's tokenizer.model, if it has one");
    }
    (normalized ? second_ : first_).push_back({content.string(), id});
  }
  // Of two alike the first listed counts.
  for (Tokens* tokens : {&first_, &second_}) std::ranges::stable_sort(*tokens, {}, &Token::content);
}

const AddedTokens::Token* AddedTokens::longest_at(std::string_view text, const Tokens& tokens) {
  const Token* longest = nullptr;
  auto first = tokens.begin(),
       last = tokens.end();  // those that begin as `text` does, as far as it was looked at
  for (std::size_t depth = 0; first != last; ++depth) {
    if (first->content.size() == depth) {
      longest = &*first;
      while (first != last && first->content.size() == depth) ++first;
    }
    if (depth == text.size()) break;
    const auto byte_of = [depth](const Token& token) {
      return static_cast<unsigned char>(token.content[depth]);
    };
    const auto byte = static_cast<unsigned char>(text[depth]);
    first = std::partition_point(first, last, [&](const Token& token) { return byte_of(token) < byte; });
    last = std::partition_point(first, last, [&](const Token& token) { return byte_of(token) == byte; });
  }
  return longest;
}

void AddedTokens::split(std::string_view text, const Tokens& tokens, std::vector<Section>& sections) {
  std::size_t begin = 0;  // of the ordinary text that is being gathered
  std::size_t at = tokens.empty() ? text.size() : 0;
  const auto add_text = [&] {
    if (at > begin) sections.push_back({text.substr(begin, at - begin), std::nullopt});
  };
  while (at < text.size()) {
    const Token* token = longest_at(text.substr(at), tokens);
    if (token == nullptr) {
      ++at;
      continue;
    }
    add_text();
    sections.push_back({text.substr(at, token->content.size()), token->id});
    at += token->content.size();
    begin = at;
  }
  add_text();
}

std::vector<AddedTokens::Section> AddedTokens::split(std::string_view text) const {
  std::vector<Section> coarse;
  split(text, first_, coarse);
  std::vector<Section> sections;
  for (const Section& section : coarse) {
    if (section.id) {
      sections.push_back(section);
    } else {
      split(section.text, second_, sections);
    }
  }
  return sections;
}

}  // namespace orrery::text
