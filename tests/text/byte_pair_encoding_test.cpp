#include "orrery/text/byte_pair_encoding.hpp"

#include "tests/support/patience.hpp"
#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace orrery::text {
namespace {

using Ids = std::vector<std::int32_t>;

/// Rules whose vocabulary is `characters`, then the product of each merge.
BytePairRules make_rules(const std::string& characters,
                         std::vector<std::pair<std::string, std::string>> merges) {
  BytePairRules rules;
  const auto add = [&](const std::string& token) {
    rules.vocabulary.emplace(token, static_cast<std::int32_t>(rules.vocabulary.size()));
  };
  for (const char character : characters) add(std::string(1, character));
  for (const auto& [left, right] : merges) add(left + right);
  rules.merges = std::move(merges);
  return rules;
}

Ids encode(const BytePairEncoding& encoding, const std::string& text) {
  MergeWorkspace workspace;
  Ids ids;
  encoding.encode(text, workspace, ids);
  return ids;
}

/// The definition, read literally: look at all pairs, merge the first of the lowest rank, start again.
Ids encode_slowly(const BytePairRules& rules, const std::string& text) {
  std::vector<std::string> tokens;
  for (const char character : text) tokens.emplace_back(1, character);
  while (true) {
    std::size_t best = rules.merges.size();
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      for (std::size_t rank = 0; rank < best; ++rank) {
        if (rules.merges[rank] != std::pair{tokens[i], tokens[i + 1]}) continue;
        best = rank;
        place = i;
      }
    }
    if (best == rules.merges.size()) break;
    tokens[place] += tokens[place + 1];
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  Ids ids;
  for (const std::string& token : tokens) ids.push_back(rules.vocabulary.at(token));
  return ids;
}

TEST(BytePairEncoding, MergesTheLowestRankThenTheLeftmost) {
  const BytePairEncoding encoding(make_rules("abc", {{"b", "c"}, {"a", "b"}, {"a", "a"}}), "test");
  EXPECT_EQ(encode(encoding, "abc"), (Ids{0, 3}));
  EXPECT_EQ(encode(encoding, "ab"), (Ids{4}));
  EXPECT_EQ(encode(encoding, "aaa"), (Ids{5, 0}));
  EXPECT_EQ(encode(encoding, ""), Ids());
}

// As in the library: the pair's rank is that of its last place in the list.
TEST(BytePairEncoding, OfAMergeListedTwiceTheLastCounts) {
  const BytePairEncoding encoding(make_rules("abc", {{"a", "b"}, {"b", "c"}, {"a", "b"}}), "test");
  EXPECT_EQ(encode(encoding, "abc"), (Ids{0, 4}));
}

TEST(BytePairEncoding, EqualsTheSlowDefinition) {
  std::mt19937 random(20240607);
  const auto below = [&random](std::size_t limit) { return random() % limit; };
  std::size_t merged = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> tokens{"a", "b", "c"};
    std::vector<std::pair<std::string, std::string>> merges;
    std::set<std::pair<std::string, std::string>> seen;
    for (int i = 0; i < 12; ++i) {
      const std::string left = tokens[below(tokens.size())];
      const std::string right = tokens[below(tokens.size())];
      if (!seen.emplace(left, right).second) continue;
      merges.emplace_back(left, right);
      tokens.push_back(left + right);
    }
    // Ranks in no order of birth: a pair may come before those that its own tokens are made by.
    std::shuffle(merges.begin(), merges.end(), random);
    const BytePairRules rules = make_rules("abc", merges);
    const BytePairEncoding encoding(rules, "test");
    for (int i = 0; i < 30; ++i) {
      std::string text;
      for (std::size_t length = below(40); length > 0; --length) text += "abc"[below(3)];
      const Ids ids = encode(encoding, text);
      ASSERT_EQ(ids, encode_slowly(rules, text)) << text;
      merged += text.size() - ids.size();
    }
  }
  EXPECT_GT(merged, 10'000U) << "the comparison merged next to nothing";
}

TEST(BytePairEncoding, LongRunsMergeQuickly) {
  std::vector<std::pair<std::string, std::string>> merges;
  for (std::size_t size = 1; size < 256; size *= 2)
    merges.emplace_back(std::string(size, 'a'), std::string(size, 'a'));
  const BytePairEncoding encoding(make_rules("a", merges), "test");
  const auto start = std::chrono::steady_clock::now();
  const Ids ids = encode(encoding, std::string(1'000'000, 'a'));
  EXPECT_EQ(ids.size(), 1'000'000U / 256 + 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5 * orrery::test::patience()));
}

TEST(BytePairEncoding, IgnoreMergesTakesAWholePiece) {
  BytePairRules rules = make_rules("ab", {{"a", "b"}});
  rules.vocabulary.emplace("abab", 9);
  EXPECT_EQ(encode(BytePairEncoding(rules, "test"), "abab"), (Ids{2, 2}));
  rules.ignore_merges = true;
  EXPECT_EQ(encode(BytePairEncoding(rules, "test"), "abab"), (Ids{9}));
}

TEST(BytePairEncoding, CharactersWithoutToken) {
  BytePairRules rules = make_rules("ab?", {});
  EXPECT_EQ(encode(BytePairEncoding(rules, "test"), "aäöb"), (Ids{0, 1}));
  rules.unknown_token = "?";
  EXPECT_EQ(encode(BytePairEncoding(rules, "test"), "aäöb"), (Ids{0, 2, 2, 1}));
  rules.fuse_unknown = true;
  EXPECT_EQ(encode(BytePairEncoding(rules, "test"), "aäöbä"), (Ids{0, 2, 1, 2}));
  rules.byte_fallback = true;
  rules.vocabulary.emplace("<0xC3>", 10);
  rules.vocabulary.emplace("<0xA4>", 11);
  // ä is C3 A4; ö is C3 B6, and not all of its bytes have a token.
  EXPECT_EQ(encode(BytePairEncoding(rules, "test"), "aäöb"), (Ids{0, 10, 11, 2, 1}));
}

TEST(BytePairEncoding, RulesOutsideTheVocabularyAreRefused) {
  BytePairRules rules = make_rules("ab", {{"a", "b"}});
  rules.merges.emplace_back("q", "b");
  test::expect_bad_input([&] { BytePairEncoding(rules, "x.json"); }, {"x.json", "merge 1", "\"q\""});
  rules.merges.back() = {"b", "a"};
  test::expect_bad_input([&] { BytePairEncoding(rules, "x.json"); }, {"x.json", "merge 1", "\"ba\""});
  rules.merges.clear();
  rules.unknown_token = "<unk>";
  // One that no character needs is as good as none.
  const BytePairEncoding encoding(rules, "x.json");
  EXPECT_EQ(encode(encoding, "ab"), (Ids{0, 1}));
  test::expect_bad_input([&] { encode(encoding, "a\u00e4"); }, {"x.json", "unk_token", "<unk>", "\u00e4"});
}

}  // namespace
}  // namespace orrery::text
