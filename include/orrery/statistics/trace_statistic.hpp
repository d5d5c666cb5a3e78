#pragma once

#include "orrery/core/dataset.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/cost.hpp"
#include "orrery/statistics/headline.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/stored_numbers.hpp"
#include "orrery/statistics/trace_extent.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orrery::statistics {

class RowStatistic;
struct UnitStatistics;
struct TraceMoments;

/// A dataset or a group of them that a run lacks, and why.
struct NotComputed {
  std::string path;
  std::string reason;
};

/// A dimension that only this statistic's datasets have.
struct StatisticScale {
  std::string name;
  std::int64_t length;
  std::string long_name;
};

/// What a statistic puts into a trace file. A dimension is a scale of trace_layout or one of its own.
struct StatisticDatasets {
  std::vector<core::Dataset> datasets = {};    ///< of a run that lacks nothing
  std::vector<std::string> not_streamed = {};  ///< those that need all rows at once
  std::vector<NotComputed> not_of_every_token = {};
  std::vector<StatisticScale> scales = {};
};

/// Which rows a rank has at hand while a statistic is worked out.
enum class Sharding { rows, units, points };

/// What a statistic costs.
struct StatisticCost {
  Sharding during = Sharding::rows;  ///< which shard is in memory meanwhile
  double flops = 0;                  ///< floating-point operations of all ranks, to a factor of about two
  std::int64_t scratch = 0;          ///< bytes beside the shard, of the rank that needs most
  std::int64_t held = 0;             ///< bytes of its results, which stay until they are written
};

/// The run that a statistic's cost is asked for.
struct CostCase {
  const Extent& extent;
  int ranks;
  const StatisticsOptions& options;
  std::int64_t row_bytes;  ///< of a number of the rows: 4 or 8
  bool rows_kept;
};

/// The run that a statistic is worked out in.
struct StatisticRun {
  const parallel::Communicator& ranks;
  const Extent& extent;
  const StatisticsOptions& options;
};

/// Takes entries of a dataset from `first` on: CPU numbers of the dataset's type.
using PutNumbers = std::function<void(const std::string& path, const std::vector<std::int64_t>& first,
                                      const at::Tensor& numbers)>;

/// A statistic of a trace: what it computes, and all that the file's layout, its writer, `orrery verify`,
/// `orrery plan` and the headline have to know of it. One object serves one run. A new one is a class and a
/// line of the list in statistic_lists.cpp; one that has a number for each row is a RowStatistic
/// (row_statistic.hpp).
///
/// Rows are kept, and then shown by one sharding after the other; or they are streamed, and there are moments
/// alone. Whatever is collective throws on all ranks alike, and gives the same bits for any number of ranks
/// and threads.
class TraceStatistic {
 public:
  virtual ~TraceStatistic() = default;

  virtual StatisticDatasets describe(const TraceExtent& extent) const = 0;
  virtual StatisticCost cost(const CostCase& of) const = 0;

  // Collective, of kept rows alone, in this order.
  virtual void take_rows(const StatisticRun&, const SampleShard&) {}
  virtual void take_units(const StatisticRun&, const UnitShard&, const UnitStatistics&) {}
  virtual void take_points(const StatisticRun&, const PointShard&) {}
  /// Collective, of kept rows and of streamed ones, at the end.
  virtual void take_moments(const StatisticRun&, const TraceMoments&) {}

  /// On rank 0, after all of them: the numbers that it has in the headline.
  virtual void tell(const StatisticRun&, const TraceMoments&, Headline&) const {}
  /// Hands over what this rank has to write. Not collective.
  virtual void put(const StatisticRun&, const TraceMoments&, const PutNumbers& to) const = 0;

  /// Tries what must hold in a file between its datasets and those of others.
  virtual void verify(StoredNumbers&, const TraceExtent&) const {}
  /// The headline's numbers, from the datasets.
  virtual void verify_headline(const StoredNumbers&, const TraceExtent&, HeadlineCheck&) const {}
};

/// Fresh ones of all that are known, in the order of the headline.
std::vector<std::unique_ptr<TraceStatistic>> trace_statistics_of_run();

using MakeStatistic = std::unique_ptr<TraceStatistic> (*)();
template <class Statistic>
std::unique_ptr<TraceStatistic> make_statistic() {
  return std::make_unique<Statistic>();
}

/// Adds a statistic behind those of the program, from a source of another program's own:
/// `const AddedStatistic mine(make_statistic<Mine>);` before main.
struct AddedStatistic {
  explicit AddedStatistic(MakeStatistic make);
  explicit AddedStatistic(const RowStatistic& statistic);  ///< which lives on
};

}  // namespace orrery::statistics
