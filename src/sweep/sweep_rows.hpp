#pragma once

#include "orrery/model/transformer.hpp"
#include "orrery/schedule/block.hpp"
#include "orrery/sweep/sweep.hpp"
#include "sweep_result.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace orrery::sweep {

/// What stands in for an ablated part's output: (L, H·h) of heads and (L, D) of MLPs, float64; undefined for
/// zero.
struct PartMeans {
  at::Tensor heads;
  at::Tensor mlp;
};

/// The sweep as a device computes with it.
struct SweepOnDevice {
  const Sweep& sweep;
  std::vector<SweepStart> starts;
  std::vector<std::int64_t> rows;  ///< of each start
  PartMeans means;
  at::Tensor components;  ///< (D, c) float64, on the device
  at::Tensor mean_score;  ///< (c) float64, on the device

  SweepOnDevice(const Sweep& of, const PartMeans& parts, at::Device device);
  /// (n, c) float64: scores of streams (n, D) float64.
  at::Tensor scores(const at::Tensor& streams) const;
  /// The place of a point among the stored ones; −1 where it isn't.
  std::int64_t stored_place(core::Point point) const;
  /// An empty result of a prompt, with or without room for its states.
  PromptResult empty_result(std::int64_t prompt) const;
};

/// Looks at the batch's own last tokens: prompt by prompt into `results`, as the tile has them.
class UnperturbedRows final : public model::StreamVisitor {
 public:
  UnperturbedRows(const SweepOnDevice& sweep, std::span<PromptResult> results)
      : sweep_(sweep), results_(results) {}
  void at_point(core::Point point, const model::StreamView& view) override;

 private:
  const SweepOnDevice& sweep_;
  std::span<PromptResult> results_;
};

/// Looks at one continuation's rows, each group held against its own unperturbed row; and ablates parts.
class PerturbedRows final : public model::StreamVisitor {
 public:
  PerturbedRows(const SweepOnDevice& sweep, std::vector<schedule::RowGroup> groups,
                std::span<PromptResult> results);

  /// The next group has joined.
  void join() { ++joined_; }
  const std::vector<schedule::RowGroup>& groups() const { return groups_; }
  std::int64_t joined() const { return joined_; }

  void at_point(core::Point point, const model::StreamView& view) override;
  void at_heads(core::Layer layer, const model::PartView& view) override;
  void at_mlp(core::Layer layer, const model::PartView& view) override;
  /// Takes the log-probabilities (n, V) of rows `first` … of the continuation; called with its rows in order.
  void read_out(std::int64_t first, const at::Tensor& log_probabilities);

 private:
  const SweepStart& start_of(const schedule::RowGroup& group) const;
  RowsResult& result_of(const schedule::RowGroup& group) const;
  void measure_steps(std::size_t group, core::Point point, const at::Tensor& streams);

  const SweepOnDevice& sweep_;
  std::vector<schedule::RowGroup> groups_;
  std::vector<std::int64_t> first_;  ///< (groups) row of each group's unperturbed stream
  std::span<PromptResult> results_;
  std::int64_t joined_ = 0;
  std::vector<at::Tensor> before_;  ///< (groups) streams at the point before, of groups that ablate
  at::Tensor reference_;            ///< (V) log-probabilities of the group that is read out
};

}  // namespace orrery::sweep
