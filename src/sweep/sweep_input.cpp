#include "orrery/sweep/sweep_input.hpp"

#include "orrery/archive/checksum.hpp"
#include "orrery/archive/point_datasets.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/ini.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/number_list.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/run/recorded_tokens.hpp"
#include "orrery/verify/verify.hpp"
#include "own_prompts.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace orrery::sweep {
namespace {

using archive::Reader;
using core::concat;

[[noreturn]] void refuse(const std::string& problem, const std::string& seen) {
  throw core::bad_input("the trace can't carry a sweep: " + problem, seen,
                        "make it again with `orrery trace`, or give another --trace");
}

/// Of the file's checksums, which depend on its numbers alone, never on ranks or time.
std::string checksum_of_numbers(const Reader& file) {
  core::Sha256 hash;
  for (const std::string& name : file.attribute_names(archive::checksum_group)) {
    const auto value = file.attribute(archive::checksum_group, name);
    const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
    if (text != nullptr) hash.update(concat(name, " ", *text, "\n"));
  }
  return hash.hex();
}

TraceFacts facts_of(const Reader& file) {
  TraceFacts facts;
  facts.checksum = checksum_of_numbers(file);
  facts.model_sha256 = file.text("model_sha256");
  facts.tokenizer_sha256 = file.text("tokenizer_sha256");
  facts.corpus_sha256 = file.text("corpus_sha256");
  facts.corpus_name = file.text("corpus_name");
  facts.untrained = core::ini_value(file.text("config"), "weights") == "random";
  facts.seed = file.integer("seed");
  facts.points = archive::read_points(file);
  const std::int64_t layers = file.integer("layers");
  facts.units = file.integer("hidden_size");
  facts.heads = file.integer("heads");
  const std::vector<std::int64_t> shape = file.info("/pooled/component").shape;
  if (layers < 1 || layers != facts.layers() || shape.size() != 2 || shape[1] != facts.units ||
      file.info("/trajectory/mean").shape != std::vector<std::int64_t>{facts.points.size(), facts.units}) {
    refuse("its sizes do not fit each other",
           concat(layers, " layers, ", facts.units, " units in its attributes"));
  }
  return facts;
}

/// A dataset as a tensor of float64. Refuses one of another shape, where a hostile file may be in disorder.
at::Tensor tensor_of(const Reader& file, const std::string& path, const std::vector<std::int64_t>& shape) {
  if (file.info(path).shape != shape)
    refuse("its sizes do not fit each other", concat(path, " of another shape"));
  return at::tensor(file.read_reals(path), at::kDouble).view(shape);
}

/// The samples that run, each up to its measured token; the last of its text where every token was.
class Samples {
 public:
  explicit Samples(const Reader& file)
      : file_(file),
        line_(file.read_integers("/samples/row")),
        offset_(file.read_integers("/samples/token_offset")),
        tokens_(file.info("/samples/token").entries()) {
    if (file.info("/samples/token").type != archive::ElementType::int32)
      refuse("its tokens are of another type", archive::name_of(file.info("/samples/token").type));
    if (file.has("/samples/position")) position_ = file.read_integers("/samples/position");
    if (const auto special = run::recorded_tokens(file)) trailing_ = std::ssize(special->trailing);
    if (offset_.size() != line_.size() + 1 || (!position_.empty() && position_.size() != line_.size()))
      refuse("its samples do not fit each other", concat(line_.size(), " samples"));
  }
  std::int64_t count() const { return std::ssize(line_); }

  Prompt prompt(std::int64_t sample) const {
    const auto n = static_cast<std::size_t>(sample);
    const std::int64_t first = offset_[n];
    const std::int64_t end = position_.empty() ? offset_[n + 1] : tokens_;
    const bool begins = first >= 0 && first < tokens_ && end > first && end <= tokens_;
    // Its last token that runs, from 0.
    const std::int64_t last = !begins ? -1 : position_.empty() ? end - first - trailing_ - 1 : position_[n];
    if (last < 0 || last >= tokens_ - first)
      refuse("a sample's tokens are not there", concat("sample ", sample));
    const std::int64_t length = last + 1;
    const std::vector<std::byte> bytes = file_.read_bytes("/samples/token", first, length);
    Prompt prompt{sample, line_[n], std::vector<std::int32_t>(static_cast<std::size_t>(length)), ""};
    std::memcpy(prompt.tokens.data(), bytes.data(), bytes.size());
    return prompt;
  }

 private:
  const Reader& file_;
  std::vector<std::int64_t> line_, offset_, position_;
  std::int64_t tokens_;
  std::int64_t trailing_ = 0;  // special tokens behind each text
};

void resolve_formats(const Reader& file, const TraceFacts& facts, PerturbOptions& options) {
  if (options.model.empty()) options.model = core::ini_value(file.text("config"), "model");
  if (!options.dtype) options.dtype = model::dtype_from(file.text("dtype"), "dtype");
  if (!options.residual) options.residual = model::dtype_from(file.text("residual_dtype"), "residual");
  if (facts.untrained && options.weights == SweepWeights::file) {
    throw core::usage_error("the trace is one of an untrained model", "--weights file",
                            "leave --weights out, or give a trace of the model's own weights");
  }
}

/// The samples that --prompts lists.
void choose_samples(const Samples& samples, Sweep& sweep) {
  std::string& text = sweep.options.prompts;
  constexpr std::int64_t usual = 8;
  if (text.empty()) {
    const std::int64_t last = std::min(usual, samples.count()) - 1;
    text = last == 0 ? "0" : concat("0-", last);
  }
  for (const std::int64_t sample :
       core::number_list("prompts", text, samples.count(), "samples in the trace")) {
    sweep.prompts.push_back(samples.prompt(sample));
  }
}

void resolve_prompts(const Reader& file, const Samples& samples, Sweep& sweep) {
  const bool own = !core::is_number_list(sweep.options.prompts);
  if (own) {
    read_own_prompts(file, sweep);
  } else {
    choose_samples(samples, sweep);
  }
  const std::int64_t count = own ? std::ssize(sweep.prompts) : samples.count();
  if (sweep.options.store == SweepStore::states) {
    std::string& states = sweep.options.state_prompts;
    if (states.empty()) states = std::to_string(sweep.prompts.front().sample);
    sweep.state_prompts = core::number_list("state-prompts", states, count,
                                            own ? "prompts in the file" : "samples in the trace");
    for (const std::int64_t sample : sweep.state_prompts) {
      if (std::ranges::count(sweep.prompts, sample, &Prompt::sample) == 1) continue;
      throw core::usage_error("--state-prompts names a prompt that is not perturbed", std::to_string(sample),
                              "give some of --prompts");
    }
    for (const std::int64_t point :
         core::number_list("state-points", sweep.options.state_points, sweep.points(), "capture points"))
      sweep.state_points.emplace_back(point);
  }
}

void resolve_layers(Sweep& sweep) {
  PerturbOptions& options = sweep.options;
  const std::int64_t layers = sweep.trace.layers();
  if (options.kinds.teleport || options.kinds.noise) {
    if (options.layers == "default") {
      options.layers.clear();
      for (const core::Layer layer : statistics::start_layers(layers))
        options.layers += concat(options.layers.empty() ? "" : ",", layer.value());
    }
    for (const std::int64_t layer : core::number_list("layers", options.layers, layers, "layers"))
      sweep.start_layers.emplace_back(layer);
  }
  if (options.kinds.ablate) {
    if (sweep.trace.heads == 0) {
      throw core::usage_error("the model has no attention heads to ablate", "--kinds ablate",
                              "leave ablate out of --kinds");
    }
    for (const std::int64_t layer :
         core::number_list("ablate-layers", options.ablated_layers, layers, "layers"))
      sweep.ablated_layers.emplace_back(layer);
  }
}

/// Reads the pooled components that scores and directions need.
void read_components(const Reader& file, Sweep& sweep) {
  PerturbOptions& options = sweep.options;
  const std::vector<std::int64_t> shape = file.info("/pooled/component").shape;
  const std::int64_t units = sweep.trace.units;
  std::int64_t there = 0;  // those beyond the rank are NaN
  const std::vector<double> values = file.read_reals("/pooled/component");
  while (there < shape[0] && std::isfinite(values[static_cast<std::size_t>(there * units)])) ++there;
  constexpr std::int64_t usual = 8;
  if (!options.score_components) options.score_components = std::min(usual, there);
  sweep.scores = *options.score_components;
  const std::int64_t wanted =
      std::max({std::int64_t{2}, sweep.scores, options.kinds.noise ? options.pc_directions : 0});
  if (there < wanted) {
    refuse("it has too few pooled components",
           concat(there, ", where the plane needs 2, --score-components ", sweep.scores, ", --pc-directions ",
                  options.pc_directions));
  }
  const at::Tensor all = at::tensor(values, at::kDouble).view(shape);
  const at::Tensor mean = tensor_of(file, "/pooled/mean", {units});
  sweep.plane = {mean, all.narrow(0, 0, 2).clone()};
  sweep.components = all.narrow(0, 0, std::max<std::int64_t>(2, sweep.scores)).clone();
  sweep.mean_score = at::mv(sweep.components, mean);
  if (!options.kinds.noise) return;
  const auto seed = core::narrow<std::uint64_t>(options.seed);
  std::vector<at::Tensor> directions = {
      statistics::random_directions(options.directions, units, seed, core::Purpose::direction)};
  for (std::int64_t i = 0; i < options.directions; ++i) sweep.direction_names.push_back(concat("random_", i));
  for (std::int64_t c = 0; c < options.pc_directions; ++c) {
    const at::Tensor unit = all.narrow(0, c, 1).div(at::linalg_vector_norm(all[c]));
    directions.insert(directions.end(), {unit, unit.neg()});
    sweep.direction_names.insert(sweep.direction_names.end(), {concat("pc_", c + 1), concat("-pc_", c + 1)});
  }
  sweep.directions = at::cat(directions);
}

/// The grids, from the range of scores in the plane over points 0 … S − 1, or at each start layer's.
void resolve_grids(const Reader& file, Sweep& sweep) {
  const PerturbOptions& options = sweep.options;
  if (!options.kinds.teleport) return;
  const std::int64_t points = sweep.points();
  // The components' shape was looked at.
  const std::int64_t modes = file.info("/pooled/component").shape[0];
  const at::Tensor range = tensor_of(file, "/pooled/score_range", {2, points, modes});
  const auto grid_over = [&](std::int64_t first, std::int64_t count) {
    std::array<statistics::ScoreRange, 2> ranges{};
    for (std::int64_t axis = 0; axis < 2; ++axis) {
      const at::Tensor part = range.narrow(1, first, count).select(2, axis);
      ranges[static_cast<std::size_t>(axis)] = {part[0].min().item<double>(), part[1].max().item<double>()};
    }
    return statistics::teleport_grid(ranges, options.grid, options.widen);
  };
  if (options.range == GridRange::pooled) {
    sweep.grids.push_back(grid_over(0, points - 1));
  } else {
    for (const core::Layer layer : sweep.start_layers)
      sweep.grids.push_back(grid_over(sweep.trace.points.first_of(layer).value(), 1));
  }
  if (options.control == Control::none) return;
  sweep.control_directions = statistics::random_directions(sweep.grid_points(), sweep.trace.units,
                                                           core::narrow<std::uint64_t>(options.seed),
                                                           core::Purpose::control_direction);
}

}  // namespace

Sweep read_sweep(PerturbOptions options) {
  options.validate();
  const Reader file(options.trace);
  if (file.format() != archive::trace_format) {
    throw core::bad_input("--trace is not a trace", concat(options.trace.string(), ": ", file.format()),
                          "give a file that `orrery trace` wrote");
  }
  for (const char* path : {"/samples/row", "/samples/token_offset", "/samples/token", "/pooled/mean",
                           "/pooled/component", "/pooled/score_range", "/pca/total_variance"})
    archive::require_sound(file, path);
  if (file.has("/samples/position")) archive::require_sound(file, "/samples/position");
  verify::require_sizes(file);
  Sweep sweep;
  sweep.trace = facts_of(file);
  sweep.options = std::move(options);
  resolve_formats(file, sweep.trace, sweep.options);
  const Samples samples(file);
  resolve_prompts(file, samples, sweep);
  resolve_layers(sweep);
  read_components(file, sweep);
  resolve_grids(file, sweep);
  sweep.spread = tensor_of(file, "/pca/total_variance", {sweep.points()}).mul_(2).sqrt_();  // √(2 tr C_s)
  if (sweep.options.kinds.ablate && sweep.options.ablation == Ablation::mean) {
    for (std::int64_t sample = 0; sample < samples.count(); ++sample)
      sweep.averaged.push_back(samples.prompt(sample));
  }
  return sweep;
}

void require_model(const Sweep& sweep, const model::Shape& shape) {
  const TraceFacts& trace = sweep.trace;
  if (shape.layers() != trace.layers() || shape.width != trace.units || shape.heads != trace.heads) {
    throw core::bad_input("the model is not that of the trace",
                          concat(sweep.options.model.string(), ": ", shape.layers(), " layers, ", shape.width,
                                 " units, ", shape.heads, " heads; the trace has ", trace.layers(), ", ",
                                 trace.units, " and ", trace.heads),
                          "give --model the folder that the trace was made of");
  }
  for (const Prompt& prompt : sweep.prompts) {
    const std::string name = sweep.own_prompts
                                 ? concat(sweep.own_prompts->name, ", line ", prompt.line, " from 0")
                                 : concat("sample ", prompt.sample);
    if (std::ssize(prompt.tokens) > shape.positions) {
      throw core::bad_input(
          "a prompt is longer than the model's context",
          concat(name, ": ", prompt.tokens.size(), " tokens, max_position_embeddings is ", shape.positions),
          sweep.own_prompts ? "make it shorter" : "give --model the folder that the trace was made of");
    }
    const auto [least, most] = std::ranges::minmax(prompt.tokens);
    if (least >= 0 && most < shape.vocabulary) continue;
    throw core::bad_input("a token of a prompt is not in the model's vocabulary",
                          concat(name, ": ", least < 0 ? least : most, " of ", shape.vocabulary),
                          "give --model the folder that the trace was made of");
  }
}

}  // namespace orrery::sweep
