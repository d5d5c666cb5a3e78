#include "orrery/text/tokenizer_json.hpp"

#include "tests/support/patience.hpp"
#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace orrery::text {
namespace {

using nlohmann::json;
using test::expect_bad_input;
using test::shared_data;
using test::shared_json;
using test::TemporaryFolder;
using Ids = std::vector<std::int32_t>;

/// A byte-level tokenizer.json of a few letters, as a start for tests that change a part of it.
json small_tokenizer() {
  return json::parse(R"({
    "version": "1.0", "truncation": {"max_length": 2}, "padding": {"strategy": "BatchLongest"},
    "added_tokens": [{"id": 20, "content": "<s>", "special": true}, {"id": 21, "content": "</s>", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "special_tokens": {"<s>": {"id": "<s>", "ids": [20], "tokens": ["<s>"]},
                         "</s>": {"id": "</s>", "ids": [21], "tokens": ["</s>"]}}},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
      "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false,
      "vocab": {"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4, "<": 5, "s": 6, ">": 7, "1": 8, "2": 9, "12": 10},
      "merges": ["a b", ["Ġ", "ab"], "1 2"]}
  })");
}

std::unique_ptr<Tokenizer> load(const json& tokenizer) {
  const TemporaryFolder folder;
  return read_tokenizer_json(folder.write("tokenizer.json", tokenizer.dump()));
}

Ids encode(const json& tokenizer, std::string_view text) {
  return load(tokenizer)->encode(text);
}

/// `small_tokenizer` with `value` at `pointer`, as "/model/type".
json with(const std::string& pointer, json value) {
  json changed = small_tokenizer();
  changed[json::json_pointer(pointer)] = std::move(value);
  return changed;
}

TEST(TokenizerJson, SmolLm2IdsAreTheLibrarys) {
  const auto tokenizer = read_tokenizer_json(shared_data("tokens/smollm2-tokenizer.json"));
  EXPECT_EQ(tokenizer->vocabulary_size(), 49152);
  const json expected = shared_json("tokens/smollm2.json");
  ASSERT_EQ(expected.at("adversarial").size(), 40U);
  for (const json& entry : expected.at("adversarial")) {
    EXPECT_EQ(tokenizer->encode(entry.at("text").get<std::string>()), entry.at("ids").get<Ids>())
        << entry.at("name");
  }
}

TEST(TokenizerJson, ModelsPromptsHaveTheirIds) {
  for (const char* model :
       {"llama-bf16", "llama-bias", "llama-gqa", "llama-mha", "llama-sharded", "llama31", "gpt2-tiny"}) {
    const std::string folder = std::string("models/") + model;
    const auto tokenizer = read_tokenizer_json(shared_data(folder + "/tokenizer.json"));
    const json prompts = shared_json(folder + "/prompts.json");
    ASSERT_GE(prompts.size(), 5U) << model;
    for (const json& prompt : prompts) {
      EXPECT_EQ(tokenizer->encode(prompt.at("text").get<std::string>()), prompt.at("ids").get<Ids>())
          << model << ": " << prompt.at("text");
    }
  }
}

TEST(TokenizerJson, TemplateGivesBosOnceAndWhatFollows) {
  EXPECT_EQ(encode(small_tokenizer(), ""), (Ids{20}));
  EXPECT_EQ(encode(small_tokenizer(), "ab ab"), (Ids{20, 3, 4}));
  // "</s>" stands nowhere: the embedding need not have its row.
  EXPECT_EQ(load(small_tokenizer())->vocabulary_size(), 21);
  json both = small_tokenizer();
  both["post_processor"]["single"].push_back({{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}});
  EXPECT_EQ(encode(both, "ab"), (Ids{20, 3, 21}));
  EXPECT_EQ(load(both)->vocabulary_size(), 22);
  EXPECT_EQ(encode(with("/post_processor", nullptr), "ab"), (Ids{3}));
  EXPECT_EQ(encode(with("/post_processor", {{"type", "ByteLevel"}}), "ab"), (Ids{3}));
}

TEST(TokenizerJson, SpecialTokensAreNeverReadFromText) {
  EXPECT_EQ(encode(small_tokenizer(), "<s>ab"), (Ids{20, 5, 6, 7, 3}));
}

TEST(TokenizerJson, OtherAddedTokensAreReadLongestFirst) {
  json tokenizer = small_tokenizer();
  tokenizer["added_tokens"].push_back({{"id", 30}, {"content", "bb"}, {"special", false}});
  tokenizer["added_tokens"].push_back({{"id", 31}, {"content", "bbb"}, {"special", false}});
  EXPECT_EQ(encode(tokenizer, "abbbbabb"), (Ids{20, 0, 31, 1, 0, 30}));
  EXPECT_EQ(load(tokenizer)->vocabulary_size(), 32);
  // "ba" is marked normalized, and comes second though it begins further left.
  json two_passes = tokenizer;
  two_passes["added_tokens"].push_back(
      {{"id", 32}, {"content", "ba"}, {"special", false}, {"normalized", true}});
  two_passes["added_tokens"].push_back(
      {{"id", 33}, {"content", "ab"}, {"special", false}, {"normalized", false}});
  expect_bad_input([&] { load(two_passes); }, {"added_tokens[5].id", "33", "model.vocab, 3"});
  two_passes["added_tokens"].back()["content"] = "a1";
  EXPECT_EQ(encode(two_passes, "ba1ba"), (Ids{20, 1, 33, 32}));
  // It is then looked for as the normalizer leaves it.
  two_passes["normalizer"] = {{"type", "Prepend"}, {"prepend", "a"}};
  EXPECT_EQ(encode(two_passes, "ba1ba"), (Ids{20, 3, 33, 32}));
  tokenizer["added_tokens"].back()["lstrip"] = true;
  EXPECT_EQ(encode(tokenizer, "a  bbb1"), (Ids{20, 0, 31, 8}));
  tokenizer["added_tokens"].back()["single_word"] = true;
  expect_bad_input([&] { load(tokenizer); }, {"tokenizer.json", "added_tokens[3]", "single_word", "bbb"});
}

TEST(TokenizerJson, AmongManyAddedTokensTheLongestIsFound) {
  auto tokenizer = small_tokenizer();
  const auto add = [&](int id, const std::string& content) {
    tokenizer["added_tokens"].push_back({{"id", id}, {"content", content}, {"special", false}});
  };
  for (int i = 0; i < 2000; ++i)
    add(100 + i, std::string(1, static_cast<char>('!' + i % 60)) + "#" + std::to_string(i));
  add(40, "\u00e9#");
  add(41, "\u00e9#\u00e9#");
  add(42, "\u00e9#");  // the first listed counts
  add(43, "\u00e9#\u00e9##");
  const Ids ids = load(tokenizer)->encode("\u00e9#\u00e9#\u00e9#\"#1!#60");
  EXPECT_EQ(Ids(ids.begin() + 1, ids.begin() + 5), (Ids{41, 40, 101, 160}));
}

TEST(TokenizerJson, NothingGrowsWithoutEnd) {
  auto doubling = small_tokenizer();
  for (int i = 0; i < 40; ++i) {
    doubling["normalizer"]["normalizers"].push_back(
        {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}});
  }
  doubling["normalizer"]["type"] = "Sequence";
  expect_bad_input([&] { load(doubling)->encode("aaa"); }, {"3 bytes become", "longer"});

  auto rewriting = small_tokenizer();
  rewriting["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", nlohmann::json::array()}};
  for (int i = 0; i < 40; ++i) rewriting["pre_tokenizer"]["pretokenizers"].push_back({{"type", "ByteLevel"}});
  expect_bad_input([&] { load(rewriting)->encode("\u00e9"); }, {"2 bytes become", "longer"});

  auto framing = small_tokenizer();
  auto& single = framing["post_processor"]["single"];
  for (int i = 0; i < 1000; ++i) single.insert(single.begin(), single.front());
  expect_bad_input([&] { load(framing); }, {"post_processor.single", "1000 tokens"});
}

TEST(TokenizerJson, PreTokenizers) {
  EXPECT_EQ(encode(small_tokenizer(), "12"), (Ids{20, 10}));
  const json byte_level = small_tokenizer()["pre_tokenizer"];
  const json digits = {{"type", "Digits"}, {"individual_digits", true}};
  EXPECT_EQ(
      encode(with("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {digits, byte_level}}}), "12"),
      (Ids{20, 8, 9}));
  EXPECT_EQ(encode(with("/pre_tokenizer/add_prefix_space", true), "ab"), (Ids{20, 4}));
  EXPECT_EQ(encode(with("/pre_tokenizer/add_prefix_space", true), ""), (Ids{20}));
  const json split = {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Isolated"}};
  EXPECT_EQ(encode(with("/pre_tokenizer", split), "abab"), (Ids{20, 0, 1, 0, 1}));
}

TEST(TokenizerJson, Llama2StyleByteFallback) {
  json tokenizer = small_tokenizer();
  tokenizer["normalizer"] = json::parse(R"({"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})");
  tokenizer["pre_tokenizer"] = nullptr;
  tokenizer["model"]["unk_token"] = "<unk>";
  tokenizer["model"]["byte_fallback"] = true;
  tokenizer["model"]["vocab"] = {{"<unk>", 0}, {"<0xC3>", 1}, {"<0xA4>", 2}, {"▁", 3}, {"a", 4}, {"▁a", 5}};
  tokenizer["model"]["merges"] = {"▁ a"};
  EXPECT_EQ(encode(tokenizer, "a aä  b"), (Ids{20, 5, 5, 1, 2, 3, 3, 0}));
  EXPECT_EQ(encode(tokenizer, ""), (Ids{20}));
}

TEST(TokenizerJson, DamagedFilesNameTheFault) {
  const auto read = [](const std::string& folder) {
    return [folder] { read_tokenizer_json(shared_data("malformed/models/" + folder + "/tokenizer.json")); };
  };
  EXPECT_NO_THROW(read("good")());
  expect_bad_input(read("tokenizer-broken"), {"tokenizer.json", "line 139", "byte 20"});
  expect_bad_input(read("tokenizer-unknown-model"), {"tokenizer.json", "Unigram", "supported is BPE"});
  expect_bad_input(read("tokenizer-unknown-merge"), {"tokenizer.json", "\"q\"", "\"zzzz\""});
}

TEST(TokenizerJson, WhatIsNotSupportedIsNamed) {
  const auto expect = [](const std::string& pointer, json value, const std::vector<std::string>& parts) {
    expect_bad_input([&] { load(with(pointer, std::move(value))); }, parts);
  };
  expect("/normalizer", {{"type", "NFC"}}, {"normalizer.type", "NFC", "Prepend"});
  expect("/normalizer", json::parse(R"({"type": "Sequence", "normalizers": [{"type": "Lowercase"}]})"),
         {"normalizer.normalizers[0].type", "Lowercase"});
  expect("/pre_tokenizer", {{"type", "BertPreTokenizer"}},
         {"pre_tokenizer.type", "BertPreTokenizer", "ByteLevel"});
  expect("/pre_tokenizer", {{"type", "Split"}, {"pattern", {{"Regex", "a"}}}, {"behavior", "Removed"}},
         {"pre_tokenizer.behavior", "Removed", "Isolated"});
  expect("/pre_tokenizer", {{"type", "Split"}, {"pattern", {{"Regex", "a("}}}, {"behavior", "Isolated"}},
         {"pre_tokenizer.pattern", "a("});
  expect("/post_processor", {{"type", "BertProcessing"}}, {"post_processor.type", "BertProcessing"});
  expect("/post_processor/special_tokens", json::object(), {"post_processor.special_tokens.<s>"});
  expect("/post_processor/single", json::array(), {"post_processor.single", "no place"});
  expect("/model/dropout", 0.1, {"model.dropout", "0.1"});
  expect("/model/end_of_word_suffix", "</w>", {"model.end_of_word_suffix", "</w>"});
}

TEST(TokenizerJson, WrongKindsOfValuesAreNamed) {
  const auto expect = [](const std::string& pointer, json value, const std::vector<std::string>& parts) {
    expect_bad_input([&] { load(with(pointer, std::move(value))); }, parts);
  };
  expect("/model", 3, {"tokenizer.json", "model", "an object", "3"});
  expect("/model/vocab", json::array({1}), {"model.vocab", "an object"});
  expect("/model/vocab", json::object(), {"model.vocab", "empty"});
  expect("/model/vocab/ab", "3", {"model.vocab.ab", "a number"});
  expect("/model/vocab/ab", -3, {"model.vocab.ab", "-3"});
  expect("/model/vocab/ab", std::int64_t{1} << 31, {"model.vocab.ab", "2147483648"});
  expect("/model/merges", json::object(), {"model.merges", "an array"});
  expect("/model/merges/0", "a b c", {"model.merges[0]", "a b c"});
  expect("/model/merges/0", json::array({"a"}), {"model.merges[0]"});
  expect("/model/merges/0", 7, {"model.merges[0]"});
  expect("/model/ignore_merges", "no", {"model.ignore_merges", "true or false"});
  expect("/added_tokens", 1, {"added_tokens", "an array"});
  expect("/added_tokens/0/id", 4294967297, {"added_tokens[0].id", "4294967297"});
  expect_bad_input([] { load(json::array()); }, {"tokenizer.json", "an object"});
  expect_bad_input([] { load(json::object()); }, {"tokenizer.json", "model"});
}

TEST(TokenizerJson, TextMustBeUtf8) {
  const auto tokenizer = load(small_tokenizer());
  expect_bad_input([&] { tokenizer->encode("a\xFF"); }, {"not UTF-8", "byte 1"});
}

TEST(TokenizerJson, LongRowsTakeLittleTime) {
  const auto tokenizer = read_tokenizer_json(shared_data("tokens/smollm2-tokenizer.json"));
  for (const char* character : {"a", " ", "!", "ä"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += character;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_GT(tokenizer->encode(text).size(), 100U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5 * orrery::test::patience()))
        << character;
  }
}

TEST(TokenizerJson, ThreadsShareOneTokenizer) {
  const auto tokenizer = read_tokenizer_json(shared_data("models/llama31/tokenizer.json"));
  const json prompts = shared_json("models/llama31/prompts.json");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        for (const json& prompt : prompts) {
          if (tokenizer->encode(prompt.at("text").get<std::string>()) != prompt.at("ids").get<Ids>()) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace orrery::text
