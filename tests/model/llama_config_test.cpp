#include "orrery/model/llama_config.hpp"

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>

namespace orrery::model {
namespace {

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  LlamaConfig read(const std::string& extra, const std::string& hidden_size = "64") const {
    std::ofstream(folder_ / "config.json")
        << R"({"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 3, "hidden_size": )" << hidden_size
        << R"(, "num_attention_heads": 4, "intermediate_size": 104, "vocab_size": 300)" << extra << "}";
    return read_llama_config(folder_);
  }
  /// What reading says.
  std::string error(const std::string& extra, const std::string& hidden_size = "64") const {
    try {
      read(extra, hidden_size);
    } catch (const core::Error& error) {
      EXPECT_EQ(error.code(), core::ExitCode::bad_input);
      return error.what();
    }
    return "nothing was thrown";
  }
  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / "orrery_llama_config_test";
};

TEST_F(ConfigTest, FillsInWhatOldFilesLeaveOut) {
  const LlamaConfig config = read("");
  EXPECT_EQ(config.kv_heads, 4);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_EQ(config.points(), 7);
  EXPECT_FALSE(config.tied_embedding);
  EXPECT_EQ(config.initializer_range, 0.02);
  EXPECT_EQ(read(R"(, "initializer_range": 0.04)").initializer_range, 0.04);
}

TEST_F(ConfigTest, ReadsBothGenerationsOfRope) {
  const LlamaConfig old = read(R"(, "rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0})");
  EXPECT_EQ(old.rope.theta, 5e5);
  EXPECT_EQ(old.rope.scaling, RopeScaling::linear);
  const LlamaConfig newer =
      read(R"(, "rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0})");
  EXPECT_EQ(newer.rope.theta, old.rope.theta);
  EXPECT_EQ(newer.rope.frequency(3, 16), old.rope.frequency(3, 16));
}

TEST_F(ConfigTest, NamesTheFieldAndWhatWasSeen) {
  EXPECT_NE(error("", "0").find("hidden_size"), std::string::npos);
  EXPECT_NE(error("", "\"64\"").find("hidden_size"), std::string::npos);
  EXPECT_NE(error(R"(, "num_key_value_heads": 3)").find("4 and 3"), std::string::npos);
  EXPECT_NE(error(R"(, "head_dim": 7)").find("(7)"), std::string::npos);
  EXPECT_NE(error(R"(, "initializer_range": "wide")").find("initializer_range"), std::string::npos);
  EXPECT_NE(error(R"(, "rope_scaling": {"rope_type": "yarn"})").find("yarn"), std::string::npos);
  EXPECT_NE(error(R"(, "hidden_act": "swoosh")").find("swoosh"), std::string::npos);
  EXPECT_NE(error(R"(, "partial_rotary_factor": 0.5)").find("partial_rotary_factor"), std::string::npos);
}

// What each key of transformers does is compared with it in tests/field/config_test.py.
TEST_F(ConfigTest, ListsWhatNobodyReads) {
  EXPECT_TRUE(
      read(R"(, "use_cache": true, "torch_dtype": "float16", "sliding_window": null)").unread.empty());
  EXPECT_EQ(
      read(R"(, "z_of_a_trainer": {"a": 1}, "rope_scaling": {"type": "linear", "factor": 2, "x": 1})").unread,
      (std::vector<std::string>{"z_of_a_trainer", "rope_scaling.x"}));
  EXPECT_NE(
      error(R"(, "sliding_window": 8)").find("sliding_window asks for what orrery does not compute (8)"),
      std::string::npos);
}

TEST_F(ConfigTest, TwoPlacesForOneThingAgree) {
  EXPECT_EQ(read(R"(, "rope_theta": 7, "rope_parameters": {"rope_theta": 7.0})").rope.theta, 7.0);
  EXPECT_NE(error(R"(, "rope_theta": 7, "rope_parameters": {"rope_theta": 8})").find("disagree (8 and 7)"),
            std::string::npos);
  EXPECT_NE(error(R"(, "model_type": "mistral")").find("LlamaForCausalLM and mistral"), std::string::npos);
}

TEST_F(ConfigTest, RefusesMoreWeightsThanCanBeCounted) {
  EXPECT_NE(error(R"(, "head_dim": 1048576, "num_key_value_heads": 4)", "1048576").find("weights"),
            std::string::npos);
  // Llama 3.1 405B has room to spare.
  EXPECT_GT(read(R"(, "intermediate_size": 53248, "vocab_size": 128256)", "16384").parameters(), 0);
}

TEST(Rope, TurnsAsWithoutScaling) {
  const Rope rope;
  EXPECT_EQ(rope.frequency(0, 16), 1.0);
  EXPECT_DOUBLE_EQ(rope.frequency(4, 16), 0.01);  // 10000^(−8/16)
}

// Llama 3.1's rule at its three kinds of wavelength.
TEST(Rope, Llama3KeepsShortWavesAndStretchesLongOnes) {
  Rope rope;
  rope.theta = 500000.0;
  rope.scaling = RopeScaling::llama3;
  rope.factor = 8.0;
  rope.low_frequency_factor = 1.0;
  rope.high_frequency_factor = 4.0;
  rope.original_positions = 8192.0;
  Rope plain;
  plain.theta = rope.theta;
  EXPECT_EQ(rope.frequency(0, 128), plain.frequency(0, 128));          // wavelength 6
  EXPECT_EQ(rope.frequency(63, 128), plain.frequency(63, 128) / 8.0);  // wavelength 2.5 million
  const double between = plain.frequency(32, 128);  // wavelength 4443, between 2048 and 8192
  const double kept = (8192.0 * between / (2 * std::numbers::pi) - 1.0) / 3.0;
  EXPECT_GT(kept, 0.0);
  EXPECT_LT(kept, 1.0);
  EXPECT_DOUBLE_EQ(rope.frequency(32, 128), (1 - kept) * between / 8.0 + kept * between);
}

TEST(LlamaConfig, CountsItsWeights) {
  LlamaConfig config;  // Llama 3.1 8B
  config.layers = 32;
  config.width = 4096;
  config.heads = 32;
  config.kv_heads = 8;
  config.head_dim = 128;
  config.mlp_width = 14336;
  config.vocabulary = 128256;
  EXPECT_EQ(config.layer_parameters(), 218112000);
  EXPECT_EQ(config.parameters(), 8030261248);  // as its model card has it
}

}  // namespace
}  // namespace orrery::model
