// The forward pass against the float64 reference of every Llama among the shared models.
#include "orrery/model/llama.hpp"

#include "orrery/model/capture.hpp"
#include "orrery/parallel/communicator.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/support/tensor_file.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace orrery::model {
namespace {

constexpr std::int64_t prompts = 5;

/// Copies the measured rows of each point: (m, P, D). Where told to, it replaces a stream first.
class Recorder : public StreamVisitor {
 public:
  struct Replacement {
    core::Point point;
    at::Tensor state;  // (D) for the one measured token
  };
  explicit Recorder(std::optional<Replacement> replacement = {}) : replacement_(std::move(replacement)) {}

  void at_point(core::Point point, const StreamView& view) override {
    EXPECT_EQ(point.value(), std::ssize(points_));
    if (replacement_ && point == replacement_->point) {
      view.stream.index_put_({view.measured.narrow(0, view.measured.size(0) - 1, 1)},
                             replacement_->state.to(view.stream.scalar_type()).unsqueeze(0));
    }
    points_.push_back(view.stream.index_select(0, view.measured).to(at::kDouble));
  }
  at::Tensor residual() const { return at::stack(points_, 1); }

 private:
  std::optional<Replacement> replacement_;
  std::vector<at::Tensor> points_;
};

/// Copies the rows of a continuation at each point: [row][point] (D).
class RowRecorder : public StreamVisitor {
 public:
  void at_point(core::Point, const StreamView& view) override {
    rows.resize(static_cast<std::size_t>(view.measured.size(0)));
    for (std::int64_t r = 0; r < view.measured.size(0); ++r) {
      rows[static_cast<std::size_t>(r)].push_back(view.stream[r].to(at::kDouble, false, /*copy=*/true));
    }
  }
  std::vector<std::vector<at::Tensor>> rows;
};

struct Formats {
  DType dtype = DType::float64;
  DType residual = DType::float64;
};

/// A shared model with its reference, loaded in the given formats.
class Golden {
 public:
  Golden(const std::string& name, Formats formats, Residency residency = Residency::all_layers)
      : folder_(test::shared_data("models/" + name)),
        expected(folder_ / "expected.safetensors"),
        formats_(formats),
        config(read_llama_config(folder_)),
        checkpoint_(folder_),
        ranks_(parallel::Communicator::world()),
        node_(ranks_.split_by_node()),
        weights_(config, checkpoint_,
                 {formats.dtype, norm_dtype_of(formats.dtype, formats.residual), at::kCPU, residency,
                  Head::logits},
                 ranks_, node_) {
    check_weights(config, checkpoint_);
  }
  ~Golden() { weights_.free(); }

  Batch batch_of(const std::vector<std::int64_t>& which) const {
    Batch batch;
    std::int64_t longest = 0;
    for (const std::int64_t i : which) longest = std::max(longest, ids(i).size(0));
    batch.tokens = at::zeros({std::ssize(which), longest}, at::kLong);
    for (std::size_t b = 0; b < which.size(); ++b) {
      const at::Tensor tokens = ids(which[b]);
      batch.tokens[static_cast<std::int64_t>(b)].narrow(0, 0, tokens.size(0)).copy_(tokens);
      batch.lengths.push_back(tokens.size(0));
    }
    return batch;
  }

  /// (m, P, D) of the batch, and the logits of its measured tokens.
  std::pair<at::Tensor, at::Tensor> run(Batch batch, Measured measured,
                                        std::optional<Recorder::Replacement> replacement = {}) {
    const c10::InferenceMode inference;
    const Llama llama(config, formats_.dtype, formats_.residual, measured, at::kCPU);
    Recorder recorder(std::move(replacement));
    BatchState state = llama.embed(std::move(batch), weights_.outer());
    for (core::Layer l; l.value() < config.layers; ++l)
      llama.run_layer(l, weights_.layer(l), state, recorder);
    llama.finish(state, recorder);
    return {recorder.residual(), llama.logits(state, weights_.outer()).to(at::kDouble)};
  }

  /// A row that continues in place of sample `sample`'s last token of a batch, from the layer `start` on.
  struct Row {
    std::int64_t sample;
    std::int64_t start;
    at::Tensor stream;  // (D)
  };
  /// Of each row its residual (P − 2 start, D) and logits: all of them run together, the ones of one layer in
  /// groups of one.
  std::vector<std::pair<at::Tensor, at::Tensor>> continue_rows(Batch batch, const std::vector<Row>& rows) {
    const c10::InferenceMode inference;
    const Llama llama(config, formats_.dtype, formats_.residual, Measured::last_token, at::kCPU);
    Recorder unperturbed;
    RowRecorder recorder;
    BatchState state = llama.embed(std::move(batch), weights_.outer());
    state.keeps_answers = true;
    Continuation continuation;
    std::vector<std::size_t> joined;  // in order of the continuation's rows
    for (core::Layer l; l.value() < config.layers; ++l) {
      std::vector<Replacements> groups;
      for (std::size_t r = 0; r < rows.size(); ++r) {
        if (rows[r].start != l.value()) continue;
        groups.push_back({rows[r].sample, rows[r].stream.unsqueeze(0)});
        joined.push_back(r);
      }
      if (!groups.empty()) llama.join(state, groups, continuation);
      llama.run_layer(l, weights_.layer(l), state, unperturbed);
      if (!joined.empty()) llama.continue_layer(l, weights_.layer(l), state, continuation, recorder);
    }
    llama.finish(state, continuation, recorder);
    const at::Tensor logits = llama.logits(continuation, weights_.outer()).to(at::kDouble);
    std::vector<std::pair<at::Tensor, at::Tensor>> results(rows.size());
    for (std::size_t place = 0; place < joined.size(); ++place) {
      const auto row = static_cast<std::int64_t>(place);
      results[joined[place]] = {at::stack(recorder.rows[place]), logits[row]};
    }
    return results;
  }

  /// (n, P·D + V) residuals and logits of a group of rows (n, D) that begins at layer 0.
  at::Tensor continue_group(Batch batch, std::int64_t sample, const at::Tensor& streams) {
    const c10::InferenceMode inference;
    const Llama llama(config, formats_.dtype, formats_.residual, Measured::last_token, at::kCPU);
    Recorder unperturbed;
    Recorder recorder;
    BatchState state = llama.embed(std::move(batch), weights_.outer());
    state.keeps_answers = true;
    Continuation continuation;
    llama.join(state, std::vector<Replacements>{{sample, streams}}, continuation);
    for (core::Layer l; l.value() < config.layers; ++l) {
      llama.run_layer(l, weights_.layer(l), state, unperturbed);
      llama.continue_layer(l, weights_.layer(l), state, continuation, recorder);
    }
    llama.finish(state, continuation, recorder);
    const at::Tensor logits = llama.logits(continuation, weights_.outer()).to(at::kDouble);
    return at::cat({recorder.residual().flatten(1), logits}, 1);
  }

  /// (rows, P, D) as Capture takes them.
  at::Tensor capture(Batch batch, Measured measured, std::int64_t rows) {
    const c10::InferenceMode inference;
    const Llama llama(config, formats_.dtype, formats_.residual, measured, at::kCPU);
    const at::Tensor captured = at::empty({rows, config.points(), config.width}, at::kDouble);
    Capture visitor(captured);
    BatchState state = llama.embed(std::move(batch), weights_.outer());
    for (core::Layer l; l.value() < config.layers; ++l) llama.run_layer(l, weights_.layer(l), state, visitor);
    llama.finish(state, visitor);
    return captured;
  }

  at::Tensor ids(std::int64_t prompt) const { return expected["ids." + std::to_string(prompt)]; }
  at::Tensor residual(std::int64_t prompt) const { return expected["residual." + std::to_string(prompt)]; }

 private:
  std::filesystem::path folder_;

 public:
  test::TensorFile expected;

 private:
  Formats formats_;

 public:
  LlamaConfig config;

 private:
  Checkpoint checkpoint_;
  parallel::Communicator ranks_;
  parallel::Communicator node_;
  LlamaWeights weights_;
};

/// Largest ‖a − b‖ / ‖b‖ over the leading dimensions; zero vectors of b must be met exactly.
double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor distance = a.sub(b).norm(2, -1);
  const at::Tensor size = b.norm(2, -1);
  return distance.div(size.clamp_min(1e-300)).max().item<double>();
}

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
    const auto point = core::pre_attention(core::Layer(golden.expected[name + "layer"].item<std::int64_t>()));
    const auto [residual, logits] =
        golden.run(golden.batch_of({prompt}), Measured::last_token,
                   Recorder::Replacement{point, golden.expected[name + "replacement"]});
    const at::Tensor from = residual[0].narrow(0, point.value(), golden.config.points() - point.value());
    EXPECT_LT(relative_error(from, golden.expected[name + "residual"]), 1e-11) << name;
    EXPECT_LT(relative_error(logits[0], golden.expected[name + "logits"]), 1e-11) << name;
  }
}

/// The known perturbations of a model, as rows of the batch of all its prompts.
std::vector<Golden::Row> known_rows(const Golden& golden) {
  std::vector<Golden::Row> rows;
  for (int k = 0; golden.expected.has("perturbed." + std::to_string(k) + ".prompt"); ++k) {
    const std::string name = "perturbed." + std::to_string(k) + ".";
    rows.push_back({golden.expected[name + "prompt"].item<std::int64_t>(),
                    golden.expected[name + "layer"].item<std::int64_t>(),
                    golden.expected[name + "replacement"]});
  }
  return rows;
}

void expect_known_continuations(const char* name, Formats formats, double tolerance) {
  Golden golden(name, formats);
  const std::vector<Golden::Row> rows = known_rows(golden);
  ASSERT_EQ(rows.size(), 4);
  const auto results = golden.continue_rows(golden.batch_of({0, 1, 2, 3, 4}), rows);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::string from = "perturbed." + std::to_string(k) + ".";
    EXPECT_LT(relative_error(results[k].first, golden.expected[from + "residual"]), tolerance) << from;
    EXPECT_LT(relative_error(results[k].second, golden.expected[from + "logits"]), tolerance) << from;
  }
}

TEST_P(EveryLlama, ContinuationsEqualTheReferenceInFloat64) {
  expect_known_continuations(GetParam(), {DType::float64, DType::float64}, 1e-11);
}

TEST_P(EveryLlama, ContinuationsEqualTheReferenceInFloat32) {
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
TEST_P(EveryLlama, ContinuationsAreFullRunsAgain) {
  Golden golden(GetParam(), {});
  std::mt19937_64 generator(1);
  const std::vector<std::int64_t> order = {4, 0, 2, 1, 3};
  std::vector<Golden::Row> rows;
  for (std::int64_t start = 0; start < golden.config.layers; ++start) {
    for (std::int64_t sample = 0; sample < std::ssize(order); ++sample) {
      rows.push_back({sample, start, random_stream(golden.config.width, generator)});
    }
  }
  const auto results = golden.continue_rows(golden.batch_of(order), rows);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::int64_t prompt = order[static_cast<std::size_t>(rows[r].sample)];
    const core::Point point = core::pre_attention(core::Layer(rows[r].start));
    const auto [residual, logits] = golden.run(golden.batch_of({prompt}), Measured::last_token,
                                               Recorder::Replacement{point, rows[r].stream});
    const at::Tensor from = residual[0].narrow(0, point.value(), golden.config.points() - point.value());
    EXPECT_LT(relative_error(results[r].first, from), 1e-11) << "prompt " << prompt << ", " << rows[r].start;
    EXPECT_LT(relative_error(results[r].second, logits[0]), 1e-11) << prompt << ", " << rows[r].start;
  }
}

// So that a row that was not perturbed is at distance 0 from the unperturbed one beside it.
TEST_P(EveryLlama, EqualRowsContinueWithEqualBits) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    Golden golden(GetParam(), {dtype, DType::float32});
    std::mt19937_64 generator(2);
    const at::Tensor stream = random_stream(golden.config.width, generator);
    for (const std::int64_t count : {2, 3, 7, 16, 33, 101}) {
      const auto results = golden.continue_group(golden.batch_of({4, 2}), 0, stream.repeat({count, 1}));
      ASSERT_EQ(results.size(0), count);
      for (std::int64_t r = 1; r < count; ++r) {
        EXPECT_TRUE(results[r].equal(results[0])) << "row " << r << " of " << count << ", " << name_of(dtype);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, EveryLlama,
                         testing::Values("llama-mha", "llama-gqa", "llama31", "llama-bf16", "llama-sharded",
                                         "llama-bias"),
                         [](const auto& name) {
                           std::string id = name.param;
                           std::erase(id, '-');
                           return id;
                         });

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
                         [](const auto& model) {
                           std::string id = model.param.name;
                           std::erase(id, '-');
                           return id;
                         });

}  // namespace
}  // namespace orrery::model
