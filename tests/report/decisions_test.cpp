// What report decides without a file: ranges of axes, verdicts on claims, numbers and columns, which figures
// there are.
#include "orrery/core/columns.hpp"
#include "src/report/axis_range.hpp"
#include "src/report/claims.hpp"
#include "src/report/numbers.hpp"
#include "src/report/recipe.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>

namespace orrery::report {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Axis axis(double low, double high, bool is_logarithmic = false) {
  return {.label = "a", .low = low, .high = high, .is_logarithmic = is_logarithmic};
}

TEST(AxisRange, IsOneThatCanBeDrawn) {
  EXPECT_TRUE(is_range(axis(0, 1)));
  EXPECT_TRUE(is_range(axis(-3, 1e150)));
  EXPECT_TRUE(is_range(axis(1e-9, 1, true)));
  EXPECT_FALSE(is_range(axis(1, 1)));
  EXPECT_FALSE(is_range(axis(2, 1)));
  EXPECT_FALSE(is_range(axis(1, 1 + 1e-12))) << "a range of rounding errors";
  EXPECT_FALSE(is_range(axis(0, 1, true)));
  EXPECT_FALSE(is_range(axis(-1, 1, true)));
  EXPECT_FALSE(is_range(axis(0, infinity)));
  EXPECT_FALSE(is_range(axis(std::nan(""), 1)));
}

TEST(AxisRange, IsWidenedAboutTheSameNumbers) {
  for (const Axis& given :
       {axis(0, 0), axis(7, 7), axis(-1e6, -1e6), axis(3, 2), axis(std::nan(""), std::nan("")),
        axis(-infinity, infinity), axis(1e200, 2e200), axis(0, 0, true), axis(5, 5, true), axis(-1, 2, true),
        axis(std::nan(""), 3, true)}) {
    const Axis wide = widened(given);
    EXPECT_TRUE(is_range(wide)) << given.low << " to " << given.high << ": " << wide.low << " to "
                                << wide.high;
    if (std::isfinite(given.low) && given.low == given.high && std::abs(given.low) < 1e150 &&
        (given.low > 0 || !given.is_logarithmic)) {
      EXPECT_LE(wide.low, given.low);
      EXPECT_GE(wide.high, given.high);
    }
  }
  EXPECT_EQ(widened(axis(2, 5)).low, 2);
  EXPECT_EQ(widened(axis(2, 5)).high, 5);
}

Comparison comparison(Measured first, Measured second, Claimed claimed = Claimed::greater,
                      Basis basis = Basis::paper) {
  return {.basis = basis,
          .measure = "m",
          .first_name = "a",
          .first = first,
          .second_name = "b",
          .second = second,
          .claimed = claimed};
}

TEST(Verdict, NeedsTwoStandardErrors) {
  EXPECT_EQ(verdict_of(comparison({3.1, 0.25}, {2, 0.25})), Verdict::agrees);
  EXPECT_EQ(verdict_of(comparison({3, 0.25}, {2, 0.25})), Verdict::undecided) << "just two";
  EXPECT_EQ(verdict_of(comparison({0.9, 0.25}, {2, 0.25})), Verdict::does_not);
  EXPECT_EQ(verdict_of(comparison({0.9, 0.25}, {2, 0.25}, Claimed::less)), Verdict::agrees);
  EXPECT_EQ(verdict_of(comparison({0.9, 0.25}, {2, 0.25}, Claimed::different)), Verdict::agrees);
  EXPECT_EQ(verdict_of(comparison({9, std::nan("")}, {2, 0})), Verdict::undecided) << "no error, no verdict";
  EXPECT_EQ(verdict_of(comparison({std::nan(""), 0}, {2, 0})), Verdict::not_measured);
}

TEST(Verdict, OfAClaimIsByItsMeasures) {
  const Comparison yes = comparison({3, 0}, {2, 0}), no = comparison({1, 0}, {2, 0}),
                   open = comparison({3, 9}, {2, 0}), none = comparison({}, {});
  const auto of = [](std::vector<Comparison> all) {
    return verdict_of(Claim{"t", "e", std::move(all)}, true);
  };
  EXPECT_EQ(of({yes, yes, none}), Verdict::agrees);
  EXPECT_EQ(of({yes, open}), Verdict::undecided);
  EXPECT_EQ(of({yes, open, no}), Verdict::does_not);
  EXPECT_EQ(of({none}), Verdict::not_measured);
  EXPECT_EQ(of({}), Verdict::not_measured);
  Comparison beside = no;
  beside.basis = Basis::null;
  EXPECT_EQ(of({yes, beside}), Verdict::agrees) << "a null is no measure of the paper's";
  EXPECT_EQ(verdict_of(Claim{"t", "e", {yes, beside}}, false), Verdict::does_not);
}

TEST(Numbers, AreShownWithTheirErrors) {
  EXPECT_EQ(shown_with_error(0.96123, 0.000623, 4), "0.9612 ± 0.00062");
  EXPECT_EQ(shown_with_error(0.96123, std::nan(""), 4), "0.9612");
  EXPECT_EQ(shown(std::nan(""), 4), "not defined");
  EXPECT_EQ(shown(infinity, 4), "infinite");
  EXPECT_EQ(shown_percent(0.1234), "12.3 %");
}

TEST(Columns, AreAsWideAsTheirCharacters) {
  EXPECT_EQ(core::columns_of("ε ± 1"), 5U);
  EXPECT_EQ(core::padded("ε", 3), "ε  ");
  EXPECT_EQ(core::padded("long", 2), "long");
  EXPECT_EQ(core::table_text({{"a", "b"}, {"ccc", "d"}}), "a    b\nccc  d\n");
}

TEST(Recipes, HaveNamesOfTheirOwnAndSayWhatTheyNeed) {
  std::set<std::string> names;
  for (const Recipe& recipe : recipes()) {
    EXPECT_TRUE(names.insert(recipe.name).second) << recipe.name << " is there twice";
    EXPECT_EQ(recipe.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"), std::string::npos)
        << recipe.name;
    EXPECT_FALSE(recipe.title.empty()) << recipe.name;
    EXPECT_FALSE(recipe.needs.empty()) << recipe.name;
    for (const std::string& dataset : recipe.needs) EXPECT_TRUE(dataset.starts_with('/')) << dataset;
  }
  EXPECT_TRUE(names.contains("ablation") && names.contains("noise") && names.contains("flow_field"));
}

TEST(AxisOver, HoldsAllNumbersWithRoom) {
  const Axis over = axis_over("y", {{1, 2, std::nan("")}, {infinity, 5}});
  EXPECT_LT(over.low, 1);
  EXPECT_GT(over.high, 5);
  EXPECT_LT(over.high, 6);
  const Axis none = axis_over("y", {{std::nan("")}});
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 1);
  const Axis logarithmic = axis_over("y", {{-1, 0, 0.1, 100}}, true);
  EXPECT_GT(logarithmic.low, 0);
  EXPECT_LT(logarithmic.low, 0.1);
  const Axis symmetric = symmetric_axis("c", {-3, 1});
  EXPECT_EQ(symmetric.low, -symmetric.high);
  EXPECT_GE(symmetric.high, 3);
}

}  // namespace
}  // namespace orrery::report
