#include "orrery/core/read_file.hpp"

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>

namespace orrery::core {
namespace {

class ReadFileTest : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(path_) << "0123456789"; }
  void TearDown() override { std::filesystem::remove(path_); }
  const std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) / "orrery_read_file_test";
};

ExitCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return ExitCode::done;
}

TEST_F(ReadFileTest, ReadsAtAnyPlace) {
  const ReadFile file(path_);
  EXPECT_EQ(file.size(), 10);
  std::array<std::byte, 3> three{};
  file.read(4, three);
  EXPECT_EQ(static_cast<char>(three[0]), '4');
  EXPECT_EQ(static_cast<char>(three[2]), '6');
}

TEST_F(ReadFileTest, AFileThatEndsTooEarlyIsBadInput) {
  const ReadFile file(path_);
  std::array<std::byte, 3> three{};
  EXPECT_EQ(code_of([&] { file.read(8, three); }), ExitCode::bad_input);
}

TEST_F(ReadFileTest, AFolderOrAMissingFileIsBadInput) {
  EXPECT_EQ(code_of([&] { ReadFile(path_.parent_path()); }), ExitCode::bad_input);
  EXPECT_EQ(code_of([&] { ReadFile("/no/such/file"); }), ExitCode::bad_input);
}

}  // namespace
}  // namespace orrery::core
