#include "orrery/text/tiktoken.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/byte_pair_encoding.hpp"
#include "orrery/text/printable.hpp"
#include "orrery/text/split_pattern.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace orrery::text {
namespace {

constexpr std::int32_t special_token_count = 256;
constexpr const char* begin_of_text = "<|begin_of_text|>";
constexpr std::size_t llama3_ranks = 128000;

/// The bytes that `text` is base64 of; nothing where it is none.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  // OpenSSL reads '=' as a zero wherever it stands, and returns its bytes too.
  if (text.find('=') < text.size() - padding) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int decoded =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), core::narrow<int>(text.size()));
  // Fewer where it skipped white space or dashes at the ends, which are no part of a token.
  if (decoded != std::ssize(bytes)) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

struct Rank {
  std::string token;
  std::int32_t rank = 0;
};

/// A line without its end; nothing where it is no token and rank.
std::optional<Rank> parse_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  auto token = decode_base64(line.substr(0, space));
  const std::string_view number = line.substr(space + 1);
  std::int32_t rank = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rank);
  if (!token || error != std::errc() || end != number.data() + number.size() || rank < 0) return std::nullopt;
  return Rank{*std::move(token), rank};
}

[[noreturn]] void refuse(const std::string& file, const std::string& problem, const std::string& seen) {
  throw core::bad_input(file + ": " + problem, seen,
                        "replace it: the file is damaged, or was not downloaded whole");
}

Vocabulary parse_ranks(std::string_view bytes, const std::string& file) {
  Vocabulary ranks;
  std::vector<bool> taken;
  std::int64_t line_number = 0;
  while (!bytes.empty()) {
    ++line_number;
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line.empty() || line == "\r") continue;
    auto rank = parse_line(line);
    if (!rank) {
      refuse(file, "a line that is not a token in base64 and its rank",
             core::concat("line ", line_number, ", \"", printable(line), "\""));
    }
    const std::string seen = core::concat("line ", line_number, ", rank ", rank->rank);
    if (!ranks.emplace(std::move(rank->token), rank->rank).second)
      refuse(file, "a token that is listed twice", seen);
  }
  // Ids run on from rank to special tokens without a gap, so that every rank below the count is there once.
  taken.resize(ranks.size());
  for (const auto& [token, rank] : ranks) {
    const auto index = static_cast<std::size_t>(rank);
    if (index >= taken.size() || taken[index]) {
      refuse(file, "ranks that are not 0, 1, 2, … once each",
             core::concat("rank ", rank, " among ", taken.size()));
    }
    taken[index] = true;
  }
  return ranks;
}

class TiktokenTokenizer final : public Tokenizer {
 public:
  TiktokenTokenizer(Vocabulary ranks, const std::string& file)
      : ranks_(std::move(ranks)),
        frame_{{core::narrow<std::int32_t>(ranks_.size())}, {}},
        pattern_(llama3_pattern, file) {
    for (unsigned byte = 0; byte < bytes_.size(); ++byte) {
      const auto found = ranks_.find(std::string(1, static_cast<char>(byte)));
      if (found == ranks_.end()) refuse(file, "no token for a byte", core::concat("byte ", byte));
      bytes_[byte] = found->second;
    }
  }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    require_utf8(text);
    std::vector<std::size_t> ends;
    pattern_.split(text, 0, ends);
    std::vector<std::int32_t> ids = frame_.prefix;
    MergeWorkspace workspace;
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      encode_piece(text.substr(begin, end - begin), workspace, ids);
      begin = end;
    }
    return ids;
  }

  const Frame& frame() const override { return frame_; }
  std::optional<std::int32_t> id_of(std::string_view token) const override {
    if (token == begin_of_text) return frame_.prefix.front();
    const auto found = ranks_.find(token);
    return found == ranks_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<std::string> token_of(std::int32_t id) const override {
    if (id == frame_.prefix.front()) return begin_of_text;
    const auto found = std::ranges::find(ranks_, id, &Vocabulary::value_type::second);
    return found == ranks_.end() ? std::nullopt : std::optional(found->first);
  }
  std::int64_t vocabulary_size() const override {
    return std::int64_t{frame_.prefix.front()} + special_token_count;
  }

 private:
  void encode_piece(std::string_view piece, MergeWorkspace& workspace, std::vector<std::int32_t>& ids) const {
    if (const auto found = ranks_.find(piece); found != ranks_.end()) {
      ids.push_back(found->second);
      return;
    }
    workspace.symbols.clear();
    for (std::size_t i = 0; i < piece.size(); ++i) {
      workspace.symbols.push_back({bytes_[static_cast<unsigned char>(piece[i])], i, 1});
    }
    // There is no list of merges: two tokens merge where their bytes together are a token, lowest rank first.
    merge_pairs(workspace,
                [&](const MergeSymbol& left, const MergeSymbol& right) -> std::optional<PairMerge> {
                  const auto found = ranks_.find(piece.substr(left.begin, left.size + right.size));
                  if (found == ranks_.end()) return std::nullopt;
                  return PairMerge{found->second, found->second};
                });
    for (const MergeSymbol& symbol : workspace.symbols) ids.push_back(symbol.id);
  }

  Vocabulary ranks_;
  Frame frame_;  // <|begin_of_text|>, the first id behind the ranks
  SplitPattern pattern_;
  std::array<std::int32_t, 256> bytes_{};
};

}  // namespace

bool looks_like_tiktoken(std::string_view bytes) {
  return parse_line(bytes.substr(0, std::min(bytes.find('\n'), bytes.size()))).has_value();
}

std::unique_ptr<Tokenizer> parse_tiktoken(std::string_view bytes, const std::string& file) {
  Vocabulary ranks = parse_ranks(bytes, file);
  // A file cut between two lines looks whole, and every special id would be another.
  if (ranks.size() != llama3_ranks) {
    core::log_warn(core::concat(file, " has ", ranks.size(), " ranks, Llama 3's has ", llama3_ranks,
                                ": BOS is taken to be id ", ranks.size()));
  }
  return std::make_unique<TiktokenTokenizer>(std::move(ranks), file);
}

}  // namespace orrery::text
