#include "orrery/archive/state_file.hpp"

#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/archive/work_in_progress.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

namespace orrery::archive {
namespace {

using core::ExitCode;
using test::expect_error;
using test::put;
using test::text_in;

class StateFile : public testing::Test {
 protected:
  /// Two numbers and a list of `count`.
  void write(std::int64_t count) {
    std::vector<std::int64_t> list(static_cast<std::size_t>(count));
    std::iota(list.begin(), list.end(), std::int64_t{7});
    StateFileWriter state(path_);
    state.put(std::int8_t{3});
    state.put(2.5);
    state.put_all<std::int64_t>(list);
    state.finish();
  }

  /// Throws what reading it all throws; fails where it reads something else.
  void read(std::int64_t count) {
    StateFileReader state(path_);
    EXPECT_EQ(state.take<std::int8_t>(), 3);
    EXPECT_EQ(state.take<double>(), 2.5);
    std::vector<std::int64_t> list(static_cast<std::size_t>(count));
    state.take_all<std::int64_t>(list);
    for (std::int64_t i = 0; i < count; ++i) ASSERT_EQ(list[static_cast<std::size_t>(i)], 7 + i);
    state.finish();
  }

  test::ScratchFolder folder_;
  std::filesystem::path path_ = folder_ / "state-1";
};

TEST_F(StateFile, GivesBackWhatWasWritten) {
  // In one block, at the edges of one (8 MiB less 9 bytes in front of the list), and in several.
  for (const std::int64_t count : {0, 1, 1000, (8 << 17) - 2, (8 << 17) - 1, 8 << 17, 3 << 20}) {
    write(count);
    read(count);
  }
}

TEST_F(StateFile, ADamagedBitIsSeen) {
  write(3 << 18);
  const std::string sound = text_in(path_);
  for (const std::size_t place : {std::size_t{2}, std::size_t{15}, std::size_t{23}, std::size_t{40},
                                  sound.size() / 2, sound.size() - 20, sound.size() - 1}) {
    std::string damaged = sound;
    damaged[place] = static_cast<char>(damaged[place] ^ 4);
    put(path_, damaged);
    expect_error(ExitCode::bad_input, path_.string(), [&] { read(3 << 18); });
  }
}

TEST_F(StateFile, MustBeWhole) {
  write(1000);
  const std::string sound = text_in(path_);
  for (const std::size_t length : {std::size_t{0}, std::size_t{10}, std::size_t{15}, std::size_t{20},
                                   sound.size() / 2, sound.size() - 16, sound.size() - 1}) {
    put(path_, sound.substr(0, length));
    expect_error(ExitCode::bad_input, path_.string(), [&] { read(1000); });
  }
  put(path_, sound + "x");
  expect_error(ExitCode::bad_input, "goes on too long", [&] { read(1000); });
  put(path_, sound);
  expect_error(ExitCode::bad_input, "goes on too long", [&] { read(999); });
  expect_error(ExitCode::bad_input, "ends too early", [&] { read(1001); });
  expect_error(ExitCode::bad_input, "state-2", [&] { StateFileReader state(folder_ / "state-2"); });
}

TEST_F(StateFile, WithoutItsEndItIsNone) {
  {
    StateFileWriter state(path_);
    state.put(std::int8_t{3});
  }
  expect_error(ExitCode::bad_input, "ends too early", [&] { read(0); });
}

TEST_F(StateFile, AFolderThatIsGone) {
  expect_error(ExitCode::io, "nowhere", [&] { StateFileWriter state(folder_ / "nowhere/state-1"); });
}

}  // namespace
}  // namespace orrery::archive
