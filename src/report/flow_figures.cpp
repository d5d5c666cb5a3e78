#include "flow_figures.hpp"

namespace orrery::report {

std::vector<Recipe> flow_figures() {
  return {};
}

}  // namespace orrery::report
