#include "orrery/statistics/stored_numbers.hpp"

#include "orrery/core/not_a_number.hpp"
#include "orrery/core/number_text.hpp"

#include <cmath>
#include <iomanip>

namespace orrery::statistics {

using core::concat;
using core::number_text;

std::string place_text(const std::vector<std::int64_t>& shape, std::int64_t entry) {
  std::vector<std::int64_t> place(shape.size());
  for (std::size_t i = shape.size(); i-- > 0; entry /= shape[i]) place[i] = entry % shape[i];
  std::string text = "(";
  for (const std::int64_t index : place)
    text.append(text.size() > 1 ? ", " : "").append(std::to_string(index));
  return text.append(")");
}

std::ostream& operator<<(std::ostream& out, const Place& place) {
  return out << place_text(place.shape, place.entry);
}

bool Identity::take(double share, double found, double expected, double bound) {
  ++tried_;
  if (!(share <= 1)) ++broken_;
  if (share <= share_) return false;
  share_ = share;
  found_ = found;
  expected_ = expected;
  bound_ = bound;
  return true;
}

bool Identity::is_worst(double found, double expected, double bound) {
  const bool none = std::isnan(found) && std::isnan(expected);
  const double error = none ? 0 : std::abs(found - expected);
  // Written so that a NaN is as bad as can be.
  double share = core::infinity;
  if (error == 0) {
    share = 0;
  } else if (error <= std::numeric_limits<double>::max() && bound > 0) {
    share = error / bound;
  }
  return take(share, found, expected, bound);
}

bool Identity::is_worst(bool right, double found, double expected) {
  return take(right ? 0 : core::infinity, found, expected, std::nan(""));
}

void Identity::tell(StoredNumbers& stored) const {
  if (tried_ == 0) return;
  std::string text = broken_ == 0 ? concat(tried_, " tried") : concat(broken_, " of ", tried_, " wrong");
  if (!(share_ > 0)) {
    text += ", all exact";
  } else if (std::isnan(bound_)) {
    text += concat(", ", number_text(found_), " beside ", number_text(expected_), " at ", place_);
  } else {
    text += concat(", worst: ", number_text(found_), " for ", number_text(expected_), " at ", place_, ", ",
                   std::setprecision(2), std::abs(found_ - expected_), " off where ", bound_, " is allowed");
  }
  stored.tell(broken_ == 0, subject_, text);
}

}  // namespace orrery::statistics
