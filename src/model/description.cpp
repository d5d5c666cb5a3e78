#include "orrery/model/description.hpp"

namespace orrery::model {

void Description::settle(const Checkpoint& checkpoint) {
  for (const auto& [name, shape] : needed_weights()) checkpoint.require(name, shape);
}

}  // namespace orrery::model
