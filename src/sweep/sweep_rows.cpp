#include "sweep_rows.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/statistics/deviation.hpp"

#include <ATen/ops/argmax.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

namespace orrery::sweep {
namespace {

at::Tensor undefined_numbers(at::IntArrayRef shape, at::ScalarType type = at::kDouble) {
  return at::full(shape, core::not_a_number, at::TensorOptions().dtype(type));
}

}  // namespace

SweepOnDevice::SweepOnDevice(const Sweep& of, const PartMeans& parts, at::Device device)
    : sweep(of),
      starts(of.starts()),
      means{parts.heads.defined() ? parts.heads.to(device) : at::Tensor(),
            parts.mlp.defined() ? parts.mlp.to(device) : at::Tensor()},
      components(of.components.t().contiguous().to(device)),
      mean_score(of.mean_score.to(device)) {
  for (const schedule::Start& start : of.row_starts()) rows.push_back(start.rows);
}

at::Tensor SweepOnDevice::scores(const at::Tensor& streams) const {
  return at::mm(streams, components).sub_(mean_score);
}

std::int64_t SweepOnDevice::stored_place(core::Point point) const {
  const auto found = std::ranges::find(sweep.state_points, point);
  return found == sweep.state_points.end() ? -1 : found - sweep.state_points.begin();
}

PromptResult SweepOnDevice::empty_result(std::int64_t prompt) const {
  const std::int64_t points = sweep.points(), c = components.size(1);
  const std::int64_t units = sweep.trace.units, stored = std::ssize(sweep.state_points);
  const at::ScalarType type = sweep.options.residual == model::DType::float64 ? at::kDouble : at::kFloat;
  const bool stores =
      std::ranges::binary_search(sweep.state_prompts, sweep.prompts[static_cast<std::size_t>(prompt)].sample);
  PromptResult result;
  result.prompt = prompt;
  result.score = undefined_numbers({points, c});
  result.norm = undefined_numbers({points});
  if (stores) result.states = undefined_numbers({stored, units}, type);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t n = rows[i];
    RowsResult& one = result.starts.emplace_back();
    one.distance = undefined_numbers({n, points});
    one.cosine = undefined_numbers({n, points});
    one.score = undefined_numbers({n, points, c});
    one.kl = undefined_numbers({n});
    one.same_top = at::zeros({n}, at::kDouble);
    one.own_score = undefined_numbers({points, c});
    if (starts[i].ablates) {
      one.norm = undefined_numbers({n, points});
      one.velocity = undefined_numbers({n, points - 1});
      one.step_cosine = undefined_numbers({n, points - 1});
    } else if (stores) {
      one.states = undefined_numbers({n, stored, units}, type);
      one.own_states = undefined_numbers({stored, units}, type);
    }
  }
  return result;
}

void UnperturbedRows::at_point(core::Point point, const model::StreamView& view) {
  const at::Tensor streams = view.stream.index_select(0, view.measured).to(at::kDouble);  // (B, D)
  const at::Tensor scores = sweep_.scores(streams).cpu();
  const at::Tensor norms = at::linalg_vector_norm(streams, 2, {-1}).cpu();
  const std::int64_t place = sweep_.stored_place(point);
  for (std::size_t b = 0; b < results_.size(); ++b) {
    const auto sample = static_cast<std::int64_t>(b);
    results_[b].score[point.value()].copy_(scores[sample]);
    results_[b].norm[point.value()].copy_(norms[sample]);
    if (place >= 0 && results_[b].states.defined()) results_[b].states[place].copy_(streams[sample]);
  }
}

PerturbedRows::PerturbedRows(const SweepOnDevice& sweep, std::vector<schedule::RowGroup> groups,
                             std::span<PromptResult> results)
    : sweep_(sweep), groups_(std::move(groups)), results_(results), before_(groups_.size()) {
  std::int64_t rows = 0;
  for (const schedule::RowGroup& group : groups_) {
    first_.push_back(rows);
    rows += group.rows();
  }
}

const SweepStart& PerturbedRows::start_of(const schedule::RowGroup& group) const {
  return sweep_.starts[static_cast<std::size_t>(group.start)];
}

RowsResult& PerturbedRows::result_of(const schedule::RowGroup& group) const {
  return results_[static_cast<std::size_t>(group.sample)].starts[static_cast<std::size_t>(group.start)];
}

void PerturbedRows::at_point(core::Point point, const model::StreamView& view) {
  const std::int64_t place = sweep_.stored_place(point);
  const std::int64_t s = point.value();
  for (std::size_t i = 0; i < static_cast<std::size_t>(joined_); ++i) {
    const schedule::RowGroup& group = groups_[i];
    RowsResult& result = result_of(group);
    const at::Tensor streams = view.stream.narrow(0, first_[i], group.rows()).to(at::kDouble);
    const statistics::Deviations found = statistics::deviations(streams);
    const at::Tensor scores = sweep_.scores(streams);
    const auto take = [&](const at::Tensor& into, const at::Tensor& from) {
      into.select(1, s).copy_(from.narrow(0, 1, group.count));
    };
    take(result.distance, found.distance);
    take(result.cosine, found.cosine);
    take(result.score, scores);
    result.own_score[s].copy_(scores[0]);
    if (start_of(group).ablates) {
      take(result.norm, found.norm.sub(found.norm[0]));
      measure_steps(i, point, streams);
    } else if (place >= 0 && result.states.defined()) {
      result.states.select(1, place).copy_(streams.narrow(0, 1, group.count));
      result.own_states[place].copy_(streams[0]);
    }
  }
}

/// The step to `point`, and the cosine over it, beside the unperturbed row's.
void PerturbedRows::measure_steps(std::size_t i, core::Point point, const at::Tensor& streams) {
  const schedule::RowGroup& group = groups_[i];
  const at::Tensor before = std::exchange(before_[i], streams.clone());
  if (!before.defined()) return;
  const auto take = [&](const at::Tensor& into, const at::Tensor& from) {
    into.select(1, point.value() - 1).copy_(from.narrow(0, 1, group.count).sub(from[0]));
  };
  take(result_of(group).velocity, at::linalg_vector_norm(streams.sub(before), 2, {-1}));
  take(result_of(group).step_cosine, statistics::row_cosines(before, streams));
}

void PerturbedRows::at_heads(core::Layer layer, const model::PartView& view) {
  const std::int64_t heads = sweep_.sweep.trace.heads;
  const std::int64_t columns = view.output.size(1) / heads;
  for (std::size_t i = 0; i < static_cast<std::size_t>(joined_); ++i) {
    const schedule::RowGroup& group = groups_[i];
    if (!start_of(group).ablates || start_of(group).layer != layer) continue;
    for (std::int64_t head = 0; head < heads; ++head) {
      const at::Tensor part = view.output[first_[i] + 1 + head].narrow(0, head * columns, columns);
      if (sweep_.means.heads.defined()) {
        part.copy_(sweep_.means.heads[layer.value()].narrow(0, head * columns, columns));
      } else {
        part.zero_();
      }
    }
  }
}

void PerturbedRows::at_mlp(core::Layer layer, const model::PartView& view) {
  const std::int64_t mlp = sweep_.sweep.trace.heads;  // the part behind the heads
  for (std::size_t i = 0; i < static_cast<std::size_t>(joined_); ++i) {
    const schedule::RowGroup& group = groups_[i];
    if (!start_of(group).ablates || start_of(group).layer != layer) continue;
    const at::Tensor part = view.output[first_[i] + 1 + mlp];
    if (sweep_.means.mlp.defined()) {
      part.copy_(sweep_.means.mlp[layer.value()]);
    } else {
      part.zero_();
    }
  }
}

void PerturbedRows::read_out(std::int64_t first, const at::Tensor& log_probabilities) {
  const std::int64_t end = first + log_probabilities.size(0);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const schedule::RowGroup& group = groups_[i];
    const std::int64_t own = first_[i];
    if (own >= first && own < end) reference_ = log_probabilities[own - first].clone();
    const std::int64_t from = std::max(first, own + 1), until = std::min(end, own + group.rows());
    if (from >= until) continue;
    const statistics::Divergence found =
        statistics::divergence(log_probabilities.narrow(0, from - first, until - from), reference_);
    const std::int64_t row = from - own - 1;
    result_of(group).kl.narrow(0, row, until - from).copy_(found.kl);
    result_of(group).same_top.narrow(0, row, until - from).copy_(found.same_top);
  }
}

}  // namespace orrery::sweep
