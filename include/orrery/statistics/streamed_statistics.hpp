#pragma once

#include "orrery/core/state.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/exact_sum.hpp"
#include "orrery/statistics/gram_sums.hpp"
#include "orrery/statistics/pooled.hpp"
#include "orrery/statistics/quanta.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/streamed_moments.hpp"
#include "orrery/statistics/trace_statistics.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace orrery::statistics {

class RowMeasures;

struct StreamingOptions {
  StatisticsOptions statistics;
  /// Whether rows are all tokens of a sample, so that nothing of single rows is kept: no sample turns, no
  /// random basis, no straightness of each.
  bool every_token = false;
  /// The covariances are added up for this many groups of points, one in each pass: where all of them don't
  /// fit into memory at once. No result depends on it.
  std::int64_t point_groups = 1;
};

/// The statistics of rows that are seen and forgotten, from exact sums: memory does not grow with their
/// number, and the results have the same bits for any number of ranks and threads, any order of the rows and
/// any dealing of them. Rows are shown several times:
///
///     StreamedStatistics streamed(ranks, extent, options);
///     for (each tile of the pilot) streamed.add_pilot(rows);
///     streamed.end_pilot();
///     while (streamed.wants_rows()) { for (each round) streamed.add(rows); streamed.end_pass(); }
///     for (each round) scores = streamed.add_scores(rows);
///     result = streamed.finish();
///
/// What a pass has added up so far can be saved between two `add`s and restored in another process, on any
/// number of ranks: after `restore` it is as if the rows had been added here. A pass that has ended is gone
/// through again by restoring what was saved at its end, and `end_pass`.
class StreamedStatistics {
 public:
  /// Collective. `ranks` must outlive it. `extent.samples` is N.
  StreamedStatistics(const parallel::Communicator& ranks, const Extent& extent,
                     const StreamingOptions& options);
  ~StreamedStatistics();
  StreamedStatistics(const StreamedStatistics&) = delete;
  StreamedStatistics& operator=(const StreamedStatistics&) = delete;

  /// The most bytes that a rank needs, with a pilot and rounds of at most `round_rows` rows of `row_bytes` (4
  /// or 8) a number, the round itself apart, and with what LibTorch's BLAS keeps in each thread. Within about
  /// a tenth of the resident memory.
  static std::int64_t bytes(const Extent& extent, const StreamingOptions& options, int ranks,
                            std::int64_t round_rows, std::int64_t row_bytes);

  /// The most bytes that all saved sums of a run on so many ranks take on disk at once: of each pass, and of
  /// the last one twice.
  static std::int64_t saved_bytes(const Extent& extent, const StreamingOptions& options, int ranks);

  /// Takes rows of the pilot, which fixes the quanta (quanta.hpp): all ranks' together must be the same rows
  /// whatever the ranks. Not collective.
  void add_pilot(const SampleShard& rows);
  /// Collective: after the last rows of the pilot.
  void end_pilot();

  /// Whether another pass over all rows is to come before the scores.
  bool wants_rows() const { return group_ < options_.point_groups; }
  /// Passes ended so far; more than `point_groups` where quanta had to be taken from all rows.
  std::int64_t passes() const { return passes_; }
  /// Takes rows of a pass, finite ones. Not collective.
  void add(const SampleShard& rows);
  /// Collective: after the last rows of a pass. Throws internal_error on all ranks where they were not N.
  /// Returns whether the pass must be made again, with finer quanta.
  bool end_pass();

  /// Collective: brings sums together, so that all ranks' `save_sums` write each once.
  void gather();
  /// What all ranks know of the pass: on one rank is enough.
  void save_pass(core::StateWriter& state) const;
  /// What this rank has added up.
  void save_sums(core::StateWriter& state);
  /// Begins the pass that was saved again, without any of its sums. Throws bad_input where it is not the pass
  /// that would come now. On all ranks, in place of the pilot where it is the first.
  void restore_pass(core::StateReader& state);
  /// Adds what one rank had added up. All saved sums are to be added, each on any one rank.
  void add_saved_sums(core::StateReader& state);

  /// The pooled scores (m, P, k′) float32 of rows of the last pass, when `wants_rows` no longer. Not
  /// collective.
  at::Tensor add_scores(const SampleShard& rows);

  /// Collective: all results, each piece where trace_statistics leaves it; scores of rows are not among them.
  /// Throws internal_error on all ranks where scores were not those of N rows.
  TraceStatistics finish();

 private:
  struct SampleNumber {
    core::Sample sample;
    double number;
  };

  void expect_all_rows(const char* phase);
  PointRange group_points(std::int64_t group) const;
  std::unique_ptr<StreamedMoments> moments_of_group(const Quanta& quanta) const;
  void add_row_measures(const SampleShard& rows);
  void add_rotated(const SampleShard& rows);
  bool repeats_with_finer_quanta();
  void take_units();
  void take_points();
  void prepare_scores();
  double farthest_score(std::int64_t point, std::int64_t component) const;
  void add_flow(const at::Tensor& score);
  void finish_rows();
  void finish_scores();

  const parallel::Communicator& ranks_;
  Extent extent_;
  StreamingOptions options_;
  std::int64_t group_ = 0;
  std::int64_t passes_ = 0;
  std::int64_t rows_ = 0;       ///< of this rank in the pass so far
  bool rows_measured_ = false;  ///< a repeated pass measures rows no second time

  std::unique_ptr<RowMeasures> measures_;
  ExactMoments row_moments_{0};
  std::vector<SampleNumber> straightness_;  ///< of this rank's rows
  ExactMoments sample_turns_{0};
  std::unique_ptr<StreamedMoments> moments_;

  at::Tensor basis_;  ///< (D, D), undefined with every_token
  ExactMoments rotated_row_moments_{0};
  std::unique_ptr<StreamedMoments> rotated_moments_;

  std::optional<Extremes> extremes_;          ///< of the pilot, then of all rows
  std::optional<Extremes> rotated_extremes_;  ///< of the pilot
  TraceMoments result_;
  at::Tensor means_;  ///< (P, D) float64 on all ranks
  at::Tensor pooled_mean_;
  std::unique_ptr<PooledScatter> pooled_scatter_;
  double pooled_rounding_ = 0;  ///< of its eigenvalues (Quanta::rounding)

  at::Tensor mean_score_;                ///< (P, k′)
  at::Tensor score_quantum_;             ///< (P, f) powers of two, NaN beyond the pooled rank
  std::vector<double> score_range_;      ///< (2, P, k′) of this rank's rows
  ExactMoments plane_moments_{0};        ///< (P − 2)
  std::unique_ptr<GramSums> flow_sums_;  ///< an item a step, of [Z_s, Z_{s+1}]
};

}  // namespace orrery::statistics
