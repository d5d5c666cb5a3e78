#include "orrery/text/special_tokens.hpp"

#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace orrery::text {
namespace {

using test::expect_bad_input;
using test::shared_data;
using Ids = std::vector<std::int32_t>;

TEST(SpecialTokens, AreFoundByTextAndById) {
  for (const auto& [folder, token, id] : {std::tuple("models/llama-mha", "<s>", 1),
                                          {"models/llama31", "<|begin_of_text|>", 0},
                                          {"llama3", "<|begin_of_text|>", 128000}}) {
    const LoadedTokenizer loaded = load_tokenizer(shared_data(folder));
    const std::int32_t bos = loaded.tokenizer->frame().prefix.at(0);
    if (id != 0) {
      EXPECT_EQ(bos, id) << folder;
    }
    EXPECT_EQ(loaded.tokenizer->id_of(token), bos) << folder;
    EXPECT_EQ(loaded.tokenizer->token_of(bos), token) << folder;
    EXPECT_EQ(loaded.tokenizer->id_of("no token at all"), std::nullopt) << folder;
    EXPECT_EQ(loaded.tokenizer->token_of(1 << 30), std::nullopt) << folder;
    const auto letter = loaded.tokenizer->id_of("e");
    ASSERT_TRUE(letter) << folder;
    EXPECT_EQ(loaded.tokenizer->token_of(*letter), "e") << folder;
  }
}

TEST(SpecialTokens, TakeThePlaceOfTheTokenizersOwn) {
  const LoadedTokenizer loaded = load_tokenizer(shared_data("models/llama-mha"));
  const Ids whole = loaded.tokenizer->encode("A text.");
  const Ids text(whole.begin() + 1, whole.end());
  const auto with = [&](const SpecialTokens& tokens) { return encode(*loaded.tokenizer, "A text.", tokens); };
  EXPECT_EQ(with({}), text);
  Ids framed = text;
  framed.insert(framed.begin(), {7, 8});
  framed.push_back(9);
  EXPECT_EQ(with({{{7, "a"}, {8, "b"}}, {{9, "c"}}}), framed);
  EXPECT_EQ(with(special_tokens(shared_data("models/llama-mha"), loaded, Bos::as_template)), whole);
  EXPECT_EQ(with(special_tokens(shared_data("models/llama-mha"), loaded, Bos::add)), whole);
  EXPECT_EQ(with(special_tokens(shared_data("models/llama-mha"), loaded, Bos::none)), text);
}

TEST(SpecialTokens, AreRecordedAsJson) {
  const std::vector<SpecialToken> tokens = {{1, "<s>"}, {151331, "a \"b\"\n\tü"}};
  EXPECT_EQ(to_json({}), "[]");
  EXPECT_EQ(to_json({tokens[0]}), R"([{"id":1,"token":"<s>"}])");
  EXPECT_EQ(special_tokens_from(to_json(tokens), "here"), tokens);
  EXPECT_EQ(described({tokens, {}}), "<s> (1) a \"b\"??ü (151331) in front, nothing behind");
  for (const char* damaged : {"", "[", "{}", "[1]", R"([{"id": -1, "token": ""}])", R"([{"id": 1}])"})
    expect_bad_input([&] { special_tokens_from(damaged, "here"); }, {"here"});
}

}  // namespace
}  // namespace orrery::text
