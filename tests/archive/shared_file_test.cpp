#include "orrery/archive/shared_file.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/parallel/agreement.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
/// What this process brought to disk, as it is written in /proc.
std::vector<std::filesystem::path> synced;
}  // namespace

/// In place of the C library's, which the MPI library would call.
extern "C" int fsync(int file) {
  std::error_code ignored;
  synced.push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), ignored));
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;
using core::ExitCode;
using parallel::Communicator;
using test::expect_error;

constexpr std::int64_t rows = 23;
constexpr std::int64_t width = 5;
constexpr std::int64_t depth = 7;

Layout layout() {
  Layout made{.format = "orrery-trace"};
  made.scales = {{.name = "row", .length = rows, .long_name = "row"},
                 {.name = "column", .length = width, .long_name = "column"},
                 {.name = "layer", .length = depth, .long_name = "layer"}};
  made.datasets = {
      {.path = "/a/cube",
       .type = ElementType::float32,
       .dimensions = {"row", "column", "layer"},
       .long_name = "cube"},
      {.path = "/a/table", .dimensions = {"column", "row"}, .long_name = "by columns"},
      {.path = "/a/count", .type = ElementType::int64, .dimensions = {"row"}, .long_name = "count"},
      {.path = "/b/small", .type = ElementType::int32, .dimensions = {"row"}, .long_name = "small"},
      {.path = "/b/flag", .type = ElementType::uint8, .dimensions = {"row"}, .long_name = "flag"},
      {.path = "/b/word",
       .type = ElementType::text,
       .dimensions = {"column"},
       .long_name = "word",
       .values = std::vector<std::string>{"a", "bc", "", "déf", "g"}}};
  return made;
}

double cube_value(std::int64_t i) {
  return 0.5 * static_cast<double>(i) - 3;
}
double table_value(std::int64_t column, std::int64_t row) {
  return 1.0 / static_cast<double>(1 + column * rows + row);
}

/// A file that rank 0 made, its folder, and this rank's rows: shares grow with the rank, and where there are
/// several, rank 1 has none.
struct Fixture {
  Fixture() : ranks(Communicator::world()) {
    if (ranks.is_root()) {
      folder.emplace();
      build_file(*folder / "data.h5", layout());
    }
    path = ranks.broadcast(ranks.is_root() ? (*folder / "data.h5").string() : std::string());
    const auto bound = [&](std::int64_t rank) { return rows * rank * rank / (ranks.size() * ranks.size()); };
    first = bound(ranks.rank());
    count = bound(ranks.rank() + 1) - first;
    if (ranks.size() > 1 && ranks.rank() == 0) count = bound(2);
    if (ranks.size() > 1 && ranks.rank() == 1) count = 0;
  }
  ~Fixture() { ranks.barrier(); }

  void write_all(SharedFile& file) const {
    std::vector<float> cube;
    for (std::int64_t i = first * width * depth; i < (first + count) * width * depth; ++i) {
      cube.push_back(static_cast<float>(cube_value(i)));
    }
    file.write("/a/cube", {{first, 0, 0}, {count, width, depth}}, cube);
    std::vector<double> table;
    std::vector<std::int64_t> counts;
    std::vector<std::int32_t> smalls;
    std::vector<std::uint8_t> flags;
    for (std::int64_t column = 0; column < width; ++column) {
      for (std::int64_t row = first; row < first + count; ++row) table.push_back(table_value(column, row));
    }
    for (std::int64_t row = first; row < first + count; ++row) {
      counts.push_back(row << 40);
      smalls.push_back(static_cast<std::int32_t>(-row));
      flags.push_back(static_cast<std::uint8_t>(row % 2));
    }
    file.write("/a/table", {{0, first}, {width, count}}, table);
    file.write("/a/count", {{first}, {count}}, counts);
    file.write("/b/small", {{first}, {count}}, smalls);
    file.write("/b/flag", {{first}, {count}}, flags);
  }

  /// Every number of every rank, read by one process with another driver.
  void expect_all_there() const {
    if (!ranks.is_root()) return;
    const Reader file(path, Incomplete::accept);
    const std::vector<double> cube = file.read_reals("/a/cube");
    for (std::int64_t i = 0; i < std::ssize(cube); ++i) {
      ASSERT_EQ(cube[static_cast<std::size_t>(i)], static_cast<float>(cube_value(i))) << i;
    }
    const std::vector<double> table = file.read_reals("/a/table");
    for (std::int64_t i = 0; i < std::ssize(table); ++i) {
      ASSERT_EQ(table[static_cast<std::size_t>(i)], table_value(i / rows, i % rows)) << i;
    }
    const std::vector<std::int64_t> counts = file.read_integers("/a/count");
    const std::vector<std::int64_t> smalls = file.read_integers("/b/small");
    const std::vector<std::int64_t> flags = file.read_integers("/b/flag");
    for (std::size_t row = 0; row < counts.size(); ++row) {
      const auto value = static_cast<std::int64_t>(row);
      ASSERT_EQ(counts[row], value << 40);
      ASSERT_EQ(smalls[row], -value);
      ASSERT_EQ(flags[row], value % 2);
    }
    EXPECT_EQ(file.read_texts("/b/word"), (std::vector<std::string>{"a", "bc", "", "déf", "g"}));
  }

  Communicator ranks;
  std::optional<test::ScratchFolder> folder;
  std::string path;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

TEST(SharedFile, UnevenSharesComeBack) {
  const Fixture fixture;
  SharedFile file(fixture.ranks, fixture.path, layout());
  fixture.write_all(file);
  const std::int64_t row_bytes = width * depth * 4 + width * 8 + 8 + 4 + 1;
  EXPECT_EQ(file.bytes_written(), fixture.count * row_bytes);
  EXPECT_EQ(fixture.ranks.sum(file.bytes_written()), rows * row_bytes);
  file.close();
  file.read_back();
  fixture.expect_all_there();
}

TEST(SharedFile, LargeSlabsGoInBlocks) {
  const Fixture fixture;
  for (const std::int64_t block : {1, 8, 29, 200}) {
    SharedFile file(fixture.ranks, fixture.path, layout(), block);
    fixture.write_all(file);
    file.close();
    file.read_back();
    fixture.expect_all_there();
  }
}

/// Files that this process has open by this path.
int open_here(const std::string& path) {
  int number = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    number += fs::read_symlink(entry.path(), ignored) == fs::path(path) ? 1 : 0;
  }
  return number;
}

TEST(SharedFile, EachRankWritesByItself) {
  const Fixture fixture;
  SharedFile file(fixture.ranks, fixture.path, layout());
  EXPECT_GE(open_here(fs::canonical(fixture.path)), 1) << "rank " << fixture.ranks.rank();
  // One rank after the other, the last first: a write that waited for others would never end.
  for (int turn = fixture.ranks.size() - 1; turn >= 0; --turn) {
    if (turn == fixture.ranks.rank()) fixture.write_all(file);
    fixture.ranks.barrier();
  }
  file.close();
  EXPECT_EQ(open_here(fs::canonical(fixture.path)), 0);
  file.read_back();
  fixture.expect_all_there();
}

TEST(SharedFile, ReadBackSeesAFlippedBit) {
  const Fixture fixture;
  SharedFile file(fixture.ranks, fixture.path, layout());
  fixture.write_all(file);
  file.close();
  // The rank that wrote the last row: of two, rank 1 has none.
  const int victim = fixture.ranks.size() == 2 ? 0 : fixture.ranks.size() - 1;
  if (fixture.ranks.is_root()) {
    // The last two rows' counts are found by their bytes.
    std::fstream bytes(fixture.path, std::ios::in | std::ios::out | std::ios::binary);
    const std::string whole(std::istreambuf_iterator<char>(bytes), {});
    const std::array<std::int64_t, 2> last{(rows - 2) << 40, (rows - 1) << 40};
    const std::size_t place =
        whole.find(std::string(reinterpret_cast<const char*>(last.data()), sizeof last));
    ASSERT_NE(place, std::string::npos);
    bytes.clear();
    bytes.seekp(static_cast<std::streamoff>(place + sizeof last[0]));
    bytes.put('\x01');
  }
  fixture.ranks.barrier();
  const std::string first_row = fixture.ranks.broadcast(std::to_string(fixture.first), victim);
  const std::string words = "/a/count at (" + first_row + "), rank " + std::to_string(victim);
  expect_error(ExitCode::io, words, [&] { file.read_back(); });
  EXPECT_EQ(open_here(fs::canonical(fixture.path)), 0) << "closed on all ranks even so";
}

TEST(SharedFile, HashesDontDependOnPieces) {
  const Fixture fixture;
  const std::vector<double> values{1, -2, 3.5, 4, 5e300, 6};
  const Slab slab{{1, 2 * fixture.ranks.rank()}, {3, 2}};
  std::uint64_t first_hash = 0;
  for (const std::int64_t block : {1000, 24, 8, 1}) {
    SharedFile file(fixture.ranks, fixture.path, layout(), block);
    const std::uint64_t hash = file.write("/a/table", slab, values);
    if (block == 1000) first_hash = hash;
    EXPECT_EQ(hash, first_hash) << block;
    EXPECT_EQ(file.hash_of("/a/table", slab), hash) << block;
    EXPECT_NE(file.hash_of("/a/table", {{0, 2 * fixture.ranks.rank()}, {3, 2}}), hash);
    std::vector<double> back(values.size());
    file.read("/a/table", slab, std::span(back));
    EXPECT_EQ(back, values);
    file.close();
  }
  SharedFile file(fixture.ranks, fixture.path, layout());
  EXPECT_EQ(file.hash_of("/a/table", slab), first_hash) << "of an earlier process, as far as the file knows";
  EXPECT_EQ(file.bytes_written(), 0);
  const std::uint64_t none = file.write("/a/table", {{0, 0}, {0, 0}}, std::span<const double>());
  EXPECT_EQ(none, 0xef46db3751d8e999) << "XXH64 of nothing";
  EXPECT_EQ(file.hash_of("/a/table", {{0, 0}, {0, 0}}), none);
  file.close();
}

template <class T>
std::vector<T> read_rows(const SharedFile& file, const std::string& path, const Slab& slab,
                         std::int64_t entries) {
  std::vector<T> values(static_cast<std::size_t>(entries));
  file.read(path, slab, std::span(values));
  return values;
}

TEST(SharedFile, ReadsWhatItWrote) {
  const Fixture fixture;
  const std::int64_t first = fixture.first, count = fixture.count;
  SharedFile file(fixture.ranks, fixture.path, layout());
  fixture.write_all(file);
  const auto cube =
      read_rows<float>(file, "/a/cube", {{first, 0, 0}, {count, width, depth}}, count * width * depth);
  const auto counts = read_rows<std::int64_t>(file, "/a/count", {{first}, {count}}, count);
  const auto smalls = read_rows<std::int32_t>(file, "/b/small", {{first}, {count}}, count);
  const auto flags = read_rows<std::uint8_t>(file, "/b/flag", {{first}, {count}}, count);
  for (std::size_t i = 0; i < cube.size(); ++i) {
    ASSERT_EQ(cube[i], static_cast<float>(cube_value(first * width * depth + static_cast<std::int64_t>(i))));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::int64_t row = first + static_cast<std::int64_t>(i);
    EXPECT_EQ(counts[i], row << 40);
    EXPECT_EQ(smalls[i], -row);
    EXPECT_EQ(flags[i], row % 2);
  }
  file.close();
}

TEST(SharedFile, FlushBringsWhatARankWroteToDisk) {
  const Fixture fixture;
  SharedFile file(fixture.ranks, fixture.path, layout());
  const auto times = [&] { return std::ranges::count(synced, fs::canonical(fixture.path)); };
  for (int round = 0; round < 2; ++round) {
    fixture.write_all(file);
    fixture.ranks.barrier();
    const auto before = times();
    file.flush();
    if (fixture.count > 0) {
      EXPECT_GT(times(), before) << "rank " << fixture.ranks.rank();
    }
  }
  file.close();
  file.read_back();
  fixture.expect_all_there();
  expect_error(ExitCode::io, "closed already", [&] { file.flush(); });
}

TEST(SharedFile, RefusesWritesThatDontFit) {
  const Fixture fixture;
  SharedFile file(fixture.ranks, fixture.path, layout());
  const std::vector<double> four(4);
  const std::vector<std::int64_t> whole(rows);
  const auto refused = [&](const std::string& words, auto work) {
    expect_error(ExitCode::internal, words, work);
  };
  refused("no such dataset", [&] { file.write("/a/cubes", {{0}, {4}}, four); });
  refused("float64", [&] { file.write("/a/count", {{0}, {4}}, four); });
  refused("does not fit", [&] { file.write("/a/table", {{0}, {4}}, four); });
  refused("does not fit", [&] { file.write("/a/table", {{4, 0}, {2, 2}}, four); });
  refused("does not fit", [&] { file.write("/a/table", {{-1, 0}, {2, 2}}, four); });
  refused("does not fit", [&] { file.write("/a/table", {{0, 0}, {2, 3}}, four); });
  refused("does not fit", [&] { file.write("/b/word", {{0}, {4}}, four); });
  refused("does not fit", [&] { file.hash_of("/b/word", {{0}, {width}}); });
  refused("does not fit", [&] { file.hash_of("/a/table", {{0, 0}, {width, rows + 1}}); });
  std::vector<double> into(4);
  refused("does not fit", [&] { file.read("/a/table", {{0, 0}, {2, 3}}, std::span(into)); });
  refused("float64", [&] { file.read("/a/count", {{0}, {4}}, std::span(into)); });
  EXPECT_EQ(file.bytes_written(), 0);
  file.close();
  refused("file closed", [&] { file.hash_of("/a/count", {{0}, {rows}}); });
  refused("file closed", [&] { file.write("/a/count", {{0}, {rows}}, whole); });
  expect_error(ExitCode::io, "closed already", [&] { file.close(); });
}

TEST(SharedFile, AllRanksHearOfAFileThatIsNotTheLayouts) {
  const Fixture fixture;
  Layout other = layout();
  other.scales[0].length = rows + 1;
  expect_error(ExitCode::io, "another shape", [&] { SharedFile(fixture.ranks, fixture.path, other); });
  expect_error(ExitCode::io, "can't be opened",
               [&] { SharedFile(fixture.ranks, fixture.path + ".no", layout()); });
}

TEST(SharedFile, IsClosedWhereTheRunEndsWithAnErrorOfAnotherKind) {
  const Fixture fixture;
  SharedFile file(fixture.ranks, fixture.path, layout());
  fixture.write_all(file);
  const parallel::AgreedError reason(ExitCode::bad_input, "no such token");
  const parallel::AgreedError error = file.give_up(reason);
  EXPECT_FALSE(file.is_open());
  EXPECT_EQ(error.ending(), parallel::Ending::in_order);
  EXPECT_STREQ(error.what(), reason.what());
  fixture.expect_all_there();
  EXPECT_STREQ(file.give_up(reason).what(), reason.what()) << "once closed it has no say";
}

TEST(SharedFile, FinishedFileIsComplete) {
  const Fixture fixture;
  SharedFile file(fixture.ranks, fixture.path, layout());
  fixture.write_all(file);
  file.close();
  file.read_back();
  fixture.ranks.barrier();
  if (fixture.ranks.is_root()) {
    set_attributes(fixture.path, {{"/", "note", std::string(100000, 'n')}, {"/b/flag", "limit", 0.25}});
    mark_complete(fixture.path);
    EXPECT_TRUE(Reader(fixture.path).complete());
  }
  fixture.expect_all_there();
}

}  // namespace
}  // namespace orrery::archive
