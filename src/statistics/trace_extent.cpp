#include "orrery/statistics/trace_extent.hpp"

#include "orrery/statistics/linear_flow.hpp"

#include <algorithm>

namespace orrery::statistics {

std::int64_t TraceExtent::eigenvalues() const {
  return std::min(rows - 1, units);
}
std::int64_t TraceExtent::kept_components() const {
  return std::min(components, eigenvalues());
}
std::int64_t TraceExtent::pooled_eigenvalues() const {
  // N·P may pass the largest number; N does not.
  return rows > units ? units : std::min(rows * points() - 1, units);
}
std::int64_t TraceExtent::pooled_components() const {
  return std::min(components, pooled_eigenvalues());
}
std::int64_t TraceExtent::flow_components() const {
  return std::min(pooled_components(), most_flow_components);
}

}  // namespace orrery::statistics
