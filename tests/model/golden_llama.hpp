#pragma once

#include "orrery/model/capture.hpp"
#include "orrery/model/llama.hpp"
#include "orrery/model/weight_check.hpp"
#include "orrery/parallel/communicator.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/support/tensor_file.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::model {

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
        checkpoint_(folder_),
        description_(settled(folder_, checkpoint_)),
        config(description_.config()),
        ranks_(parallel::Communicator::world()),
        node_(ranks_.split_by_node()),
        last_(loaded(residency, Measured::last_token)),
        all_(loaded(residency, Measured::all_tokens)) {}
  ~Golden() {
    last_.free();
    all_.free();
  }

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
    Llama& llama = model_of(measured);
    Recorder recorder(std::move(replacement));
    BatchState state = llama.embed(std::move(batch));
    for (core::Layer l; l.value() < config.layers; ++l) {
      llama.hold(l);
      llama.run_layer(l, state, recorder);
    }
    llama.finish(state, recorder);
    return {recorder.residual(), llama.logits(state).to(at::kDouble)};
  }

  /// Rows that continue in place of sample `sample`'s last token of a batch, from the layer `start` on.
  struct Group {
    std::int64_t sample;
    std::int64_t start;
    at::Tensor streams;  // (n, D)
  };
  /// Of each row of each group its residual (P − 2 start, D) and logits: all groups run together.
  std::vector<std::pair<at::Tensor, at::Tensor>> continue_groups(Batch batch,
                                                                 const std::vector<Group>& groups) {
    const c10::InferenceMode inference;
    Llama& llama = model_of(Measured::last_token);
    Recorder unperturbed;
    RowRecorder recorder;
    BatchState state = llama.embed(std::move(batch));
    state.keeps_kv_cache = true;
    Continuation continuation;
    std::vector<std::size_t> joined;  // the result of each of the continuation's rows
    for (core::Layer l; l.value() < config.layers; ++l) {
      std::vector<Replacements> joining;
      std::size_t result = 0;
      for (const Group& group : groups) {
        const auto rows = static_cast<std::size_t>(group.streams.size(0));
        if (group.start == l.value()) {
          joining.push_back({group.sample, group.streams});
          for (std::size_t r = 0; r < rows; ++r) joined.push_back(result + r);
        }
        result += rows;
      }
      if (!joining.empty()) llama.join(state, joining, continuation);
      llama.hold(l);
      llama.run_layer(l, state, unperturbed);
      if (!joined.empty()) llama.continue_layer(l, state, continuation, recorder);
    }
    llama.finish(state, continuation, recorder);
    const at::Tensor logits =
        llama.logits(continuation.stream.narrow(0, 0, continuation.rows())).to(at::kDouble);
    std::vector<std::pair<at::Tensor, at::Tensor>> results(joined.size());
    for (std::size_t place = 0; place < joined.size(); ++place) {
      const auto row = static_cast<std::int64_t>(place);
      results[joined[place]] = {at::stack(recorder.rows[place]), logits[row]};
    }
    return results;
  }

  /// (rows, P, D) as Capture takes them.
  at::Tensor capture(Batch batch, Measured measured, std::int64_t rows) {
    const c10::InferenceMode inference;
    Llama& llama = model_of(measured);
    const at::Tensor captured = at::empty({rows, config.points(), config.width}, at::kDouble);
    Capture visitor(captured);
    BatchState state = llama.embed(std::move(batch));
    for (core::Layer l; l.value() < config.layers; ++l) {
      llama.hold(l);
      llama.run_layer(l, state, visitor);
    }
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
  static LlamaDescription settled(const std::filesystem::path& folder, const Checkpoint& checkpoint) {
    LlamaDescription description(read_llama_config(folder));
    description.settle(checkpoint);
    return description;
  }
  Llama loaded(Residency residency, Measured measured) const {
    return {description_,
            checkpoint_,
            {{formats_.dtype, formats_.residual}, measured, at::kCPU, residency, Head::logits},
            ranks_,
            node_};
  }
  Llama& model_of(Measured measured) { return measured == Measured::last_token ? last_ : all_; }

  Formats formats_;
  Checkpoint checkpoint_;
  LlamaDescription description_;

 public:
  LlamaConfig config;

 private:
  parallel::Communicator ranks_;
  parallel::Communicator node_;
  Llama last_;
  Llama all_;
};

/// Largest ‖a − b‖ / ‖b‖ over the leading dimensions; zero vectors of b must be met exactly.
inline double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor distance = a.sub(b).norm(2, -1);
  const at::Tensor size = b.norm(2, -1);
  return distance.div(size.clamp_min(1e-300)).max().item<double>();
}

/// A folder's name as part of a test's.
inline std::string test_id(std::string folder) {
  std::erase(folder, '-');
  return folder;
}

inline const auto every_llama =
    testing::Values("llama-mha", "llama-gqa", "llama31", "llama-bf16", "llama-sharded", "llama-bias");

}  // namespace orrery::model
