#include "orrery/text/byte_pair_encoding.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>

namespace orrery::text {
namespace {

const std::string damaged_advice = "replace the file: it is damaged, or was not made for this model";

std::optional<std::int32_t> find(const Vocabulary& vocabulary, std::string_view token) {
  const auto found = vocabulary.find(token);
  if (found == vocabulary.end()) return std::nullopt;
  return found->second;
}

/// "<0x0A>" for 10.
std::string byte_token(unsigned byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
}

}  // namespace

BytePairEncoding::BytePairEncoding(BytePairRules rules, const std::string& where)
    : vocabulary_(std::move(rules.vocabulary)),
      unknown_token_(std::move(rules.unknown_token)),
      where_(where),
      fuse_unknown_(rules.fuse_unknown),
      ignore_merges_(rules.ignore_merges) {
  for (const auto& [token, id] : vocabulary_) {
    if (token.empty()) continue;
    std::size_t end = 0;
    const char32_t code_point = next_code_point(token, end);
    if (end == token.size()) characters_.emplace(code_point, id);
  }
  if (unknown_token_) unknown_ = find(vocabulary_, *unknown_token_);
  if (rules.byte_fallback) add_byte_tokens();
  merges_.reserve(rules.merges.size());
  for (std::size_t rank = 0; rank < rules.merges.size(); ++rank) {
    const auto& [left, right] = rules.merges[rank];
    for (const std::string& token : {left, right, left + right}) {
      if (vocabulary_.contains(token)) continue;
      throw core::bad_input(where + ": a merge of tokens that are not in the vocabulary",
                            core::concat("merge ", rank, ", \"", printable(left), "\" and \"",
                                         printable(right), "\": there is no \"", printable(token), "\""),
                            damaged_advice);
    }
    // Where a pair is listed twice the last one counts, as in the library.
    merges_[key(vocabulary_.find(left)->second, vocabulary_.find(right)->second)] = {
        core::narrow<std::int32_t>(rank), vocabulary_.find(left + right)->second};
  }
}

void BytePairEncoding::add_byte_tokens() {
  for (unsigned byte = 0; byte < byte_tokens_.size(); ++byte)
    byte_tokens_[byte] = find(vocabulary_, byte_token(byte));
}

void BytePairEncoding::encode(std::string_view piece, MergeWorkspace& workspace,
                              std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    if (const auto id = find(vocabulary_, piece)) {
      ids.push_back(*id);
      return;
    }
  }
  workspace.symbols.clear();
  add_symbols(piece, workspace.symbols);
  merge_pairs(workspace,
              [this](const MergeSymbol& left, const MergeSymbol& right) -> std::optional<PairMerge> {
                const auto found = merges_.find(key(left.id, right.id));
                if (found == merges_.end()) return std::nullopt;
                return found->second;
              });
  for (const MergeSymbol& symbol : workspace.symbols) ids.push_back(symbol.id);
}

void BytePairEncoding::refuse_unknown(std::string_view character) const {
  throw core::bad_input(
      where_ + ": a character that has no token needs unk_token, which is not in model.vocab",
      core::concat("\"", printable(character), "\", unk_token is \"", printable(*unknown_token_), "\""),
      "use the tokenizer that the model was published with, or leave out the row");
}

void BytePairEncoding::add_symbols(std::string_view piece, std::vector<MergeSymbol>& symbols) const {
  std::optional<MergeSymbol> unknown;  // a run of characters without token, while it may grow
  const auto flush = [&] {
    if (unknown) symbols.push_back(*unknown);
    unknown.reset();
  };
  std::size_t end = 0;
  while (end < piece.size()) {
    const std::size_t begin = end;
    const char32_t code_point = next_code_point(piece, end);
    if (const auto found = characters_.find(code_point); found != characters_.end()) {
      flush();
      symbols.push_back({found->second, begin, end - begin});
      continue;
    }
    const std::string_view bytes = piece.substr(begin, end - begin);
    if (add_bytes(bytes, begin, symbols)) continue;
    if (!unknown_token_) continue;
    if (!unknown_) refuse_unknown(bytes);
    if (unknown && fuse_unknown_) {
      unknown->size += bytes.size();
    } else {
      flush();
      unknown = MergeSymbol{*unknown_, begin, bytes.size()};
    }
  }
  flush();
}

bool BytePairEncoding::add_bytes(std::string_view bytes, std::size_t begin,
                                 std::vector<MergeSymbol>& symbols) const {
  const auto token_of = [this](char byte) { return byte_tokens_[static_cast<unsigned char>(byte)]; };
  for (const char byte : bytes) {
    if (!token_of(byte)) return false;
  }
  for (const char byte : bytes) symbols.push_back({*token_of(byte), begin++, 1});
  return true;
}

std::optional<std::int32_t> BytePairEncoding::id_of(std::string_view token) const {
  const auto found = vocabulary_.find(token);
  return found == vocabulary_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> BytePairEncoding::token_of(std::int32_t id) const {
  const auto found = std::ranges::find(vocabulary_, id, &Vocabulary::value_type::second);
  return found == vocabulary_.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace orrery::text
