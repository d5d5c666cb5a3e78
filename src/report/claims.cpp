#include "claims.hpp"

#include <algorithm>

namespace orrery::report {

const char* const verdict_rule =
    "Each line compares two numbers of the file. It “agrees” where their difference exceeds 2 standard "
    "errors in the direction that the claim has, “does not agree” where it exceeds them in the other, and is "
    "“undecided” between the two, or where the file has no standard error; “not measured” where it lacks "
    "the numbers. The standard error of a difference is at most the sum of the two, and this sum is taken. "
    "Headline numbers bring their own. Curves over depth are compared by halves, the final point left out; "
    "their standard error is the standard deviation over rows, mean over the half, divided by the root of "
    "the number of samples, which are taken as independent. A claim agrees by a kind of measure where every "
    "line of that kind that was measured agrees, and does not where one does not.";

Verdict verdict_of(const Comparison& comparison) {
  const double difference = comparison.first.value - comparison.second.value;
  const double error = comparison.first.error + comparison.second.error;
  if (std::isnan(difference)) return Verdict::not_measured;
  if (std::isnan(error) || std::abs(difference) <= 2 * error) return Verdict::undecided;
  if (comparison.claimed == Claimed::different) return Verdict::agrees;
  return (difference > 0) == (comparison.claimed == Claimed::greater) ? Verdict::agrees : Verdict::does_not;
}

Verdict verdict_of(const Claim& claim, bool by_paper) {
  std::vector<Verdict> measured;
  for (const Comparison& comparison : claim.comparisons) {
    if ((comparison.basis == Basis::paper) != by_paper) continue;
    const Verdict verdict = verdict_of(comparison);
    if (verdict != Verdict::not_measured) measured.push_back(verdict);
  }
  if (measured.empty()) return Verdict::not_measured;
  if (std::ranges::find(measured, Verdict::does_not) != measured.end()) return Verdict::does_not;
  const bool all = std::ranges::all_of(measured, [](Verdict one) { return one == Verdict::agrees; });
  return all ? Verdict::agrees : Verdict::undecided;
}

std::string verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::agrees:
      return "agrees";
    case Verdict::does_not:
      return "does not agree";
    case Verdict::undecided:
      return "undecided";
    case Verdict::not_measured:
      break;
  }
  return "not measured";
}

}  // namespace orrery::report
