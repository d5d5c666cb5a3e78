#include "orrery/archive/checkpoint.hpp"

#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/archive/work_in_progress.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;
using core::ExitCode;
using test::expect_error;
using test::names_in;
using test::put;
using test::ScratchFolder;
using test::text_in;

const Checkpoint example{
    {{"model_sha256", "ab12"}, {"note", "Übung \"quoted\"\n\\"}, {"", ""}},
    {{0, 0}, {3, 0x0123456789abcdef}, {1'000'000'000'000, std::numeric_limits<std::uint64_t>::max()}}};

TEST(Checkpoint, ComesBack) {
  const ScratchFolder folder;
  const fs::path path = folder / "checkpoint";
  for (const Checkpoint& checkpoint : {example, Checkpoint{}}) {
    write_checkpoint(path, checkpoint);
    EXPECT_EQ(read_checkpoint(path), checkpoint);
    EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"checkpoint"});
  }
}

TEST(Checkpoint, IsJsonThatAPersonCanRead) {
  const ScratchFolder folder;
  write_checkpoint(folder / "checkpoint", {{{"seed", "7"}}, {{3, 0xabc}}});
  EXPECT_EQ(
      text_in(folder / "checkpoint"),
      "{\"blocks\":[{\"block\":3,\"hash\":\"0000000000000abc\"}],\"choices\":{},"
      "\"format\":\"orrery-checkpoint\",\"format_version\":1,\"identity\":{\"seed\":\"7\"},\"passes\":[]}\n");
}

/// A checkpoint with one of its parts replaced.
std::string with(const std::string& before, const std::string& after) {
  std::string text =
      R"({"format": "orrery-checkpoint", "format_version": 1, "identity": {"a": "b"},)"
      R"( "blocks": [{"block": 2, "hash": "0000000000000abc"}, {"block": 5, "hash": "0000000000000abd"}], "passes": [["state-1", "state-1-0"]], "choices": {"groups": 7}})";
  const std::size_t place = text.find(before);
  EXPECT_NE(place, std::string::npos) << before;
  return text.replace(place, before.size(), after);
}

TEST(Checkpoint, SaysWhatIsWrongWithADamagedOne) {
  const ScratchFolder folder;
  const fs::path path = folder / "checkpoint";
  expect_error(ExitCode::bad_input, path.string(), [&] { read_checkpoint(path); });
  put(path, with("2", "4"));
  EXPECT_EQ(read_checkpoint(path).blocks.size(), 2U);
  const auto refused = [&](const std::string& text, const std::string& words) {
    put(path, text);
    expect_error(ExitCode::bad_input, words, [&] { read_checkpoint(path); });
    expect_error(ExitCode::bad_input, "begin anew with --overwrite", [&] { read_checkpoint(path); });
    expect_error(ExitCode::bad_input, path.string(), [&] { read_checkpoint(path); });
  };
  const std::string whole = with("2", "2");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    refused(whole.substr(0, length), length == 0 ? "is empty" : "is not JSON");
  }
  refused("[]", "must be an object");
  refused(std::string(100, '['), "nests too deep");
  refused(with("orrery-checkpoint", "orrery-trace"), "must be orrery-checkpoint");
  refused(with("\"format\"", "\"formal\""), "no format");
  refused(with(": 1", ": 2"), "format_version must be at most 1");
  refused(with(": 1", ": 0"), "format_version must be at least 1");
  refused(with("{\"a\": \"b\"}", "[]"), "identity must be an object");
  refused(with("\"b\"}", "7}"), "identity.a must be a string");
  refused(with("identity", "identify"), "no identity");
  refused(with("{\"groups\": 7}", "[]"), "choices must be an object");
  refused(with(": 7", ": -7"), "choices.groups must be at least 0");
  refused(with("\"blocks\"", "\"clocks\""), "no blocks");
  refused(with("\"block\": 2", "\"clock\": 2"), "no blocks[0].block");
  refused(with(": 2,", ": -2,"), "blocks[0].block must be at least 0");
  refused(with(": 2,", ": 5,"), "blocks[1].block must be at least 6");
  refused(with(": 2,", ": 2.5,"), "must be a whole number");
  refused(with(": 2,", ": 9223372036854775807,"), "blocks[0].block must be at most");
  refused(with(": 2,", ": 92233720368547758070,"), "blocks[0].block");
  for (const char* hash : {"\"abc\"", "\"0000000000000ABC\"", "\"0000000000000xyz\"", "\"00000000000000abc\"",
                           "\"-000000000000abc\"", "\"\""}) {
    refused(with("\"0000000000000abc\"", hash), "blocks[0].hash must be 16 hexadecimal digits");
  }
  refused(with("\"0000000000000abc\"", "2748"), "blocks[0].hash must be a string");
}

TEST(Checkpoint, OfAnotherSizeIsNotRead) {
  const ScratchFolder folder;
  put(folder / "checkpoint", "{");
  fs::resize_file(folder / "checkpoint", std::uintmax_t{1} << 40);  // a hole
  expect_error(ExitCode::bad_input, "too large", [&] { read_checkpoint(folder / "checkpoint"); });
}

TEST(Checkpoint, IsNotReplacedByHalfAOne) {
  const ScratchFolder folder;
  const fs::path path = folder / "checkpoint";
  write_checkpoint(path, example);
  // Killed between the two names, it leaves both.
  put(folder / "checkpoint.new", text_in(path).substr(0, 20));
  EXPECT_EQ(read_checkpoint(path), example);
  // A disk that takes a few bytes only.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit few { 30, 30 };
    ::setrlimit(RLIMIT_FSIZE, &few);
    try {
      write_checkpoint(path, {});
    } catch (const core::Error& error) {
      ::_exit(static_cast<int>(error.code()));
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::io));
  EXPECT_EQ(read_checkpoint(path), example);
  EXPECT_FALSE(fs::exists(folder / "checkpoint.new"));
  write_checkpoint(path, {});
  EXPECT_EQ(read_checkpoint(path), Checkpoint{});
}

TEST(Checkpoint, IsWholeWheneverItsWriterIsKilled) {
  const ScratchFolder folder;
  const fs::path path = folder / "checkpoint";
  constexpr std::int64_t blocks = 2000;
  const auto version = [](std::uint64_t number) {
    Checkpoint checkpoint;
    for (std::int64_t block = 0; block < blocks; ++block) checkpoint.blocks.emplace(block, number);
    return checkpoint;
  };
  write_checkpoint(path, version(0));
  for (useconds_t kill = 0; kill < 30; ++kill) {
    const std::uint64_t first = read_checkpoint(path).blocks.at(0);
    const pid_t child = ::fork();
    if (child == 0) {
      for (std::uint64_t number = first;; ++number) write_checkpoint(path, version(number));
    }
    ::usleep(2000 + 777 * kill);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Checkpoint left = read_checkpoint(path);
    EXPECT_EQ(left, version(left.blocks.at(0)));
    EXPECT_GE(left.blocks.at(0), first);
  }
}

TEST(Checkpoint, SaysWhereItCantBeWritten) {
  expect_error(ExitCode::io, "/proc/checkpoint.new", [&] { write_checkpoint("/proc/checkpoint", {}); });
  const ScratchFolder folder;
  expect_error(ExitCode::internal, "not UTF-8", [&] {
    write_checkpoint(folder / "checkpoint", {{{"host", "\xff"}}, {}});
  });
}

}  // namespace
}  // namespace orrery::archive
