#include "sweep_block.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/failpoint.hpp"
#include "orrery/statistics/deviation.hpp"
#include "orrery/statistics/shards.hpp"

#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isinf.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <limits>
#include <optional>
#include <utility>

namespace orrery::sweep {
namespace {

/// The sweep's prompts of a tile, as the forward takes them.
model::Batch batch_of(const Sweep& sweep, const schedule::Tile& tile) {
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<std::int64_t> lengths;
  schedule::Tile local{{}, tile.length};
  for (const core::Sample sample : tile.samples) {
    local.samples.emplace_back(std::ssize(tokens));
    tokens.push_back(sweep.prompts[static_cast<std::size_t>(sample.value())].tokens);
    lengths.push_back(std::ssize(tokens.back()));
  }
  return schedule::make_batch(local, {tokens, lengths, 0});
}

/// "sample 7", or "prompt 7" of a file of one's own.
std::string prompt_text(const Sweep& sweep, const PromptResult& result) {
  return core::concat(sweep.own_prompts ? "prompt " : "sample ",
                      sweep.prompts[static_cast<std::size_t>(result.prompt)].sample);
}

/// What perturbed streams that can't be measured end with, where the unperturbed one can.
core::Error perturbed_error(const Sweep& sweep, const PromptResult& result, const char* problem,
                            const std::string& where) {
  const bool rounded =
      sweep.options.dtype == model::DType::bfloat16 || sweep.options.residual == model::DType::bfloat16;
  return core::bad_input(problem, core::concat(prompt_text(sweep, result), ", ", where),
                         rounded ? "try smaller perturbations, or --dtype float32 --residual float32"
                                 : "try smaller perturbations");
}

/// The first entry of lengths (…, P), which begin at point `first`, that is beyond `longest` or not a number:
/// its point; nothing where there is none.
std::optional<std::int64_t> first_beyond(const at::Tensor& length, std::int64_t first, double longest) {
  const at::Tensor from = length.reshape({-1, length.size(-1)}).narrow(1, first, length.size(-1) - first);
  // Written so that a NaN is beyond.
  const at::Tensor beyond = from.le(longest).logical_not_().any(0);
  if (!beyond.any().item<bool>()) return std::nullopt;
  return first + beyond.to(at::kByte).argmax().item<std::int64_t>();
}

/// The first stream among lengths, as of first_beyond, that is not finite or too long to be measured.
std::optional<statistics::StreamFault> find_fault(const at::Tensor& length, std::int64_t first,
                                                  double longest, const std::string& which) {
  const auto point = first_beyond(length, first, longest);
  if (!point) return std::nullopt;
  const std::string where = core::concat(which, ", point ", *point);
  if (first_beyond(length, first, std::numeric_limits<double>::max()))
    return statistics::StreamFault{false, where};
  return statistics::StreamFault{true,
                                 core::concat(where, ", beyond a length of ", std::setprecision(3), longest)};
}

/// Throws bad_input that names the sample, the layer and the point of the first stream that is not finite or
/// too long to be measured, or else of an output that is not finite: nothing infinite gets into the file.
void require_finite(const Sweep& sweep, const run::ModelInput& model, const PromptResult& result,
                    double longest) {
  if (auto fault = find_fault(result.norm, 0, longest, "unperturbed")) {
    fault->seen = core::concat(prompt_text(sweep, result), ", ", fault->seen);
    throw run::stream_error(model, *sweep.options.dtype, *sweep.options.residual, *fault);
  }
  const std::vector<SweepStart> starts = sweep.starts();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const RowsResult& rows = result.starts[i];
    const std::string which =
        core::concat(starts[i].ablates ? "ablated" : "perturbed", " in layer ", starts[i].layer.value());
    // No perturbed stream is longer than the unperturbed one and the distance from it together.
    const std::int64_t first = sweep.trace.points.first_of(starts[i].layer).value();
    if (const auto fault = find_fault(rows.distance.add(result.norm), first, longest, which)) {
      throw perturbed_error(
          sweep, result,
          fault->is_finite ? "a stream is too long to be measured" : "a measured number is not finite",
          fault->seen);
    }
    if (!at::isfinite(rows.kl).all().item<bool>()) {
      // Of streams that are finite: its weights are looked at, too.
      throw run::stream_error(
          model, *sweep.options.dtype, *sweep.options.residual,
          {false, core::concat(prompt_text(sweep, result), ", ", which, ", the next token's probabilities")});
    }
  }
}

/// Throws bad_input where a quotient is infinite: where a size is next to nothing beside the distance.
void require_no_infinity(const Sweep& sweep, const PromptResult& result, core::Layer layer,
                         const statistics::Recovery& recovery) {
  for (const auto& [name, curve] : {std::pair("ratio", &recovery.ratio),
                                    {"relative_distance", &recovery.relative_distance},
                                    {"spread_distance", &recovery.spread_distance}}) {
    if (!at::isinf(*curve).any().item<bool>()) continue;
    throw perturbed_error(sweep, result, "a measured number is not finite",
                          core::concat("perturbed in layer ", layer.value(), ", /recovery/", name));
  }
}

/// How the rows of a start layer come back, case by case, from its point on.
std::vector<statistics::Recovery> recoveries_of(const Sweep& sweep, const SweepStart& start,
                                                const PromptResult& prompt, const RowsResult& rows) {
  const std::int64_t first = sweep.trace.points.first_of(start.layer).value();
  const auto from = [&](const at::Tensor& tensor, std::int64_t axis) {
    return tensor.narrow(axis, first, tensor.size(axis) - first);
  };
  const statistics::UnperturbedRun beside{from(prompt.norm, 0), from(rows.own_score, 0).narrow(1, 0, 2),
                                          from(sweep.spread, 0)};
  std::vector<statistics::Recovery> found;
  for (const Case& one : sweep.cases()) {
    const auto part = [&](const at::Tensor& tensor) { return tensor.narrow(0, one.first, one.count); };
    found.push_back(statistics::recovery_of(
        {from(part(rows.distance), 1), from(part(rows.cosine), 1), from(part(rows.score), 1).narrow(2, 0, 2),
         part(rows.kl), part(rows.same_top)},
        beside));
    require_no_infinity(sweep, prompt, start.layer, found.back());
  }
  return found;
}

}  // namespace

SweepBlock::SweepBlock(const SweepOnDevice& sweep, const run::ModelInput& input,
                       const model::Transformer& model, const schedule::Block& block,
                       std::vector<PromptResult>& results)
    : sweep_(sweep), input_(input), model_(model), block_(block), results_(results) {}

void SweepBlock::begin() {
  for (const core::Sample prompt : block_.tile.samples)
    results_.push_back(sweep_.empty_result(prompt.value()));
  unperturbed_ = std::make_unique<UnperturbedRows>(sweep_, results_);
  for (const auto& groups : block_.continuations) {
    rows_.push_back({std::make_unique<PerturbedRows>(sweep_, groups, results_), {}});
  }
  batch_ = model_.embed(batch_of(sweep_.sweep, block_.tile));
  batch_.keeps_kv_cache = true;
}

/// The groups that branch off here join their continuation, each behind the stream that it stands in for.
void SweepBlock::join(core::Layer layer, Rows& rows) {
  std::vector<model::Replacements> joining;
  const std::vector<schedule::RowGroup>& groups = rows.visitor->groups();
  for (std::int64_t i = rows.visitor->joined(); i < std::ssize(groups); ++i) {
    const schedule::RowGroup& group = groups[static_cast<std::size_t>(i)];
    const SweepStart& start = sweep_.starts[static_cast<std::size_t>(group.start)];
    if (start.layer != layer) break;
    const at::Tensor x = batch_.stream.index_select(0, batch_.measured.narrow(0, group.sample, 1))
                             .to(at::TensorOptions().dtype(at::kDouble).device(at::kCPU));  // (1, D)
    const at::Tensor replaced =
        start.ablates ? x.expand({group.count, x.size(1)}) : sweep_.sweep.perturbed(start.place, x[0]);
    joining.push_back({group.sample, at::cat({x, replaced})});
    rows.visitor->join();
  }
  if (!joining.empty()) model_.join(batch_, joining, rows.continuation);
}

void SweepBlock::run_layer(core::Layer layer) {
  for (Rows& rows : rows_) join(layer, rows);
  model_.run_layer(layer, batch_, *unperturbed_);
  for (Rows& rows : rows_) {
    if (rows.visitor->joined() == 0) continue;
    model_.continue_layer(layer, batch_, rows.continuation, *rows.visitor);
  }
  model_.drop_kv_cache(batch_);
}

void SweepBlock::finish() {
  model_.finish(batch_, *unperturbed_);
  const at::Tensor next = model_.logits(batch_).argmax(-1).cpu();
  for (Rows& rows : rows_) {
    model_.finish(batch_, rows.continuation, *rows.visitor);
    read_out(rows);
  }
  for (std::size_t b = 0; b < results_.size(); ++b) {
    PromptResult& result = results_[b];
    result.next_token = next[static_cast<std::int64_t>(b)].item<std::int64_t>();
    core::failpoint("activations", {static_cast<std::byte*>(result.norm.data_ptr()), result.norm.nbytes()});
    require_finite(sweep_.sweep, input_, result, statistics::longest_stream(model_.norm_dtype()));
    for (std::size_t i = 0; i < sweep_.starts.size(); ++i) {
      if (!sweep_.starts[i].ablates)
        result.recoveries.push_back(recoveries_of(sweep_.sweep, sweep_.starts[i], result, result.starts[i]));
    }
  }
}

/// Always of as many rows at a time, so that the unperturbed row and the others go through the same product.
void SweepBlock::read_out(Rows& rows) {
  const model::Continuation& all = rows.continuation;
  at::Tensor streams = at::zeros({schedule::read_out_rows, all.stream.size(1)}, all.stream.options());
  for (std::int64_t first = 0; first < all.rows(); first += schedule::read_out_rows) {
    const std::int64_t count = std::min(schedule::read_out_rows, all.rows() - first);
    streams.zero_().narrow(0, 0, count).copy_(all.stream.narrow(0, first, count));
    const at::Tensor logits = model_.logits(streams).narrow(0, 0, count);
    for (std::int64_t row = 0; row < count; row += schedule::probability_rows) {
      const at::Tensor few = logits.narrow(0, row, std::min(schedule::probability_rows, count - row));
      rows.visitor->read_out(first + row, statistics::log_probabilities(few));
    }
  }
}

}  // namespace orrery::sweep
