#include "orrery/text/tokenizer.hpp"

#include "orrery/text/corpus.hpp"
#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace orrery::text {
namespace {

using test::expect_bad_input;
using test::shared_data;
using test::TemporaryFolder;
using Ids = std::vector<std::int32_t>;

/// Reads WikiText-2 as a run does, and compares each row's place, length and ids with those on record.
void expect_rows(const Tokenizer& tokenizer, const std::string& record) {
  const nlohmann::json rows = test::shared_json(record).at("rows");
  ASSERT_EQ(rows.size(), 60U);
  const Corpus corpus = read_corpus(shared_data("wikitext-2/wiki.test.raw"), {.samples = 60});
  ASSERT_EQ(corpus.rows.size(), rows.size());
  EXPECT_EQ(corpus.rows_in_range, 667);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(corpus.rows[i].line, rows[i].at("row").get<std::int64_t>());
    EXPECT_EQ(corpus.rows[i].characters, rows[i].at("characters").get<std::int64_t>());
    EXPECT_EQ(tokenizer.encode(corpus.rows[i].text), rows[i].at("ids").get<Ids>()) << "row " << i;
  }
}

TEST(Tokenizer, Llama3RowsOfWikiText) {
  const LoadedTokenizer loaded = load_tokenizer(shared_data("llama3"));
  EXPECT_EQ(loaded.file, "tokenizer.model");
  expect_rows(*loaded.tokenizer, "tokens/llama3.json");
}

TEST(Tokenizer, SmolLm2RowsOfWikiText) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(shared_data("tokens/smollm2-tokenizer.json"),
                                  folder.path() / "tokenizer.json");
  folder.write("tokenizer.model", "of no use: tokenizer.json comes first");
  const LoadedTokenizer loaded = load_tokenizer(folder.path());
  EXPECT_EQ(loaded.file, "tokenizer.json");
  expect_rows(*loaded.tokenizer, "tokens/smollm2.json");
}

TEST(Tokenizer, MissingFilesNameFolderAndBothNames) {
  const auto folder = shared_data("malformed/models/tokenizer-missing");
  for (const auto& path : {folder, folder / "absent"}) {
    expect_bad_input([&] { load_tokenizer(path); }, {path.string(), "tokenizer.json", "tokenizer.model"});
  }
}

TEST(Tokenizer, DamagedFilesAreBadInput) {
  expect_bad_input([] { load_tokenizer(shared_data("malformed/models/tokenizer-broken")); },
                   {"tokenizer.json"});
  const TemporaryFolder folder;
  folder.write("tokenizer.model", "");
  expect_bad_input([&] { load_tokenizer(folder.path()); }, {"tokenizer.model", "neither"});
  folder.write("tokenizer.model", "IQ== 0\nIg== x\n");
  expect_bad_input([&] { load_tokenizer(folder.path()); }, {"tokenizer.model", "line 2"});
  folder.write("tokenizer.json", "");
  expect_bad_input([&] { load_tokenizer(folder.path()); }, {"tokenizer.json", "empty"});
  std::filesystem::remove(folder.path() / "tokenizer.json");
  std::filesystem::create_directory(folder.path() / "tokenizer.json");
  expect_bad_input([&] { load_tokenizer(folder.path()); }, {"tokenizer.json"});
}

// The model's room holds this number against the rows of the embedding.
// Special tokens that no template puts anywhere don't count: two at the end of the one, one of the other.
TEST(Tokenizer, SizeCountsTheLargestId) {
  const auto size = [](const std::string& model) {
    return load_tokenizer(shared_data(model)).tokenizer->vocabulary_size();
  };
  EXPECT_EQ(size("malformed/models/tokenizer-larger-than-embedding"), 264);
  EXPECT_EQ(size("models/llama31"), 318);
  EXPECT_EQ(size("models/gpt2-tiny"), 299);
}

// What is measured of every token leaves these out.
TEST(Tokenizer, CountsTheSpecialTokensInFront) {
  for (const auto& [model, leading] :
       {std::pair("models/llama31", 1), std::pair("models/gpt2-tiny", 0), std::pair("llama3", 1)}) {
    const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(shared_data(model)).tokenizer;
    EXPECT_EQ(tokenizer->leading_tokens(), leading) << model;
    const Ids ids = tokenizer->encode("the");
    ASSERT_GT(std::ssize(ids), leading);
    const Ids other = tokenizer->encode("and");
    EXPECT_TRUE(std::equal(ids.begin(), ids.begin() + leading, other.begin())) << model;
    EXPECT_NE(ids[static_cast<std::size_t>(leading)], other[static_cast<std::size_t>(leading)]) << model;
  }
}

}  // namespace
}  // namespace orrery::text
