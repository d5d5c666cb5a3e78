#include "orrery/text/json.hpp"

#include "tests/text/test_data.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace orrery::text {
namespace {

using test::expect_bad_input;
using test::shared_data;
using test::TemporaryFolder;

TEST(Json, BrokenFilesNameTheirPosition) {
  expect_bad_input([] { read_json(shared_data("malformed/models/config-empty") / "config.json"); },
                   {"config.json", "empty"});
  expect_bad_input([] { read_json(shared_data("malformed/models/config-not-json") / "config.json"); },
                   {"config.json", "not JSON", "line ", "byte "});
  expect_bad_input([] { read_json(shared_data("malformed/models/config-missing") / "config.json"); },
                   {"config-missing", "config.json"});
  expect_bad_input([] { parse_json("{\n \"a\": 1,\n \"b\" 2}", "x.json"); }, {"x.json", "line 3, column 6"});
  expect_bad_input([] { parse_json("[1] x", "x.json"); }, {"byte 4"});
  expect_bad_input([] { parse_json("\"\xFF\"", "x.json"); }, {"x.json", "UTF-8"});
  expect_bad_input([] { parse_json("1e999", "x.json"); }, {"x.json"});
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(64), "x.json").is_array());
  expect_bad_input([&] { parse_json(nested(65), "x.json"); }, {"x.json", "64 levels", "byte 64"});
  expect_bad_input([&] { parse_json(std::string(10'000'000, '['), "x.json"); }, {"nests too deep"});
  // Brackets in strings don't nest, an escaped quote does not end one.
  EXPECT_TRUE(parse_json("\"\\\"" + std::string(100, '{') + "\"", "x.json").is_string());
}

TEST(Json, NamesMayHaveToBeUnique) {
  const std::string twice = R"({"a": 1, "b": {"c": 1, "c": 2}})";
  EXPECT_EQ(parse_json(twice, "x.json")["b"]["c"], 2);
  expect_bad_input([&] { parse_json_of_unique_names(twice, "x.json"); }, {"x.json", "twice (c)"});
  EXPECT_TRUE(
      parse_json_of_unique_names(R"({"a": {"c": 1}, "b": [{"c": 1}, {"c": 2}]})", "x.json").is_object());
}

// The parser would take a zero byte for the end.
TEST(Json, ZerosAndOtherFormatsAreNoJson) {
  expect_bad_input([] { parse_json(std::string_view("{}\0 {", 5), "x.json"); },
                   {"x.json", "byte 2: a zero byte"});
  expect_bad_input([] { parse_json("<!doctype html><p>", "x.json"); }, {"x.json", "HTML page"});
}

TEST(Json, GettersNameFileKeyAndExpectation) {
  const auto json = parse_json(
      R"({"size": 16, "text": "16", "half": 24.5, "minus": -1, "none": null, "yes": true,
          "inner": {"list": [1, "b"]}, "big": 18446744073709551615})",
      "config.json");
  const JsonValue config(json, "config.json");
  EXPECT_EQ(config.at("size").integer(), 16);
  EXPECT_EQ(config.at("size").number(), 16.0);
  EXPECT_EQ(config.at("half").number(), 24.5);
  EXPECT_EQ(config.at("text").string(), "16");
  EXPECT_TRUE(config.at("yes").boolean());
  EXPECT_EQ(config.at("inner").at("list").elements().at(1).string(), "b");
  EXPECT_EQ(config.at("inner").at("list").elements().at(1).key(), "inner.list[1]");
  EXPECT_FALSE(config.find("absent"));
  EXPECT_FALSE(config.find("none"));

  expect_bad_input([&] { config.at("absent"); }, {"config.json", "absent"});
  expect_bad_input([&] { config.at("none"); }, {"config.json", "none", "null"});
  expect_bad_input([&] { config.at("text").integer(); }, {"config.json", "text", "a number", "\"16\""});
  expect_bad_input([&] { config.at("half").integer(); }, {"half", "whole number", "24.5"});
  expect_bad_input([&] { config.at("minus").integer(1); }, {"minus", "at least 1", "-1"});
  expect_bad_input([&] { config.at("size").integer(0, 15); }, {"size", "at most 15", "16"});
  expect_bad_input([&] { config.at("big").integer(); }, {"big", "18446744073709551615"});
  expect_bad_input([&] { config.at("size").string(); }, {"size", "a string"});
  expect_bad_input([&] { config.at("size").boolean(); }, {"size", "true or false"});
  expect_bad_input([&] { config.at("size").find("x"); }, {"size", "an object"});
  expect_bad_input([&] { config.at("inner").elements(); }, {"inner", "an array", "an object"});
  expect_bad_input([&] { config.elements(); }, {"config.json", "an array"});
}

TEST(Json, LongAndOddValuesAreShownShort) {
  const auto json = parse_json("[\"" + std::string(100'000, 'x') + "\", \"a\\nb\"]", "x.json");
  const auto elements = JsonValue(json, "x.json").elements();
  EXPECT_LT(std::string(elements[0].error("is odd").what()).size(), 200U);
  EXPECT_EQ(std::string(elements[1].error("is odd").what()).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace orrery::text
