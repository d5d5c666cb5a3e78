#pragma once

#include <cmath>
#include <string>
#include <vector>

namespace orrery::report {

// What the paper claims, held against the numbers of a file by one rule.

/// A number and its standard error; NaN where there is none.
struct Measured {
  double value = std::nan("");
  double error = std::nan("");
};

/// What a comparison rests on: the paper's own measure, or what must stand beside it (science: norms grow
/// over depth, and chance alone turns and correlates).
enum class Basis { paper, scale_free, null, control };

/// How the first number should lie to the second.
enum class Claimed { greater, less, different };

/// Two numbers, and how the claim has them lie.
struct Comparison {
  Basis basis = Basis::paper;
  std::string measure;
  std::string first_name;
  Measured first;
  std::string second_name;
  Measured second;
  Claimed claimed = Claimed::greater;
};

struct Claim {
  std::string title;
  std::string explanation;
  std::vector<Comparison> comparisons;
};

enum class Verdict { agrees, does_not, undecided, not_measured };

/// The rule in words, as the page states it.
extern const char* const verdict_rule;

/// The rule: `agrees` where the difference exceeds 2 standard errors in the claimed direction, `does_not`
/// where it does in the other, `undecided` between them or without a standard error, `not_measured` without
/// the numbers. The difference's error is taken as the sum of the two: at most that, however they go
/// together.
Verdict verdict_of(const Comparison& comparison);

/// Of those of the paper's measure, or of all the others: `does_not` where one does not, `agrees` where all
/// that were measured do.
Verdict verdict_of(const Claim& claim, bool by_paper);

/// "agrees", "does not agree", "undecided", "not measured".
std::string verdict_text(Verdict verdict);

}  // namespace orrery::report
