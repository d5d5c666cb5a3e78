#include "row_continuity.hpp"

#include "vectors.hpp"

namespace orrery::statistics {

RowDescription RowCosine::describe(std::int64_t) const {
  return {.path = row_cosine,
          .along = Along::steps,
          .what = "cos(x[n,s], x[n,s+1])",
          .undefined = "either is 0",
          .range = core::cosine_range,
          .headline = {"cosine of the first two streams", "cosine of points S - 2 and S - 1"}};
}

double RowCosine::at_step(const RowStep& step) const {
  const std::span<const double> before = step.before.x, after = step.after.x;
  return cosine_of(inner_product(before.data(), after.data(), std::ssize(before)), step.before.norm,
                   step.after.norm);
}

RowDescription RowVelocity::describe(std::int64_t) const {
  return {.path = row_velocity,
          .along = Along::steps,
          .what = "the Euclidean norm of x[n,s+1] - x[n,s]",
          .undefined = "",
          .range = core::not_negative,
          .headline = {"length of the first step", "length of step S - 2", "activation"}};
}

double RowVelocity::at_step(const RowStep& step) const {
  return step.length;
}

RowDescription RowRelativeVelocity::describe(std::int64_t) const {
  return {.path = row_relative_velocity,
          .along = Along::steps,
          .what = "the Euclidean norm of x[n,s+1] - x[n,s] over that of x[n,s]",
          .undefined = "x[n,s] is 0",
          .range = core::not_negative,
          .headline = {"length of the first step over that of the stream before it",
                       "length of step S - 2 over that of the stream before it"}};
}

double RowRelativeVelocity::at_step(const RowStep& step) const {
  return ratio(step.length, step.before.norm);
}

}  // namespace orrery::statistics
