#include "sweep_writer.hpp"

#include "orrery/core/narrow.hpp"
#include "orrery/core/not_a_number.hpp"
#include "orrery/statistics/tensor_values.hpp"
#include "sweep_rows.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>
#include <utility>

namespace orrery::sweep {
namespace {

using archive::SharedFile;
using archive::Slab;
using statistics::values_of;

/// What a prompt has in one dataset: all of its entries there, which come one after the other.
struct Piece {
  std::string path;
  at::Tensor values;  ///< of the dataset's type, without the prompt's dimension; contiguous
  std::int64_t place;
};

Slab slab_of(const Piece& piece) {
  Slab slab{{piece.place}, {1}};
  for (const std::int64_t length : piece.values.sizes()) {
    slab.offset.push_back(0);
    slab.count.push_back(length);
  }
  return slab;
}

/// Collects the pieces of a prompt.
class Pieces {
 public:
  Pieces(const Sweep& sweep, const PromptPlace& place, const PromptResult& result)
      : sweep_(sweep), place_(place), result_(result), cases_(sweep.cases()) {
    for (const SweepStart& start : sweep.starts()) {
      const RowsResult& rows = result.starts[perturbed_.size() + ablated_.size()];
      (start.ablates ? ablated_ : perturbed_).push_back(&rows);
    }
  }

  std::vector<Piece> all() {
    add("/baseline/score", scores(result_.score), at::kFloat);
    add("/baseline/norm", result_.norm, at::kFloat);
    add("/baseline/next_token", at::full({}, result_.next_token), at::kInt);
    if (!perturbed_.empty()) {
      add_cases();
      add_recoveries();
    }
    if (!ablated_.empty()) add_ablations();
    if (result_.states.defined()) add_states();
    return std::move(pieces_);
  }

 private:
  void add(const std::string& path, const at::Tensor& values, at::ScalarType type, std::int64_t place) {
    pieces_.push_back({path, values.to(type).contiguous(), place});
  }
  void add(const std::string& path, const at::Tensor& values, at::ScalarType type) {
    add(path, values, type, place_.prompt);
  }
  at::Tensor scores(const at::Tensor& all) const { return all.narrow(-1, 0, sweep_.scores); }

  /// A member of the rows of all starts, one behind the other: (M, n, …).
  template <class Member>
  static at::Tensor of_starts(const std::vector<const RowsResult*>& starts, Member member) {
    std::vector<at::Tensor> tensors;
    for (const RowsResult* rows : starts) tensors.push_back(rows->*member);
    return at::stack(tensors);
  }
  /// Rows `first` … of (M, n, …), shaped (M, shape…, …).
  static at::Tensor part(const at::Tensor& all, std::int64_t first, std::vector<std::int64_t> shape) {
    std::int64_t count = 1;
    for (const std::int64_t length : shape) count *= length;
    return all.narrow(1, first, count).unflatten(1, shape);
  }

  void add_perturbed(const std::string& group, std::int64_t first, const std::vector<std::int64_t>& shape) {
    add(group + "/distance", part(of_starts(perturbed_, &RowsResult::distance), first, shape), at::kFloat);
    add(group + "/cosine", part(of_starts(perturbed_, &RowsResult::cosine), first, shape), at::kFloat);
    add(group + "/kl", part(of_starts(perturbed_, &RowsResult::kl), first, shape), at::kDouble);
    add(group + "/top1", part(of_starts(perturbed_, &RowsResult::same_top), first, shape), at::kByte);
  }

  void add_cases() {
    const std::int64_t points = sweep_.grid_points();
    add("/baseline/score_beside", scores(of_starts(perturbed_, &RowsResult::own_score)), at::kFloat);
    std::int64_t rows = 0;
    if (sweep_.options.kinds.teleport) {
      add_perturbed("/teleport", 0, {points});
      add("/teleport/score", scores(part(of_starts(perturbed_, &RowsResult::score), 0, {points})),
          at::kFloat);
      add("/recovery/half_life", half_lives(0, 1, {points}), at::kDouble);
      rows = points;
      if (sweep_.options.control == Control::random_direction) {
        add_perturbed("/control/random_direction", points, {points});
        add("/control/random_direction/half_life", half_lives(1, 1, {points}), at::kDouble);
        rows = 2 * points;
      }
    }
    if (!sweep_.options.kinds.noise) return;
    const std::vector<std::int64_t> shape = {std::ssize(sweep_.options.epsilons),
                                             std::ssize(sweep_.direction_names)};
    add_perturbed("/noise", rows, shape);
    add("/recovery/noise_half_life",
        half_lives(cases_.size() - sweep_.options.epsilons.size(), sweep_.options.epsilons.size(), shape),
        at::kDouble);
  }

  /// (M, shape…): half-lives of `count` cases from `first` on.
  at::Tensor half_lives(std::size_t first, std::size_t count, const std::vector<std::int64_t>& shape) const {
    std::vector<double> values;
    for (const auto& of_start : result_.recoveries) {
      for (std::size_t c = first; c < first + count; ++c) {
        const std::vector<double>& half_life = of_start[c].half_life;
        values.insert(values.end(), half_life.begin(), half_life.end());
      }
    }
    return at::tensor(values, at::kDouble).view({std::ssize(perturbed_), -1}).unflatten(1, shape);
  }

  /// (C, M): a number of each case and start.
  template <class Number>
  at::Tensor numbers(Number number) const {
    std::vector<double> values;
    for (std::size_t c = 0; c < cases_.size(); ++c) {
      for (const auto& of_start : result_.recoveries) values.push_back(of_start[c].*number);
    }
    return at::tensor(values, at::kDouble).view({std::ssize(cases_), std::ssize(result_.recoveries)});
  }

  /// (C, M, length): a curve over points or steps of each, NaN before the start's.
  template <class Curve>
  at::Tensor curves(Curve curve, std::int64_t length) const {
    at::Tensor all = at::full({std::ssize(cases_), std::ssize(result_.recoveries), length},
                              core::not_a_number, at::kDouble);
    for (std::size_t c = 0; c < cases_.size(); ++c) {
      for (std::size_t m = 0; m < result_.recoveries.size(); ++m) {
        const at::Tensor& values = result_.recoveries[m][c].*curve;
        all[static_cast<std::int64_t>(c)][static_cast<std::int64_t>(m)]
            .narrow(0, length - values.size(0), values.size(0))
            .copy_(values);
      }
    }
    return all;
  }

  void add_recoveries() {
    using statistics::Recovery;
    const std::int64_t points = sweep_.points();
    const auto add_curve = [&](const char* name, at::Tensor Recovery::*curve, std::int64_t length) {
      add(std::string("/recovery/") + name, curves(curve, length), at::kDouble);
    };
    add_curve("ratio", &Recovery::ratio, points);
    add_curve("relative_distance", &Recovery::relative_distance, points);
    add_curve("spread_distance", &Recovery::spread_distance, points);
    add_curve("cosine", &Recovery::cosine, points);
    add_curve("exponent", &Recovery::exponent, points - 1);
    add_curve("inward_fraction", &Recovery::inward_fraction, points - 1);
    const auto add_number = [&](const char* name, double Recovery::*number) {
      add(std::string("/recovery/") + name, numbers(number), at::kDouble);
    };
    add_number("halved", &Recovery::halved);
    add_number("half_life_median", &Recovery::half_life_median);
    add_number("kl", &Recovery::kl);
    add_number("top1", &Recovery::top1);
  }

  void add_ablations() {
    const auto add_rows = [&](const char* name, at::Tensor RowsResult::*member, at::ScalarType type) {
      add(std::string("/ablation/") + name, of_starts(ablated_, member), type);
    };
    add_rows("kl", &RowsResult::kl, at::kDouble);
    add_rows("top1", &RowsResult::same_top, at::kByte);
    add_rows("distance", &RowsResult::distance, at::kFloat);
    add_rows("norm", &RowsResult::norm, at::kFloat);
    add_rows("velocity", &RowsResult::velocity, at::kFloat);
    add_rows("cosine", &RowsResult::step_cosine, at::kFloat);
  }

  void add_states() {
    const auto add_state = [&](const char* name, const at::Tensor& values) {
      add(std::string("/states/") + name, values, values.scalar_type(), place_.state);
    };
    add_state("baseline", result_.states);
    if (perturbed_.empty()) return;
    add_state("unperturbed", of_starts(perturbed_, &RowsResult::own_states));
    const at::Tensor all = of_starts(perturbed_, &RowsResult::states);
    const std::int64_t points = sweep_.grid_points();
    std::int64_t rows = 0;
    if (sweep_.options.kinds.teleport) {
      add_state("teleport", part(all, 0, {points}));
      rows = points;
      if (sweep_.options.control == Control::random_direction) {
        add_state("random_direction", part(all, points, {points}));
        rows = 2 * points;
      }
    }
    if (sweep_.options.kinds.noise) {
      add_state("noise",
                part(all, rows, {std::ssize(sweep_.options.epsilons), std::ssize(sweep_.direction_names)}));
    }
  }

  const Sweep& sweep_;
  PromptPlace place_;
  const PromptResult& result_;
  std::vector<Case> cases_;
  std::vector<const RowsResult*> perturbed_, ablated_;
  std::vector<Piece> pieces_;
};

/// Calls `take(piece as a span of its type)`.
template <class Take>
void with_values(const Piece& piece, const Take& take) {
  switch (piece.values.scalar_type()) {
    case at::kFloat:
      return take(values_of<float>(piece.values));
    case at::kDouble:
      return take(values_of<double>(piece.values));
    case at::kInt:
      return take(values_of<std::int32_t>(piece.values));
    default:
      return take(values_of<std::uint8_t>(piece.values));
  }
}

/// FNV-1a over whole words: the words are good hashes themselves.
void combine(std::uint64_t& hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x100000001b3ULL;
}
constexpr std::uint64_t empty_hash = 0xcbf29ce484222325ULL;

/// A result of the right shapes: what the pieces of a prompt are, without their values.
PromptResult shapes_of(const Sweep& sweep, std::int64_t prompt) {
  const SweepOnDevice shapes(sweep, {}, at::kCPU);
  PromptResult result = shapes.empty_result(prompt);
  const std::int64_t points = sweep.points();
  for (const core::Layer layer : sweep.start_layers) {
    const std::int64_t length = points - sweep.trace.points.first_of(layer).value();
    auto& of_start = result.recoveries.emplace_back();
    for (const Case& one : sweep.cases()) {
      statistics::Recovery& recovery = of_start.emplace_back();
      recovery.half_life.resize(static_cast<std::size_t>(one.count));
      const at::Tensor curve = at::zeros({length}, at::kDouble);
      recovery.ratio = recovery.relative_distance = recovery.spread_distance = recovery.cosine = curve;
      recovery.exponent = recovery.inward_fraction = curve.narrow(0, 0, length - 1);
    }
  }
  return result;
}

/// Fills in values that are known before anything runs; nothing where the layout lacks the dataset.
void set_values(archive::Layout& layout, const std::string& path, archive::Values values) {
  const auto found = std::ranges::find(layout.datasets, path, &archive::Dataset::path);
  if (found != layout.datasets.end()) found->values = std::move(values);
}

}  // namespace

PromptPlace place_of(const Sweep& sweep, const std::vector<std::int64_t>& prompts, std::int64_t prompt) {
  PromptPlace place;
  for (const std::int64_t other : prompts) {
    if (other >= prompt) break;
    ++place.prompt;
    if (std::ranges::binary_search(sweep.state_prompts,
                                   sweep.prompts[static_cast<std::size_t>(other)].sample))
      ++place.state;
  }
  return place;
}

archive::Layout layout_of(const Sweep& sweep, const std::vector<std::int64_t>& prompts) {
  archive::Layout layout = archive::sweep_layout(sweep.extent(prompts));
  std::vector<std::int64_t> lines, lengths;
  std::vector<std::string> texts;
  for (const std::int64_t place : prompts) {
    const Prompt& prompt = sweep.prompts[static_cast<std::size_t>(place)];
    lines.push_back(prompt.line);
    lengths.push_back(std::ssize(prompt.tokens));
    texts.push_back(prompt.text);
  }
  set_values(layout, "/prompts/row", std::move(lines));
  set_values(layout, "/prompts/length", std::move(lengths));
  set_values(layout, "/prompts/text", std::move(texts));
  const std::span<const double> spread = values_of<double>(sweep.spread);
  set_values(layout, "/points/spread", std::vector<double>(spread.begin(), spread.end()));
  std::vector<double> grid;
  for (const auto& of_layer : sweep.grids) {
    for (const auto& point : of_layer) grid.insert(grid.end(), point.begin(), point.end());
  }
  set_values(layout, "/teleport/grid", std::move(grid));
  return layout;
}

std::uint64_t write_prompt(archive::SharedFile& file, const Sweep& sweep, const PromptPlace& place,
                           const PromptResult& result) {
  std::uint64_t hash = empty_hash;
  for (const Piece& piece : Pieces(sweep, place, result).all()) {
    with_values(piece,
                [&](const auto& values) { combine(hash, file.write(piece.path, slab_of(piece), values)); });
  }
  return hash;
}

std::uint64_t hash_of_prompt(const archive::SharedFile& file, const Sweep& sweep, const PromptPlace& place,
                             std::int64_t prompt) {
  std::uint64_t hash = empty_hash;
  const PromptResult shapes = shapes_of(sweep, prompt);
  for (const Piece& piece : Pieces(sweep, place, shapes).all())
    combine(hash, file.hash_of(piece.path, slab_of(piece)));
  return hash;
}

}  // namespace orrery::sweep
