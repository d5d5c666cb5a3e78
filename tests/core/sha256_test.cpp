#include "orrery/core/sha256.hpp"

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace orrery::core {
namespace {

// FIPS 180-4's own examples.
TEST(Sha256, EqualsTheStandardsExamples) {
  Sha256 empty;
  EXPECT_EQ(empty.hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 abc;
  abc.update("a");
  abc.update("bc");
  EXPECT_EQ(abc.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

class Sha256OfFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "abc") << "abc";
    std::ofstream(folder_ / "none");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "orrery_sha256_test";
};

TEST_F(Sha256OfFiles, OneFileIsItsBytes) {
  EXPECT_EQ(sha256_of_file(folder_ / "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THROW(sha256_of_file(folder_ / "missing"), Error);
}

TEST_F(Sha256OfFiles, SeveralAreTheirSha256sumLinesByName) {
  Sha256 lines;
  lines.update("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n");
  lines.update("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  none\n");
  const std::string expected = lines.hex();
  EXPECT_EQ(sha256_of_files(folder_, {"none", "abc"}), expected);
}

}  // namespace
}  // namespace orrery::core
