// One-token continuations against the float64 reference of every Llama among the shared models, and against
// full runs.
#include "orrery/core/concat.hpp"
#include "tests/model/golden_llama.hpp"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

class Continuations : public testing::TestWithParam<const char*> {};

/// The known perturbations of a model, as rows of the batch of all its prompts.
std::vector<Golden::Group> known_rows(const Golden& golden) {
  std::vector<Golden::Group> rows;
  for (int k = 0; golden.expected.has("perturbed." + std::to_string(k) + ".prompt"); ++k) {
    const std::string name = "perturbed." + std::to_string(k) + ".";
    rows.push_back({golden.expected[name + "prompt"].item<std::int64_t>(),
                    golden.expected[name + "layer"].item<std::int64_t>(),
                    golden.expected[name + "replacement"].unsqueeze(0)});
  }
  return rows;
}

void expect_known_continuations(const char* name, Formats formats, double tolerance) {
  Golden golden(name, formats);
  const std::vector<Golden::Group> rows = known_rows(golden);
  ASSERT_EQ(rows.size(), 4);
  const auto results = golden.continue_groups(golden.batch_of({0, 1, 2, 3, 4}), rows);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::string from = "perturbed." + std::to_string(k) + ".";
    EXPECT_LT(relative_error(results[k].first, golden.expected[from + "residual"]), tolerance) << from;
    EXPECT_LT(relative_error(results[k].second, golden.expected[from + "logits"]), tolerance) << from;
  }
}

TEST_P(Continuations, EqualTheReferenceInFloat64) {
  expect_known_continuations(GetParam(), {DType::float64, DType::float64}, 1e-11);
}

TEST_P(Continuations, EqualTheReferenceInFloat32) {
  expect_known_continuations(GetParam(), {DType::float32, DType::float32}, 1e-5);
}

/// (D) numbers about as large as a stream's.
at::Tensor random_stream(std::int64_t width, std::mt19937_64& generator) {
  std::normal_distribution<double> normal(0, 3);
  const at::Tensor stream = at::empty({width}, at::kDouble);
  std::generate_n(stream.mutable_data_ptr<double>(), width, [&] { return normal(generator); });
  return stream;
}

// Every layer and prompt, each row against the prompt run again with its last stream replaced.
TEST_P(Continuations, AreFullRunsAgain) {
  Golden golden(GetParam(), {});
  std::mt19937_64 generator(1);
  const std::vector<std::int64_t> order = {4, 0, 2, 1, 3};
  std::vector<Golden::Group> rows;
  for (std::int64_t start = 0; start < golden.config.layers; ++start) {
    for (std::int64_t sample = 0; sample < std::ssize(order); ++sample) {
      rows.push_back({sample, start, random_stream(golden.config.width, generator).unsqueeze(0)});
    }
  }
  const auto results = golden.continue_groups(golden.batch_of(order), rows);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::int64_t prompt = order[static_cast<std::size_t>(rows[r].sample)];
    const core::Point point = golden.config.point_map().first_of(core::Layer(rows[r].start));
    const auto [residual, logits] = golden.run(golden.batch_of({prompt}), Measured::last_token,
                                               Recorder::Replacement{point, rows[r].streams[0]});
    const at::Tensor from = residual[0].narrow(0, point.value(), golden.config.points() - point.value());
    EXPECT_LT(relative_error(results[r].first, from), 1e-11) << "prompt " << prompt << ", " << rows[r].start;
    EXPECT_LT(relative_error(results[r].second, logits[0]), 1e-11) << prompt << ", " << rows[r].start;
  }
}

// Its own stream gives a prompt's own run; another prompt's gives what that state becomes under the first
// one's keys and values.
TEST_P(Continuations, OfPromptsStates) {
  Golden golden(GetParam(), {});
  const at::Tensor own = golden.run(golden.batch_of({2}), Measured::last_token).first[0];     // (P, D)
  const at::Tensor others = golden.run(golden.batch_of({4}), Measured::last_token).first[0];  // (P, D)
  for (std::int64_t start = 0; start < golden.config.layers; ++start) {
    const core::Point point = golden.config.point_map().first_of(core::Layer(start));
    const at::Tensor state = others[point.value()];
    const auto results =
        golden.continue_groups(golden.batch_of({2, 4}), {{0, start, own[point.value()].unsqueeze(0)},
                                                         {0, start, state.unsqueeze(0)},
                                                         {1, start, state.unsqueeze(0)}});
    const auto [replaced, logits] =
        golden.run(golden.batch_of({2}), Measured::last_token, Recorder::Replacement{point, state});
    const auto later = [&](const at::Tensor& run) {
      return run.narrow(0, point.value(), golden.config.points() - point.value());
    };
    EXPECT_LT(relative_error(results[0].first, later(own)), 1e-11) << start;
    EXPECT_LT(relative_error(results[1].first, later(replaced[0])), 1e-11) << start;
    EXPECT_LT(relative_error(results[1].second, logits[0]), 1e-11) << start;
    EXPECT_LT(relative_error(results[2].first, later(others)), 1e-11) << start;
    // In the last layer too: attention mixes the replaced token with others.
    EXPECT_GT(relative_error(results[1].first, later(others)), 1e-3)
        << start << ": under other keys and values";
  }
}

// So that a row that was not perturbed is at distance 0 from the unperturbed one beside it.
TEST_P(Continuations, EqualRowsContinueWithEqualBits) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    Golden golden(GetParam(), {dtype, DType::float32});
    std::mt19937_64 generator(2);
    const at::Tensor stream = random_stream(golden.config.width, generator);
    for (const std::int64_t count : {2, 3, 7, 16, 33, 101}) {
      const auto results =
          golden.continue_groups(golden.batch_of({4, 2}), {{0, 0, stream.repeat({count, 1})}});
      ASSERT_EQ(std::ssize(results), count);
      for (std::size_t r = 1; r < results.size(); ++r) {
        const std::string row = core::concat("row ", r, " of ", count, ", ", name_of(dtype));
        EXPECT_TRUE(results[r].first.equal(results[0].first)) << row;
        EXPECT_TRUE(results[r].second.equal(results[0].second)) << row;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, Continuations, every_llama,
                         [](const auto& name) { return test_id(name.param); });

}  // namespace
}  // namespace orrery::model
