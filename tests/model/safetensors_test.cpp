#include "orrery/model/safetensors.hpp"

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

class SafetensorsTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& header, std::int64_t data_bytes) const {
    std::ofstream out(folder_ / name, std::ios::binary);
    const std::uint64_t length = header.size();
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << header;
    for (std::int64_t i = 0; i < data_bytes; ++i) out.put(static_cast<char>(i));
  }
  std::string error(const std::string& header, std::int64_t data_bytes = 16) const {
    write("model.safetensors", header, data_bytes);
    try {
      Checkpoint checkpoint(folder_);
    } catch (const core::Error& error) {
      EXPECT_EQ(error.code(), core::ExitCode::bad_input);
      return error.what();
    }
    return "nothing was thrown";
  }
  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "orrery_safetensors_test";
};

TEST_F(SafetensorsTest, ReadsRowsInOrderFromAnOddAddress) {
  // 4 rows of 2 bytes behind one byte of another tensor: an odd address in the file.
  write(
      "model.safetensors",
      R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, "b": {"dtype": "F16", "shape": [4, 1], "data_offsets": [1, 9]}})",
      9);
  const Checkpoint checkpoint(folder_);
  std::vector<std::int64_t> first_rows;
  std::vector<int> bytes;
  std::vector<std::byte> room;
  checkpoint.read("b", std::vector<std::int64_t>{4, 1}, 2, room,
                  [&](std::int64_t first, std::int64_t rows, std::span<const std::byte> block) {
                    first_rows.push_back(first);
                    EXPECT_EQ(std::ssize(block), rows * 2);
                    for (const std::byte byte : block) bytes.push_back(static_cast<int>(byte));
                  });
  EXPECT_EQ(first_rows, (std::vector<std::int64_t>{0}));
  EXPECT_EQ(bytes, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(SafetensorsTest, RefusesWhatAHeaderCannotMean) {
  const auto tensor = [](const std::string& shape, const std::string& offsets) {
    return R"({"w": {"dtype": "F32", "shape": )" + shape + R"(, "data_offsets": )" + offsets + "}}";
  };
  EXPECT_NE(error(tensor("[4]", "[0, 12]")).find("12 bytes given, 16 needed"), std::string::npos);
  EXPECT_NE(error(tensor("[4]", "[16, 0]")).find("16 to 0"), std::string::npos);
  EXPECT_NE(error(tensor("[4]", "[8, 24]")).find("beyond the end"), std::string::npos);
  // Sizes whose product, or whose end, would wrap around.
  EXPECT_NE(error(tensor("[4294967296, 4294967296]", "[0, 0]")).find("2^63"), std::string::npos);
  EXPECT_NE(error(tensor("[-4]", "[0, 16]")).find("no count"), std::string::npos);
  EXPECT_NE(error(tensor("[4]", "[18446744073709551612, 18446744073709551615]")).find("no counts"),
            std::string::npos);
  EXPECT_NE(error("[]").find("not a JSON object"), std::string::npos);
}

// More of the format is compared with its reference library in tests/field/checkpoint_test.py.
TEST_F(SafetensorsTest, EveryByteBelongsToOneTensorAndEveryNameStandsOnce) {
  const auto two = [](const std::string& second, int begin, int end) {
    return R"({"v": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, ")" + second +
           R"(": {"dtype": "U8", "shape": [4], "data_offsets": [)" + std::to_string(begin) + ", " +
           std::to_string(end) + "]}}";
  };
  EXPECT_EQ(error(two("w", 4, 8), 8), "nothing was thrown");
  EXPECT_NE(error(two("w", 5, 9), 9).find("in front of tensor w belong to no tensor (offsets 4 to 5)"),
            std::string::npos);
  EXPECT_NE(error(two("w", 4, 8), 9).find("at the end belong to no tensor"), std::string::npos);
  EXPECT_NE(error(two("w", 3, 7), 7).find("v and w overlap"), std::string::npos);
  EXPECT_NE(error(two("v", 0, 4), 4).find("twice (v)"), std::string::npos);
}

TEST_F(SafetensorsTest, AnIndexNamesBareFilesOnly) {
  std::ofstream(folder_ / "model.safetensors.index.json")
      << R"({"weight_map": {"w": "../secret.safetensors"}})";
  try {
    Checkpoint checkpoint(folder_);
    FAIL() << "a path out of the folder was accepted";
  } catch (const core::Error& error) {
    EXPECT_NE(std::string(error.what()).find("../secret.safetensors"), std::string::npos);
  }
}

TEST_F(SafetensorsTest, ASparseFileTakesNoMemory) {
  const std::uint64_t length = std::uint64_t{1} << 40;
  std::ofstream(folder_ / "model.safetensors", std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length);
  std::filesystem::resize_file(folder_ / "model.safetensors", length + 100);
  EXPECT_THROW(
      {
        try {
          Checkpoint checkpoint(folder_);
        } catch (const core::Error& error) {
          EXPECT_NE(std::string(error.what()).find("too long a header"), std::string::npos) << error.what();
          throw;
        }
      },
      core::Error);
}

TEST_F(SafetensorsTest, NamesOfShardsMayBeAnything) {
  for (const std::string& name : {std::string(5000, 'a'), std::string("a\\u0000b"), std::string("..")}) {
    std::ofstream(folder_ / "model.safetensors.index.json")
        << R"({"weight_map": {"w": ")" << name << R"("}})";
    EXPECT_THROW(Checkpoint checkpoint(folder_), core::Error) << name;
  }
}

TEST_F(SafetensorsTest, LinksAreFollowedAndShapesRequired) {
  write("blob", R"({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}})", 16);
  std::filesystem::create_symlink("blob", folder_ / "model.safetensors");
  const Checkpoint checkpoint(folder_);
  checkpoint.require("w", std::vector<std::int64_t>{2, 2});
  EXPECT_THROW(checkpoint.require("w", std::vector<std::int64_t>{4}), core::Error);
  EXPECT_THROW(checkpoint.require("v", std::vector<std::int64_t>{4}), core::Error);
  EXPECT_EQ(checkpoint.files(), (std::vector<std::string>{"model.safetensors"}));
}

}  // namespace
}  // namespace orrery::model
