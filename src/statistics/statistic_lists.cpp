// The lists of statistics that a run uses.
#include "orrery/statistics/row_statistic.hpp"
#include "orrery/statistics/trace_statistic.hpp"

namespace orrery::statistics {

const std::vector<const RowStatistic*>& row_statistics() {
  static const std::vector<const RowStatistic*> all = built_in_row_statistics();
  return all;
}

std::vector<std::unique_ptr<TraceStatistic>> trace_statistics_of_run() {
  return built_in_trace_statistics();
}

}  // namespace orrery::statistics
