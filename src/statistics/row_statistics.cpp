#include "orrery/statistics/row_statistic.hpp"

namespace orrery::statistics {

const std::vector<const RowStatistic*>& row_statistics() {
  static const std::vector<const RowStatistic*> all = built_in_row_statistics();
  return all;
}

}  // namespace orrery::statistics
