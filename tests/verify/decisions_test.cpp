// What verify decides without a file: whether an identity holds and what is told of it, which options count.
#include "orrery/statistics/stored_numbers.hpp"
#include "orrery/verify/config_text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace orrery::verify {
namespace {

using statistics::Identity;

/// Remembers what it was told.
class Told final : public statistics::StoredNumbers {
 public:
  bool has(std::initializer_list<std::string>) const override { return false; }
  std::vector<double> reals(const std::string&) const override { return {}; }
  std::vector<double> reals_at(const std::string&, std::int64_t) const override { return {}; }
  std::optional<double> number(const std::string&, const std::string&) const override { return {}; }
  void for_slabs(const std::string&, const Work&) const override {}
  void tell(bool passed, const std::string& subject, const std::string& seen) override {
    lines.push_back((passed ? "ok " : "FAILED ") + subject + ": " + seen);
  }
  std::vector<std::string> lines;
};

std::string told_of(const Identity& identity) {
  Told told;
  identity.tell(told);
  return told.lines.empty() ? "" : told.lines.front();
}

TEST(Identity, HoldsWithinItsBound) {
  Identity identity("sums");
  identity.hold(1, 1, 0, "place ", 0);
  EXPECT_EQ(told_of(identity), "ok sums: 1 tried, all exact");
  identity.hold(1 + 1e-12, 1, 2e-12, "place ", 1);
  EXPECT_TRUE(told_of(identity).starts_with("ok sums: 2 tried, worst: 1.000000000001 for 1 at place 1"))
      << told_of(identity);
  identity.hold(1.5, 1, 0.25, "place ", 2);
  identity.hold(9, 1, 100, "place ", 3);
  EXPECT_TRUE(told_of(identity).starts_with("FAILED sums: 1 of 4 wrong, worst: 1.5 for 1 at place 2"))
      << told_of(identity);
}

TEST(Identity, ANaNIsRightWhereOneShouldBe) {
  Identity right("a"), missing("b"), spare("c");
  right.hold(std::nan(""), std::nan(""), 0, "x");
  EXPECT_TRUE(told_of(right).starts_with("ok"));
  missing.hold(1, std::nan(""), 1e300, "x");
  EXPECT_TRUE(told_of(missing).starts_with("FAILED"));
  spare.hold(std::nan(""), 1, 1e300, "x");
  EXPECT_TRUE(told_of(spare).starts_with("FAILED"));
}

TEST(Identity, IsNotToldWhereNothingWasTried) {
  EXPECT_EQ(told_of(Identity("nothing")), "");
}

TEST(Identity, OfARequirementNamesBothNumbers) {
  Identity identity("order");
  identity.require(true, 1, 2, "a");
  identity.require(false, 3, 2, "step ", 7);
  EXPECT_EQ(told_of(identity), "FAILED order: 1 of 2 wrong, 3 beside 2 at step 7");
}

TEST(Places, AreByTheSlowestDimensionFirst) {
  EXPECT_EQ(statistics::place_text({3, 5}, 7), "(1, 2)");
  EXPECT_EQ(statistics::place_text({2, 3, 4}, 23), "(1, 2, 3)");
}

TEST(FixingOptions, LeaveOutTheFreeOnes) {
  const auto options = fixing_options("[trace]\nmodel = /m\nseed = 3\nthreads = 2\n", {"model", "threads"});
  EXPECT_EQ(options,
            (std::map<std::string, std::string>{{"[trace] seed", "3"}, {"[trace] bos", "template"}}));
  EXPECT_EQ(fixing_options("[trace]\nbos = add\n", {}).at("[trace] bos"), "add");
}

TEST(FixingOptions, AFileOfPromptsIsAnInput) {
  EXPECT_EQ(fixing_options("[perturb]\nprompts = /a/b.txt\n", {}).at("[perturb] prompts"), "a file");
  EXPECT_EQ(fixing_options("[perturb]\nprompts = 0-3,7\n", {}).at("[perturb] prompts"), "0-3,7");
  EXPECT_FALSE(fixing_options("[perturb]\nseed = 1\n", {}).contains("[trace] bos"));
}

}  // namespace
}  // namespace orrery::verify
