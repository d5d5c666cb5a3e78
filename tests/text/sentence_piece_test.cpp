#include "orrery/text/sentence_piece.hpp"

#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <string>
#include <vector>

namespace orrery::text {
namespace {

using Ids = std::vector<std::int32_t>;

/// A model trained on rows of WikiText-2 with Llama 2's settings, but for the size.
const std::string& trained_model(bool with_bos = true) {
  const auto train = [](bool bos) {
    const test::TemporaryFolder folder;
    std::ifstream corpus(test::shared_data("wikitext-2/wiki.test.raw"), std::ios::binary);
    std::string text(200'000, '\0');
    corpus.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(text.rfind('\n') + 1);
    const auto path = folder.write("corpus.txt", text);
    std::string model;
    const auto status = sentencepiece::SentencePieceTrainer::Train(
        "--input=" + path.string() +
            " --model_type=bpe --vocab_size=600 --byte_fallback=true --split_digits=true "
            "--character_coverage=0.999"
            " --normalization_rule_name=identity --remove_extra_whitespaces=false --minloglevel=2 "
            "--num_threads=1"
            " --allow_whitespace_only_pieces=true --bos_id=" +
            (bos ? "1" : "-1"),
        nullptr, &model);
    if (!status.ok()) throw std::runtime_error("training failed: " + status.ToString());
    return model;
  };
  static const std::string usual = train(true);
  static const std::string without = train(false);
  return with_bos ? usual : without;
}

TEST(SentencePiece, IdsAreTheLibrarysWithBosInFront) {
  const std::string& model = trained_model();
  const auto tokenizer = parse_sentence_piece(model, "tokenizer.model");
  EXPECT_EQ(tokenizer->vocabulary_size(), 600);
  sentencepiece::SentencePieceProcessor library;
  ASSERT_TRUE(library.LoadFromSerializedProto(model).ok());
  const auto expected = test::shared_json("tokens/llama3.json");
  std::size_t pieces = 0;
  for (const auto& entry : expected.at("adversarial")) {
    const std::string text = entry.at("text");
    std::vector<int> ids;
    ASSERT_TRUE(library.Encode(text, &ids).ok());
    Ids with_bos{1};
    with_bos.insert(with_bos.end(), ids.begin(), ids.end());
    EXPECT_EQ(tokenizer->encode(text), with_bos) << entry.at("name");
    pieces += ids.size();
  }
  EXPECT_GT(pieces, 1000U);
}

TEST(SentencePiece, SpecialTokensAreNeverReadFromText) {
  const Ids ids = parse_sentence_piece(trained_model(), "tokenizer.model")->encode("<s>a</s><unk>");
  EXPECT_EQ(ids.front(), 1);
  for (std::size_t i = 1; i < ids.size(); ++i) EXPECT_GT(ids[i], 2) << i;
}

TEST(SentencePiece, TextGoesOnBehindNul) {
  const auto tokenizer = parse_sentence_piece(trained_model(), "tokenizer.model");
  const Ids whole = tokenizer->encode(std::string_view("the\0the", 7));
  const Ids cut = tokenizer->encode("the");
  EXPECT_GT(whole.size(), cut.size() + 1);
}

TEST(SentencePiece, AModelWithoutBosGetsNone) {
  const auto tokenizer = parse_sentence_piece(trained_model(false), "tokenizer.model");
  EXPECT_EQ(tokenizer->encode(""), Ids());
  EXPECT_EQ(tokenizer->leading_tokens(), 0);
  EXPECT_EQ(parse_sentence_piece(trained_model(), "tokenizer.model")->leading_tokens(), 1);
}

TEST(SentencePiece, DamagedFilesAreBadInputAndQuiet) {
  const std::string& model = trained_model();
  std::string damaged = model;
  damaged.replace(100, 4, "\xFF\xFF\xFF\xFF");
  for (const std::string& bytes : {std::string(), std::string("hello"), std::string(1000, '\n'),
                                   model.substr(0, model.size() / 2), damaged}) {
    ::testing::internal::CaptureStderr();
    test::expect_bad_input([&] { parse_sentence_piece(bytes, "tokenizer.model"); },
                           {"tokenizer.model", "neither tiktoken's ranks nor a SentencePiece model"});
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  }
}

/// A model whose normaliser has a map of characters: the trie's length, the trie and the texts.
std::string model_with_map(std::string* map = nullptr) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("corpus.txt", "a text of a few words\nand another one of them\n");
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      "--input=" + path.string() +
          " --vocab_size=30 --hard_vocab_limit=false --normalization_rule_name=nmt_nfkc --minloglevel=2 "
          "--num_threads=1",
      nullptr, &model);
  if (!status.ok()) throw std::runtime_error("training failed: " + status.ToString());
  // normalizer_spec begins with its name, and the map's length follows in four bytes or less.
  const std::size_t name = model.find("nmt_nfkc");
  std::size_t begin = name + 9;
  while (static_cast<unsigned char>(model[begin]) >= 0x80U) ++begin;
  if (map != nullptr) *map = model.substr(begin + 1, 4);
  return model;
}

TEST(SentencePiece, AMapOfCharactersIsFollowedWithinItself) {
  std::string trie_bytes;
  const std::string model = model_with_map(&trie_bytes);
  const auto tokenizer = parse_sentence_piece(model, "tokenizer.model");
  EXPECT_EQ(tokenizer->encode("\u2460 \uff41"), tokenizer->encode("1 a"));

  const std::size_t map = model.find(trie_bytes, model.find("nmt_nfkc"));
  const auto refuse = [&](std::size_t place, const std::string& bytes, const std::string& named) {
    std::string damaged = model;
    damaged.replace(map + place, bytes.size(), bytes);
    test::expect_bad_input([&] { parse_sentence_piece(damaged, "tokenizer.model"); },
                           {"tokenizer.model", "map of characters", named});
  };
  refuse(0, std::string("\xff\xff\xff\x7f", 4), "cut short");
  refuse(0, std::string(4, '\0'), "empty");
  refuse(4, std::string("\0\xfc\xff\x7f", 4), "unit 0");
}

TEST(SentencePiece, TextMustBeUtf8) {
  const auto tokenizer = parse_sentence_piece(trained_model(), "tokenizer.model");
  test::expect_bad_input([&] { tokenizer->encode("a\xFF"); }, {"not UTF-8", "byte 1"});
}

}  // namespace
}  // namespace orrery::text
