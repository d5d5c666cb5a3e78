#include "orrery/text/tiktoken.hpp"

#include "tests/support/patience.hpp"
#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace orrery::text {
namespace {

using nlohmann::json;
using test::expect_bad_input;
using Ids = std::vector<std::int32_t>;

const std::string& llama3_ranks() {
  static const std::string bytes = [] {
    std::ifstream file(test::shared_data("llama3/tokenizer.model"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return bytes;
}

std::string base64(const std::string& bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = (bits << 8U) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : digits[(bits >> (18 - 6 * j)) & 63U];
    }
  }
  return text;
}

/// All bytes in order, then "bc", "ab", "abc", and "xyz", which no merge of two tokens gives.
std::string small_ranks() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* token : {"bc", "ab", "abc", "xyz"}) tokens.emplace_back(token);
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) text += base64(tokens[i]) + " " + std::to_string(i) + "\n";
  return text;
}

TEST(Tiktoken, Llama3IdsAreTiktokens) {
  const auto tokenizer = parse_tiktoken(llama3_ranks(), "tokenizer.model");
  EXPECT_EQ(tokenizer->vocabulary_size(), 128256);
  const json expected = test::shared_json("tokens/llama3.json");
  ASSERT_EQ(expected.at("adversarial").size(), 40U);
  for (const json& entry : expected.at("adversarial")) {
    EXPECT_EQ(tokenizer->encode(entry.at("text").get<std::string>()), entry.at("ids").get<Ids>())
        << entry.at("name");
  }
}

TEST(Tiktoken, MergesByRankUnlessThePieceIsAToken) {
  const auto tokenizer = parse_tiktoken(small_ranks(), "tokenizer.model");
  EXPECT_EQ(tokenizer->vocabulary_size(), 260 + 256);
  EXPECT_EQ(tokenizer->encode(""), (Ids{260}));
  EXPECT_EQ(tokenizer->encode("xyz"), (Ids{260, 259}));
  EXPECT_EQ(tokenizer->encode("xyza"), (Ids{260, 'x', 'y', 'z', 'a'}));
  EXPECT_EQ(tokenizer->encode("abab"), (Ids{260, 257, 257}));
  // "bc" is of lower rank than "ab", and "abc" follows from it.
  EXPECT_EQ(tokenizer->encode("abcd"), (Ids{260, 258, 'd'}));
  EXPECT_EQ(tokenizer->encode("xab"), (Ids{260, 'x', 257}));
  EXPECT_EQ(tokenizer->encode("ä"), (Ids{260, 0xC3, 0xA4}));
  expect_bad_input([&] { tokenizer->encode("\xC3"); }, {"not UTF-8", "byte 0"});
}

TEST(Tiktoken, LineEndsMayBeCrLf) {
  std::string text;
  for (const char byte : small_ranks()) {
    if (byte == '\n') text += '\r';
    text += byte;
  }
  EXPECT_TRUE(looks_like_tiktoken(text));
  EXPECT_EQ(parse_tiktoken(text, "tokenizer.model")->encode("xyz"), (Ids{260, 259}));
}

TEST(Tiktoken, DamagedFilesNameTheLine) {
  const auto expect = [](const std::string& ranks, const std::vector<std::string>& parts) {
    expect_bad_input([&] { parse_tiktoken(ranks, "tokenizer.model"); }, parts);
  };
  const std::string ranks = small_ranks();
  const std::string all_but_last = ranks.substr(0, ranks.rfind('\n', ranks.size() - 2) + 1);
  expect(all_but_last + "YWJh", {"tokenizer.model", "line 260"});
  expect(all_but_last + "Y!Jh 259\n", {"line 260", "Y!Jh"});
  for (const std::string token :
       {"YW=h", "====", "Y===", "YWJ", "YWJh----", "\t\t\t\tYWJh", "YWJh\t\r\t\t", ""}) {
    expect(all_but_last + token + " 259\n", {"line 260"});
  }
  expect(all_but_last + "YWJh 259x\n", {"line 260"});
  expect(all_but_last + "YWJh -1\n", {"line 260"});
  expect(all_but_last + "YWJh 99999999999\n", {"line 260"});
  expect(all_but_last + "YWJj 259\n", {"twice", "line 260"});
  expect(all_but_last + "YWJh 258\n", {"once each", "258"});
  expect(all_but_last + "YWJh 2000000000\n", {"once each", "2000000000"});
  expect("YWJh 0\n", {"no token for a byte", "byte 0"});
  expect(llama3_ranks().substr(0, llama3_ranks().rfind(' ', 1'000'000)), {"tokenizer.model", "line "});
}

TEST(Tiktoken, IsToldByItsFirstLine) {
  EXPECT_TRUE(looks_like_tiktoken(llama3_ranks()));
  EXPECT_FALSE(looks_like_tiktoken(""));
  EXPECT_FALSE(looks_like_tiktoken("\n\x0E\n\x05<unk>"));
  EXPECT_FALSE(looks_like_tiktoken("IQ== zero\n"));
}

TEST(Tiktoken, LongRowsTakeLittleTime) {
  const auto tokenizer = parse_tiktoken(llama3_ranks(), "tokenizer.model");
  for (const char* character : {"a", " ", "!", "ä", "\n"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += character;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_GT(tokenizer->encode(text).size(), 100U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5 * orrery::test::patience()))
        << character;
  }
}

}  // namespace
}  // namespace orrery::text
