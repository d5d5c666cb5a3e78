// The forward pass against the float64 reference of every Llama among the shared models.
#include "tests/model/golden_llama.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

constexpr std::int64_t prompts = 5;

double least_cosine(const at::Tensor& a, const at::Tensor& b) {
  return a.mul(b).sum(-1).div(a.norm(2, -1).mul(b.norm(2, -1))).min().item<double>();
}

class EveryLlama : public testing::TestWithParam<const char*> {};

// science.md: a correct program comes within 1e-11 in float64 (asked: 1e-10), within 1e-5 in float32.
void expect_reference(const char* name, Formats formats, double tolerance) {
  Golden golden(name, formats);
  for (std::int64_t prompt = 0; prompt < prompts; ++prompt) {
    const auto [residual, logits] = golden.run(golden.batch_of({prompt}), Measured::all_tokens);
    EXPECT_LT(relative_error(residual, golden.residual(prompt)), tolerance) << name << ", prompt " << prompt;
    const at::Tensor last = logits[logits.size(0) - 1];
    EXPECT_LT(relative_error(last, golden.expected["logits." + std::to_string(prompt)]), tolerance)
        << name << ", logits of prompt " << prompt;
  }
}

TEST_P(EveryLlama, EqualsTheReferenceInFloat64) {
  expect_reference(GetParam(), {DType::float64, DType::float64}, 1e-11);
}

TEST_P(EveryLlama, EqualsTheReferenceInFloat32) {
  expect_reference(GetParam(), {DType::float32, DType::float32}, 1e-5);
}

TEST_P(EveryLlama, ManyAtOnceAreAsOneAlone) {
  Golden golden(GetParam(), {});
  const auto [all, logits] = golden.run(golden.batch_of({4, 0, 2, 1, 3}), Measured::last_token);
  const std::vector<std::int64_t> order = {4, 0, 2, 1, 3};
  for (std::size_t b = 0; b < order.size(); ++b) {
    const at::Tensor reference = golden.residual(order[b]);
    const auto row = static_cast<std::int64_t>(b);
    // Rounding differs with the shape of a product, by a few 1e-16 a layer.
    EXPECT_LT(relative_error(all[row], reference[reference.size(0) - 1]), 1e-11) << "prompt " << order[b];
    EXPECT_LT(relative_error(logits[row], golden.expected["logits." + std::to_string(order[b])]), 1e-11);
  }
}

// Prompt 0 is BOS alone: it has no row. Capture, as a run has it, takes the rows of a batch.
TEST_P(EveryLlama, AllTokensLeaveOutTheLeadingOnes) {
  Golden golden(GetParam(), {});
  for (const std::int64_t leading : {0, 1, 3}) {
    std::vector<at::Tensor> expected;
    Batch batch = golden.batch_of({4, 0, 2, 1, 3});
    batch.leading = leading;
    for (const std::int64_t prompt : {4, 0, 2, 1, 3}) {
      const std::int64_t length = golden.ids(prompt).size(0);
      if (length > leading) expected.push_back(golden.residual(prompt).narrow(0, leading, length - leading));
    }
    const at::Tensor reference = at::cat(expected);
    const auto [rows, logits] = golden.run(batch, Measured::all_tokens);
    ASSERT_EQ(rows.sizes(), reference.sizes());
    EXPECT_LT(relative_error(rows, reference), 1e-11) << leading << " in front";
    EXPECT_EQ(logits.size(0), rows.size(0));
    EXPECT_TRUE(golden.capture(batch, Measured::all_tokens, reference.size(0)).equal(rows));
  }
}

TEST_P(EveryLlama, ABatchMayHaveNothingToMeasure) {
  Golden golden(GetParam(), {});
  Batch batch = golden.batch_of({0, 0});
  batch.leading = 1;
  EXPECT_EQ(golden.capture(batch, Measured::all_tokens, 0).size(0), 0);
}

TEST_P(EveryLlama, PaddingChangesNothing) {
  Golden golden(GetParam(), {});
  Batch padded = golden.batch_of({2});
  Batch longer = padded;
  longer.tokens = at::cat({padded.tokens, at::zeros({1, 23}, at::kLong).fill_(7)}, 1);
  const auto [a, logits_a] = golden.run(padded, Measured::last_token);
  const auto [b, logits_b] = golden.run(longer, Measured::last_token);
  EXPECT_LT(relative_error(b, a), 1e-13);
  EXPECT_LT(relative_error(logits_b, logits_a), 1e-13);
}

TEST_P(EveryLlama, OneLayerAtATimeIsTheSameBits) {
  Golden whole(GetParam(), {DType::float32, DType::float32});
  Golden streamed(GetParam(), {DType::float32, DType::float32}, Residency::one_layer);
  const auto [a, logits_a] = whole.run(whole.batch_of({1, 3}), Measured::last_token);
  const auto [b, logits_b] = streamed.run(streamed.batch_of({1, 3}), Measured::last_token);
  EXPECT_TRUE(a.equal(b));
  EXPECT_TRUE(logits_a.equal(logits_b));
}

// The seam: a visitor that replaces the last token's stream gives the perturbed run.
TEST_P(EveryLlama, AVisitorMayReplaceTheStream) {
  Golden golden(GetParam(), {});
  for (int k = 0; golden.expected.has("perturbed." + std::to_string(k) + ".prompt"); ++k) {
    const std::string name = "perturbed." + std::to_string(k) + ".";
    const auto prompt = golden.expected[name + "prompt"].item<std::int64_t>();
    const auto point =
        golden.config.point_map().first_of(core::Layer(golden.expected[name + "layer"].item<std::int64_t>()));
    const auto [residual, logits] =
        golden.run(golden.batch_of({prompt}), Measured::last_token,
                   Recorder::Replacement{point, golden.expected[name + "replacement"]});
    const at::Tensor from = residual[0].narrow(0, point.value(), golden.config.points() - point.value());
    EXPECT_LT(relative_error(from, golden.expected[name + "residual"]), 1e-11) << name;
    EXPECT_LT(relative_error(logits[0], golden.expected[name + "logits"]), 1e-11) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, EveryLlama, every_llama,
                         [](const auto& name) { return test_id(name.param); });

// The smallest cosine that transformers' all-bfloat16 run reaches, model by model (the shared models'
// README).
struct Bfloat16Case {
  const char* name;
  double cosine;
};
class Bfloat16 : public testing::TestWithParam<Bfloat16Case> {};

TEST_P(Bfloat16, IsNoFartherThanAnotherLibrary) {
  Golden golden(GetParam().name, {DType::bfloat16, DType::float32});
  for (std::int64_t prompt = 0; prompt < prompts; ++prompt) {
    const auto [residual, logits] = golden.run(golden.batch_of({prompt}), Measured::last_token);
    const at::Tensor reference = golden.residual(prompt);
    EXPECT_GE(least_cosine(residual[0], reference[reference.size(0) - 1]), GetParam().cosine)
        << "prompt " << prompt;
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, Bfloat16,
                         testing::Values(Bfloat16Case{"llama-mha", 0.99981},
                                         Bfloat16Case{"llama-gqa", 0.99933}, Bfloat16Case{"llama31", 0.99879},
                                         Bfloat16Case{"llama-bf16", 0.99961},
                                         Bfloat16Case{"llama-sharded", 0.99962},
                                         Bfloat16Case{"llama-bias", 0.99904}),
                         [](const auto& model) { return test_id(model.param.name); });

}  // namespace
}  // namespace orrery::model
