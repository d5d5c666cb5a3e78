#include "orrery/text/corpus.hpp"

#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>

#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

namespace orrery::text {
namespace {

using test::expect_bad_input;
using test::shared_data;
using test::TemporaryFolder;
using Places = std::vector<std::pair<std::int64_t, std::int64_t>>;

Places places_of(const Corpus& corpus) {
  Places places;
  for (const CorpusRow& row : corpus.rows) places.emplace_back(row.line, row.characters);
  return places;
}

Corpus read_shared(const std::string& name) {
  return read_corpus(shared_data("malformed/corpora/" + name), {});
}

TEST(Corpus, EveryValidCorpusHasItsRows) {
  const auto expected = test::shared_json("malformed/corpora/expected.json");
  ASSERT_EQ(expected.size(), 7U);
  for (const auto& [name, rows] : expected.items()) {
    EXPECT_EQ(places_of(read_shared(name)), rows.get<Places>()) << name;
  }
}

TEST(Corpus, VariantsHaveTheTextOfPlain) {
  const Corpus plain = read_shared("plain.txt");
  for (const char* name : {"no-final-newline.txt", "crlf.txt", "bom.txt", "one-line-10mb.txt"}) {
    const Corpus variant = read_shared(name);
    ASSERT_EQ(variant.rows.size(), plain.rows.size()) << name;
    for (std::size_t i = 0; i < plain.rows.size(); ++i)
      EXPECT_EQ(variant.rows[i].text, plain.rows[i].text) << name;
  }
}

TEST(Corpus, NulIsACharacter) {
  const Corpus corpus = read_shared("nul-bytes.txt");
  const std::string& text = corpus.rows[1].text;
  EXPECT_NE(text.find('\0'), std::string::npos);
  EXPECT_GE(static_cast<std::int64_t>(text.size()), corpus.rows[1].characters);
}

TEST(Corpus, FaultyCorporaNameTheFault) {
  const auto expect = [](const std::string& name, std::vector<std::string> parts) {
    parts.push_back(name);
    expect_bad_input([&] { read_shared(name); }, parts);
  };
  expect("empty.txt", {"empty"});
  expect("blank-lines.txt", {"no row with 100 < characters < 500", "lines", "blank"});
  expect("no-row-in-range.txt", {"4 rows read", "100 < characters < 500", "shortest has 20", "longest 700"});
  for (const char* name : {"utf8-lone-continuation.txt", "utf8-cut-sequence.txt", "utf8-overlong.txt",
                           "utf8-surrogate.txt", "utf8-too-large.txt"}) {
    expect(name, {"not UTF-8", "line 1 ", "byte 71 "});
  }
  expect("utf8-latin1.txt", {"not UTF-8", "line 1 ", "byte 73 "});
}

TEST(Corpus, MissingFilesAndFoldersAreBadInput) {
  const TemporaryFolder folder;
  expect_bad_input([&] { read_corpus(folder.path() / "absent.txt", {}); }, {"absent.txt"});
  expect_bad_input([&] { read_corpus(folder.path(), {}); }, {folder.path().string()});
}

TEST(Corpus, SelectionKeepsTheFirstRowsInRange) {
  const TemporaryFolder folder;
  const auto path = folder.write("c.txt", "aaa\n\n bb \nccc\näöü\nd\n");
  const Corpus two = read_corpus(path, {.samples = 2, .min_chars = 1, .max_chars = 4});
  EXPECT_EQ(places_of(two), (Places{{0, 3}, {2, 2}}));
  EXPECT_EQ(two.lines, 6);
  EXPECT_EQ(two.rows_read, 5);
  EXPECT_EQ(two.rows_in_range, 4);
  const Corpus all = read_corpus(path, {.samples = 0, .min_chars = 2, .max_chars = 4});
  EXPECT_EQ(places_of(all), (Places{{0, 3}, {3, 3}, {4, 3}}));
  EXPECT_EQ(all.rows[2].text, "äöü");
}

TEST(Corpus, OnlyLfEndsALine) {
  const TemporaryFolder folder;
  const auto path = folder.write("c.txt",
                                 "a\u2028b\u0085c\rd\ve\x1C"
                                 "f\ng");
  const Corpus corpus = read_corpus(path, {.samples = 0, .min_chars = 0, .max_chars = 99});
  EXPECT_EQ(places_of(corpus), (Places{{0, 11}, {1, 1}}));
}

TEST(Corpus, AMarkAloneIsEmpty) {
  const TemporaryFolder folder;
  expect_bad_input([&] { read_corpus(folder.write("m.txt", "\xEF\xBB\xBF"), {}); }, {"m.txt", "empty"});
  // A second mark is a character, and so is one on a later line.
  const auto path = folder.write("n.txt", "\xEF\xBB\xBF\xEF\xBB\xBFx\n\xEF\xBB\xBFx");
  const Corpus corpus = read_corpus(path, {.samples = 0, .min_chars = 0, .max_chars = 9});
  EXPECT_EQ(places_of(corpus), (Places{{0, 2}, {1, 2}}));
}

// Blocks of the reader end anywhere: a fault and rows on both sides of such an end must be found all the
// same.
TEST(Corpus, LongFilesAreReadAcrossBlocks) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 30000; ++i) text += std::string(static_cast<std::size_t>(i % 97), 'x') + "äö€😀\n";
  const auto path = folder.write("long.txt", text);
  const Corpus corpus = read_corpus(path, {.samples = 0, .min_chars = 0, .max_chars = 1000});
  ASSERT_EQ(corpus.rows.size(), 30000U);
  for (std::size_t i = 0; i < corpus.rows.size(); ++i) {
    ASSERT_EQ(corpus.rows[i].text, std::string(i % 97, 'x') + "äö€😀");
    ASSERT_EQ(corpus.rows[i].characters, static_cast<std::int64_t>(i % 97) + 4);
  }
  text += "fault \x80";
  expect_bad_input([&] { read_corpus(folder.write("bad.txt", text), {.samples = 1, .min_chars = 0}); },
                   {"line 30000 ", "byte " + std::to_string(text.size() - 1) + " "});
}

TEST(Corpus, ARowMayBeLongerThanABlock) {
  const TemporaryFolder folder;
  std::string row;
  for (int i = 0; row.size() < 3'500'000; ++i) row += std::to_string(i) + "ä";
  const Corpus corpus = read_corpus(folder.write("long.txt", "a\n" + row + "\nb"),
                                    {.samples = 0, .min_chars = 0, .max_chars = 10'000'000});
  ASSERT_EQ(corpus.rows.size(), 3U);
  EXPECT_TRUE(corpus.rows[1].text == row);
}

TEST(Corpus, MemoryStaysNearTheLongestLine) {
  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before = peak_kib();
  read_shared("one-line-10mb.txt");
  EXPECT_LT(peak_kib() - before, 40 * 1024);
}

TEST(Corpus, SelectionsThatNoRowMeetsAreUsage) {
  const TemporaryFolder folder;
  const auto path = folder.write("c.txt", "abc\n");
  const auto expect_usage = [&](CorpusSelection selection) {
    test::expect_error([&] { read_corpus(path, selection); }, core::ExitCode::usage, {"--"});
  };
  expect_usage({.samples = -1});
  expect_usage({.min_chars = 5, .max_chars = 6});
  expect_usage({.min_chars = 500, .max_chars = 100});
  expect_usage({.min_chars = -1, .max_chars = 100});
}

}  // namespace
}  // namespace orrery::text
