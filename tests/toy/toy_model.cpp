// A family of models that the program has never heard of, linked beside its `main`: no attention, one
// capture point a layer, weights of its own names. Each token goes its own way: x ← x + W_l tanh(x), from
// the embedding of its id and its place.
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/families.hpp"
#include "orrery/model/linear.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/text/json.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <utility>

namespace orrery::model {
namespace {

constexpr std::int64_t most = 1 << 20;

std::string layer_name(core::Layer layer) {
  return core::concat("toy.step.", layer.value());
}

at::ScalarType type_of(const std::string& format) {
  return format == "F32" ? at::kFloat : at::kDouble;  // as the test writes them, or as they are drawn
}

class ToyDescription final : public Description {
 public:
  explicit ToyDescription(const text::JsonValue& config) {
    shape_.architecture = "Toy";
    shape_.points =
        core::PointMap::of_layers(config.at("depth").integer(1, most), {core::PointKind::pre_block});
    shape_.width = config.at("size").integer(1, most);
    shape_.mlp_width = shape_.width;
    shape_.vocabulary = config.at("words").integer(1, most);
    shape_.positions = config.at("places").integer(1, most);
    for (const NeededWeight& weight : needed_weights())
      shape_.parameters += weight.shape[0] * weight.shape[1];
  }

  ForwardFlop forward_flop(Measured, const BatchShape& batch) const override {
    return {.product = 2.0 * static_cast<double>(batch.tokens() * shape_.layers() * square())};
  }
  ForwardFlop continuation_flop(core::Layer start, std::int64_t rows, std::int64_t) const override {
    return {.product = 2.0 * static_cast<double>(rows * ((shape_.layers() - start.value()) * square() +
                                                         shape_.width * shape_.vocabulary))};
  }
  std::int64_t waiting_bytes(const BatchShape& batch, const NumberFormats& formats) const override {
    return continuation_waiting_bytes(padded_rows(batch.tokens()), formats);
  }
  std::int64_t working_bytes(const BatchShape& batch, const NumberFormats& formats) const override {
    return continuation_working_bytes(padded_rows(batch.tokens()), 0, 0, formats);
  }
  std::int64_t kv_cache_bytes(const BatchShape&, const NumberFormats&) const override { return 0; }
  std::int64_t continuation_waiting_bytes(std::int64_t rows, const NumberFormats& formats) const override {
    return rows * shape_.width * bytes_of(formats.residual);
  }
  std::int64_t continuation_working_bytes(std::int64_t rows, std::int64_t, std::int64_t,
                                          const NumberFormats& formats) const override {
    return rows * shape_.width * 3 * bytes_of(formats.dtype);
  }
  std::int64_t logits_bytes(std::int64_t rows, const NumberFormats& formats) const override {
    return rows * shape_.vocabulary * (bytes_of(formats.dtype) + formats.norm_bytes());
  }
  std::int64_t layer_bytes(DType dtype) const override { return square() * bytes_of(dtype); }
  std::int64_t outer_bytes(DType dtype, Head head) const override {
    const std::int64_t tables = shape_.vocabulary * (head == Head::logits ? 2 : 1) + shape_.positions;
    return tables * shape_.width * bytes_of(dtype);
  }
  std::vector<NeededWeight> needed_weights() const override {
    std::vector<NeededWeight> needed = {{"toy.word", {shape_.vocabulary, shape_.width}},
                                        {"toy.place", {shape_.positions, shape_.width}},
                                        {"toy.answer", {shape_.vocabulary, shape_.width}}};
    for (core::Layer l; l.value() < shape_.layers(); ++l)
      needed.push_back({layer_name(l), {shape_.width, shape_.width}});
    return needed;
  }
  double initial_spread() const override { return 0.1; }
  std::unique_ptr<Transformer> load(const TensorSource& source, const LoadOptions& options,
                                    const parallel::Communicator& ranks,
                                    const parallel::Communicator& node) const override;

 private:
  std::int64_t square() const { return shape_.width * shape_.width; }
};

class Toy final : public Transformer {
 public:
  Toy(const ToyDescription& description, const TensorSource& source, const LoadOptions& options,
      const parallel::Communicator& ranks)
      : description_(description), source_(source), options_(options), ranks_(ranks) {
    parallel::agree(ranks_, "reading the weights", [&] {
      for (const NeededWeight& weight : description_.needed_weights()) {
        const bool outer = weight.name == "toy.word" || weight.name == "toy.place" ||
                           (weight.name == "toy.answer" && options_.head == Head::logits);
        const bool layers =
            options_.residency == Residency::all_layers && weight.name.starts_with("toy.step.");
        if (outer || layers) read(weight);
      }
    });
  }

  const Description& description() const override { return description_; }
  at::ScalarType norm_dtype() const override { return options_.formats.norm(); }

  void hold(core::Layer layer) override {
    if (options_.residency == Residency::all_layers) return;
    parallel::agree(ranks_, "reading a layer", [&] {
      std::erase_if(weights_, [](const auto& weight) { return weight.first.starts_with("toy.step."); });
      read({layer_name(layer), {shape().width, shape().width}});
    });
  }
  void free() override { weights_.clear(); }

  BatchState embed(Batch batch) const override {
    const std::int64_t rows = batch.tokens.numel();
    BatchState state;
    state.stream =
        empty_padded(rows, shape().width, at::TensorOptions().dtype(scalar_type(options_.formats.residual)));
    const at::Tensor places = at::arange(batch.tokens.size(1), at::kLong).repeat({batch.tokens.size(0)});
    state.stream.narrow(0, 0, rows)
        .copy_(at::embedding(weights_.at("toy.word"), batch.tokens.view({-1})))
        .add_(at::embedding(weights_.at("toy.place"), places));
    state.measured = at::tensor(measured_rows(batch, options_.measured), at::kLong);
    state.batch = std::move(batch);
    return state;
  }
  void run_layer(core::Layer layer, BatchState& state, StreamVisitor& visitor) const override {
    visitor.at_point(shape().points.first_of(layer), {state.batch, state.stream, state.measured});
    step(layer, state.stream);
  }
  void finish(BatchState& state, StreamVisitor& visitor) const override {
    visitor.at_point(shape().points.final_point(), {state.batch, state.stream, state.measured});
  }
  using Transformer::logits;
  at::Tensor logits(const at::Tensor& streams) const override {
    const at::Tensor padded = empty_padded(streams.size(0), shape().width, streams.options());
    padded.narrow(0, 0, streams.size(0)).copy_(streams);
    return linear(padded.to(scalar_type(options_.formats.dtype)), weights_.at("toy.answer"), {})
        .narrow(0, 0, streams.size(0))
        .to(norm_dtype());
  }

  void join(const BatchState& batch, std::span<const Replacements> groups,
            Continuation& rows) const override {
    std::vector<at::Tensor> streams;
    if (rows.rows() > 0) streams.push_back(rows.stream.narrow(0, 0, rows.rows()));
    for (const Replacements& group : groups) {
      rows.groups.push_back({group.sample, rows.rows(), group.streams.size(0)});
      streams.push_back(group.streams.to(batch.stream.scalar_type()));
    }
    const at::Tensor all = at::cat(streams);
    rows.stream = empty_padded(all.size(0), shape().width, batch.stream.options());
    rows.stream.narrow(0, 0, all.size(0)).copy_(all);
  }
  void continue_layer(core::Layer layer, const BatchState& batch, Continuation& rows,
                      StreamVisitor& visitor) const override {
    const at::Tensor places = all_places(rows, at::kCPU);
    visitor.at_point(shape().points.first_of(layer), {batch.batch, rows.stream, places});
    step(layer, rows.stream);
  }
  void drop_kv_cache(BatchState&) const override {}
  void finish(const BatchState& batch, Continuation& rows, StreamVisitor& visitor) const override {
    const at::Tensor places = all_places(rows, at::kCPU);
    visitor.at_point(shape().points.final_point(), {batch.batch, rows.stream, places});
  }

 private:
  const Shape& shape() const { return description_.shape(); }
  void step(core::Layer layer, const at::Tensor& stream) const {
    const at::Tensor bounded = at::tanh(stream).to(scalar_type(options_.formats.dtype));
    stream.add_(linear(bounded, weights_.at(layer_name(layer)), {}));
  }
  void read(const NeededWeight& weight) {
    at::Tensor whole = at::empty(weight.shape, scalar_type(options_.formats.dtype));
    const at::ScalarType type = type_of(source_.number_format(weight.name));
    source_.read(weight.name, weight.shape, 1, room_,
                 [&](std::int64_t first, std::int64_t rows, std::span<const std::byte> bytes) {
                   whole.narrow(0, first, rows)
                       .copy_(at::from_blob(const_cast<std::byte*>(bytes.data()), {rows, weight.shape[1]},
                                            at::TensorOptions().dtype(type)));
                 });
    weights_[weight.name] = whole;
  }

  const ToyDescription& description_;
  const TensorSource& source_;
  LoadOptions options_;
  const parallel::Communicator& ranks_;
  std::vector<std::byte> room_;
  std::map<std::string, at::Tensor> weights_;
};

std::unique_ptr<Transformer> ToyDescription::load(const TensorSource& source, const LoadOptions& options,
                                                  const parallel::Communicator& ranks,
                                                  const parallel::Communicator&) const {
  return std::make_unique<Toy>(*this, source, options, ranks);
}

std::unique_ptr<Description> read_toy(const std::filesystem::path& folder) {
  const nlohmann::json json = text::read_json(folder / "config.json");
  return std::make_unique<ToyDescription>(text::JsonValue(json, "config.json"));
}

const Family toy("toy", read_toy);

}  // namespace
}  // namespace orrery::model
