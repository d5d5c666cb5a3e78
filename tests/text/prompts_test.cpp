#include "orrery/text/prompts.hpp"

#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace orrery::text {
namespace {

using namespace std::string_view_literals;
using test::expect_bad_input;
using test::TemporaryFolder;
using Texts = std::vector<std::string>;

Texts texts_of(const std::string& name, std::string_view bytes) {
  const TemporaryFolder folder;
  Texts texts;
  for (const PromptText& prompt : read_prompts(folder.write(name, bytes))) {
    EXPECT_EQ(prompt.line, std::ssize(texts));
    texts.push_back(prompt.text);
  }
  return texts;
}

TEST(Prompts, AreLinesStripped) {
  EXPECT_EQ(texts_of("a.txt", "one"), Texts({"one"}));
  EXPECT_EQ(texts_of("a.txt", "\xEF\xBB\xBFone\r\n \ttwo words \n\xC2\xA0{\"text\": 3}\n"),
            Texts({"one", "two words", "{\"text\": 3}"}));
}

TEST(Prompts, OfJsonAreAsTheyStand) {
  EXPECT_EQ(texts_of("a.jsonl", "{\"text\": \" one\\n\\ntwo \"}\r\n  {\"n\": 1, \"text\": \"\\u00fc\"}"),
            Texts({" one\n\ntwo ", "ü"}));
}

TEST(Prompts, WhatIsNoneNamesTheLine) {
  for (const auto& [name, bytes, seen] :
       {std::tuple("a.txt", "one\n\nthree"sv, "line 1 from 0"),
        {"a.txt", "one\ntwo\n\n"sv, "line 2 from 0"},
        {"a.txt", "\none"sv, "line 0 from 0"},
        {"a.txt", "one\nt\0wo"sv, "line 1"},
        {"a.txt", ""sv, "a.txt"},
        {"a.txt", "\n \n"sv, "a.txt"},
        {"a.txt", "one\n\xFFtwo"sv, "line 1"},
        {"a.json", "[\"one\"]"sv, "a.json"},
        {"a.jsonl", "{\"text\": \"one\"}\n\n"sv, "line 1 from 0"},
        {"a.jsonl", "{\"text\": \"one\"}\n{\"text\": null}"sv, "line 1 from 0"},
        {"a.jsonl", "{\"text\": \"\"}"sv, "line 0 from 0"},
        {"a.jsonl", "{\"text\": \"a\\u0000\"}"sv, "line 0 from 0"},
        {"a.jsonl", "{\"text\": \"\\ud800\"}"sv, "line 0 from 0"},
        {"a.jsonl", "\"one\""sv, "line 0 from 0"}}) {
    SCOPED_TRACE(bytes);
    expect_bad_input([&] { texts_of(name, bytes); }, {seen});
  }
  const TemporaryFolder folder;
  expect_bad_input([&] { read_prompts(folder.path() / "none.txt"); }, {"none.txt"});
  expect_bad_input([&] { read_prompts(folder.path()); }, {folder.path().string()});
}

}  // namespace
}  // namespace orrery::text
