#include "orrery/archive/checksum.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/parallel/agreement.hpp"
#include "src/archive/block_hash.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>

namespace orrery::archive {
namespace {

using core::ExitCode;
using parallel::Communicator;

/// Two whole blocks and 800 bytes.
constexpr std::int64_t length = 2 * checksum_block_bytes / 8 + 100;

std::vector<std::int64_t> numbers() {
  std::vector<std::int64_t> values(length);
  for (std::int64_t i = 0; i < length; ++i) values[static_cast<std::size_t>(i)] = i * i;
  return values;
}

Layout layout() {
  Layout made{.format = "orrery-trace"};
  made.groups = {"/checksum", "/timing"};
  made.scales = {
      {.name = "row", .length = length, .long_name = "row"},
      {.name = "word", .length = 2, .long_name = "word", .values = std::vector<std::int64_t>{3, 4}}};
  made.datasets = {
      {.path = "/a/long",
       .type = ElementType::int64,
       .dimensions = {"row"},
       .long_name = "numbers",
       .values = numbers()},
      {.path = "/a/text",
       .type = ElementType::text,
       .dimensions = {"word"},
       .long_name = "text",
       .values = std::vector<std::string>{"ab", ""}},
      {.path = "/timing/seconds",
       .dimensions = {"word"},
       .long_name = "s",
       .values = std::vector<double>{1, 2}},
  };
  return made;
}

/// A file that rank 0 makes, complete, with checksums written by all ranks.
struct Fixture {
  Fixture() : ranks(Communicator::world()) {
    if (ranks.is_root()) {
      folder.emplace();
      path = *folder / "data.h5";
      build_file(path, layout());
      set_attributes(path, {{"/a", "factor", 1.5}, {"/", "ranks", std::int64_t{ranks.size()}}});
    }
    write_checksums(ranks, path);
    if (ranks.is_root()) mark_complete(path);
  }
  ~Fixture() { ranks.barrier(); }

  Communicator ranks;
  std::optional<test::ScratchFolder> folder;
  std::filesystem::path path;
};

TEST(Checksum, IsOfTheBytesWhateverTheRanks) {
  const Fixture fixture;
  if (!fixture.ranks.is_root()) return;
  const Reader file(fixture.path);
  const std::vector<std::int64_t> values = numbers();
  const auto bytes = std::as_bytes(std::span(values));
  std::vector<std::string> expected;
  for (std::size_t first = 0; first < bytes.size(); first += checksum_block_bytes) {
    expected.push_back(
        checksum_of(bytes.subspan(first, std::min<std::size_t>(checksum_block_bytes, bytes.size() - first))));
  }
  EXPECT_EQ(expected.size(), 3U);
  EXPECT_EQ(stored_checksums(file, "/a/long"), expected);
  EXPECT_EQ(stored_checksums(file, "/word")->size(), 1U);
  EXPECT_EQ(stored_checksums(file, "/a/text"),
            (std::vector<std::string>{checksum_of(std::vector<std::string>{"ab", ""})}));
  EXPECT_EQ(stored_attribute_checksum(file), checksum_of_attributes(file));
  // What depends on the run, and what has no values, has none.
  EXPECT_EQ(stored_checksums(file, "/timing/seconds"), std::nullopt);
  EXPECT_EQ(stored_checksums(file, "/row"), std::nullopt);
  EXPECT_EQ(file.attribute_names("/checksum"),
            (std::vector<std::string>{"a.long", "a.text", "algorithm", "attributes", "block_bytes", "word"}));
  // By hand: XXH64 of "ab\0\0" as `xxh64sum` has it.
  EXPECT_EQ(checksum_of(std::vector<std::string>{""}), checksum_of(std::as_bytes(std::span("", 1))));
  EXPECT_EQ(checksum_of(std::span<const std::byte>()), "ef46db3751d8e999");
}

TEST(Checksum, ReaderGivesTheBytesAsTheyLie) {
  const Fixture fixture;
  if (!fixture.ranks.is_root()) return;
  const Reader file(fixture.path);
  std::array<std::int64_t, 3> some{};
  file.read_stored("/a/long", 8 * (length - 3), std::as_writable_bytes(std::span(some)));
  EXPECT_EQ(some[0], (length - 3) * (length - 3));
  EXPECT_EQ(some[2], (length - 1) * (length - 1));
  test::expect_error(ExitCode::internal, "bytes outside", [&] {
    file.read_stored("/a/long", 8 * (length - 2), std::as_writable_bytes(std::span(some)));
  });
  test::expect_error(ExitCode::bad_input, "not numbers",
                     [&] { file.read_stored("/a/text", 0, std::as_writable_bytes(std::span(some))); });
  test::expect_error(ExitCode::bad_input, "without values", [&] { file.read_stored("/row", 0, {}); });
}

TEST(Checksum, OfAttributesLeavesOutWhatTellsOfTheRun) {
  const Fixture fixture;
  if (!fixture.ranks.is_root()) return;
  const std::string before = checksum_of_attributes(Reader(fixture.path));
  const auto with = [&](const Attribute& attribute) {
    set_attributes(fixture.path, {attribute});
    return checksum_of_attributes(Reader(fixture.path));
  };
  for (const char* name : {"ranks", "hosts", "created_utc", "config", "command", "model_name"}) {
    EXPECT_EQ(with({"/", name, "changed"}), before) << name;
  }
  EXPECT_EQ(with({"/timing", "total_seconds", 3.0}), before);
  EXPECT_EQ(with({"/checksum", "a.long", "0"}), before);
  std::vector<std::string> seen = {before};
  for (const Attribute& attribute :
       {Attribute{"/", "seed", std::int64_t{1}}, Attribute{"/", "seed", 1.0}, Attribute{"/", "seed", "1"},
        Attribute{"/a", "factor", 1.5000000000000002}, Attribute{"/a/long", "units", "m"}}) {
    seen.push_back(with(attribute));
  }
  std::ranges::sort(seen);
  EXPECT_TRUE(std::ranges::adjacent_find(seen) == seen.end()) << "each of these is another content";
}

TEST(Checksum, GoingOnFromADatasetNeedsItsOwn) {
  const Fixture fixture;
  write_checksums(fixture.ranks, fixture.path);
  if (!fixture.ranks.is_root()) return;
  for (const char* path : {"/a/long", "/a/text"}) EXPECT_NO_THROW(require_sound(Reader(fixture.path), path));
  set_attributes(fixture.path, {{"/checksum", "a.long", "0123456789abcdef"}});
  const Reader file(fixture.path);
  EXPECT_NO_THROW(require_sound(file, "/a/text"));
  test::expect_error(ExitCode::bad_input, "/a/long", [&] { require_sound(file, "/a/long"); });
}

TEST(Checksum, WhatCannotBeReadIsAnErrorOfTheOutputOnAllRanks) {
  const Communicator ranks = Communicator::world();
  try {
    write_checksums(ranks, "nowhere.h5");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const parallel::AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::io);
    EXPECT_NE(std::string(error.what()).find("nowhere.h5"), std::string::npos);
  }
}

}  // namespace
}  // namespace orrery::archive
