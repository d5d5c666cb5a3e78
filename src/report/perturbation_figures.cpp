#include "perturbation_figures.hpp"

namespace orrery::report {

std::vector<Recipe> perturbation_figures() {
  return {};
}

}  // namespace orrery::report
