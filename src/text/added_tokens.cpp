#include "orrery/text/added_tokens.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/tokenizer.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>
#include <unordered_set>

namespace orrery::text {
namespace {

bool flag(const JsonValue& element, std::string_view key) {
  const auto found = element.find(key);
  return found && found->boolean();
}

/// The token's properties in the file besides content and id.
struct Flags {
  bool special = false;
  bool normalized = false;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;

  explicit Flags(const JsonValue& element)
      : special(flag(element, "special")),
        normalized(flag(element, "normalized")),
        single_word(flag(element, "single_word")),
        lstrip(flag(element, "lstrip")),
        rstrip(flag(element, "rstrip")) {}
  bool operator==(const Flags&) const = default;
};

/// The ids that the library gives: it takes no note of those in the file, but numbers on behind the
/// vocabulary.
class LibraryIds {
 public:
  explicit LibraryIds(const Vocabulary& vocabulary)
      : vocabulary_(vocabulary), size_(core::narrow<std::int64_t>(vocabulary.size())) {}

  /// Of the next in the file, which isn't listed above.
  std::int64_t next(const std::string& content) {
    const auto known = vocabulary_.find(content);
    const std::int64_t id = known != vocabulary_.end() ? known->second : std::max(largest_ + 1, size_);
    largest_ = std::max(largest_, id);
    return id;
  }

 private:
  const Vocabulary& vocabulary_;
  std::int64_t size_;
  std::int64_t largest_ = -1;
};

/// Tokens that the file numbers otherwise than the library would.
class OtherIds {
 public:
  void note(const std::string& content, std::int32_t id, std::int64_t librarys) {
    if (id == librarys) return;
    if (count_++ == 0)
      first_ = core::concat("\"", printable(content), "\" has id ", id, ", the library tokenizers gives it ",
                            librarys);
  }
  void warn(const std::string& file) const {
    if (count_ == 0) return;
    core::log_warn(core::concat(file, ": ", count_, " added token", count_ == 1 ? "" : "s",
                                " with an id that is not the next behind the vocabulary (", first_,
                                "): the file's ids are used; which are right depends on the embedding"));
  }

 private:
  std::int64_t count_ = 0;
  std::string first_;
};

bool is_white_space(char32_t code_point) {
  return std::ranges::any_of(white_space_ranges, [code_point](CodePointRange range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

/// Bytes of white space that `text` begins with.
std::size_t space_in_front(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t next = 0; next < text.size(); end = next) {
    if (!is_white_space(next_code_point(text, next))) break;
  }
  return end;
}

/// Bytes of white space that `text` ends with.
std::size_t space_at_end(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0) {
    std::size_t previous = begin - 1;
    while (previous > 0 && (static_cast<unsigned char>(text[previous]) & 0xC0U) == 0x80U) --previous;
    std::size_t next = previous;
    if (!is_white_space(next_code_point(text, next))) break;
    begin = previous;
  }
  return text.size() - begin;
}

}  // namespace

AddedTokens::AddedTokens(const JsonValue& json, const Vocabulary& vocabulary, const Normalizer& normalizer) {
  std::unordered_map<std::string, Flags> listed;
  std::unordered_set<std::int32_t> taken;  // ids of tokens that can be read
  for (const auto& [token, id] : vocabulary) taken.insert(id);
  LibraryIds library_ids(vocabulary);
  OtherIds other_ids;
  for (const JsonValue& element : json.elements()) {
    const JsonValue id_value = element.at("id");
    const auto id = core::narrow<std::int32_t>(id_value.integer(0, largest_token_id));
    const JsonValue content_value = element.at("content");
    const std::string& content = content_value.string();
    const Flags flags(element);
    if (content.empty()) continue;
    if (const auto known = listed.find(content); known != listed.end()) {
      // Of two alike the first listed counts.
      if (known->second == flags || (known->second.special && flags.special)) continue;
      throw content_value.error("is listed twice with different properties");
    }
    listed.emplace(content, flags);
    const std::int64_t librarys = library_ids.next(content);
    if (!flags.special) {
      const auto known = vocabulary.find(content);
      if (known != vocabulary.end() && known->second != id) {
        throw id_value.error(core::concat("is not the id of that token in model.vocab, ", known->second));
      }
      if (known == vocabulary.end() && !taken.insert(id).second)
        throw id_value.error("is also the id of another token");
      if (flags.single_word) {
        throw content_value.error("is an added token with single_word, which is not supported",
                                  "use the model's tokenizer.model, if it has one");
      }
      other_ids.note(content, id, librarys);
      largest_id_ = std::max(largest_id_, id);
    }
    Token token{flags.normalized ? normalizer.apply(content) : content, id, flags.special, flags.lstrip,
                flags.rstrip};
    if (token.content.empty()) throw content_value.error("is empty once it is normalized");
    (flags.normalized ? second_ : first_).sorted.push_back(std::move(token));
  }
  other_ids.warn(json.file());
  first_.sort();
  second_.sort();
}

void AddedTokens::Tokens::sort() {
  // Of two that are alike only once they are normalized, a special one comes first, then the first listed.
  std::stable_partition(sorted.begin(), sorted.end(), [](const Token& token) { return token.special; });
  std::ranges::stable_sort(sorted, {}, &Token::content);
  for (const Token& token : sorted) begins[static_cast<unsigned char>(token.content.front())] = true;
}

bool AddedTokens::reads_normalized() const {
  return std::ranges::any_of(second_.sorted, [](const Token& token) { return !token.special; });
}

const AddedTokens::Token* AddedTokens::longest_at(std::string_view text, const Tokens& tokens) {
  const Token* longest = nullptr;
  auto first = tokens.sorted.begin(),
       last = tokens.sorted.end();  // those that begin as `text` does, as far as it was looked at
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

std::vector<AddedTokens::Stretch> AddedTokens::split(std::string_view text, const Tokens& tokens) {
  std::vector<Stretch> stretches;
  std::size_t begin = 0;      // of the ordinary text that is being gathered
  std::size_t space_end = 0;  // of the white space that was taken last: no byte is looked at again and again
  const auto add_text = [&](std::size_t end) {
    if (end > begin) stretches.push_back({text.substr(begin, end - begin), std::nullopt});
  };
  for (std::size_t at = tokens.sorted.empty() ? text.size() : 0; at < text.size();) {
    const bool may_begin = tokens.begins[static_cast<unsigned char>(text[at])];
    const Token* token = may_begin ? longest_at(text.substr(at), tokens) : nullptr;
    if (token == nullptr) {
      ++at;
      continue;
    }
    const std::size_t end = at + token->content.size();
    if (!token->special) {
      const std::size_t taken = std::min(begin, at);  // by tokens before it: no byte is looked at twice
      const std::size_t start =
          token->takes_space_before ? std::max(at - space_at_end(text.substr(taken, at - taken)), begin) : at;
      if (token->takes_space_behind && end >= space_end) space_end = end + space_in_front(text.substr(end));
      const std::size_t stop = token->takes_space_behind ? space_end : end;
      add_text(start);
      // White space that an earlier token has taken is none any more.
      if (stop > start) stretches.push_back({text.substr(start, stop - start), token->id});
      begin = stop;
    }
    at = end;
  }
  add_text(text.size());
  return stretches;
}

std::vector<AddedTokens::Section> AddedTokens::split(std::string_view text,
                                                     const Normalizer& normalizer) const {
  std::vector<Section> sections;
  for (const Stretch& stretch : split(text, first_)) {
    if (stretch.id) {
      sections.push_back({{}, stretch.id, false});
      continue;
    }
    const bool begins_text = stretch.text.data() == text.data();
    std::string normalized = normalizer.apply(stretch.text);
    if (second_.sorted.empty()) {
      sections.push_back({std::move(normalized), std::nullopt, begins_text});
      continue;
    }
    for (const Stretch& part : split(normalized, second_)) {
      const bool is_first = begins_text && part.text.data() == normalized.data();
      sections.push_back({part.id ? std::string() : std::string(part.text), part.id, is_first});
    }
  }
  return sections;
}

}  // namespace orrery::text
