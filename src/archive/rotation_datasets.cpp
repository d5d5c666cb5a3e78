#include "orrery/archive/trace_layout.hpp"
#include "trace_datasets.hpp"

#include <array>

namespace orrery::archive {
namespace {

struct Null {
  const char* suffix;
  const char* draw;
};
constexpr std::array<Null, 4> nulls = {{
    {"", "the S points of a in random order"},
    {"_layer", "the L layers of a in random order, both points of a layer together"},
    {"_step", "the S - 1 steps of a in random order, summed up from a[0]"},
    {"_sign", "each step of a in its place with a random sign, summed up from a[0]"},
}};

Dataset of_units(const std::string& name, std::string long_name, std::string units,
                 const core::Range& range) {
  return {.path = "/rotation/" + name,
          .dimensions = {"unit"},
          .long_name = std::move(long_name),
          .units = std::move(units),
          .range = range};
}

void add_null(Layout& layout, const TraceExtent& extent, const Null& null) {
  const std::string suffix = null.suffix;
  const core::Range signed_turns = turns_range(extent);
  const std::string of = std::string(" of draws: ") + null.draw;
  const auto add = [&](Dataset dataset) {
    dataset.attributes.emplace_back("draws", extent.permutations);
    layout.datasets.push_back(std::move(dataset));
  };
  add(of_units("null" + suffix + "_mean", "mean of the signed turns R0" + of, "turn", signed_turns));
  Dataset spread =
      of_units("null" + suffix + "_std",
               "standard deviation, divisor one less than the draws, of the signed turns R0" + of, "turn",
               core::not_negative);
  if (extent.permutations == 1) spread.nan_where = "there is one draw";
  add(std::move(spread));
  add(of_units("null" + suffix + "_abs_mean", "mean of |R0|" + of, "turn",
               core::Range{0, signed_turns.greatest}));
  for (const auto& [tail, relation] : {std::pair("p_more", ">="), std::pair("p_fewer", "<=")}) {
    Dataset share =
        of_units(tail + suffix,
                 std::string("(1 + #{|R0| ") + relation + " |R|}) / (1 + draws)" + of + "; one-sided p-value",
                 "1", core::Range{1 / static_cast<double>(extent.permutations + 1), 1});
    share.attributes = {{"ties", 1e-9},
                        {"ties_rule", "turns that differ by at most `ties` are equal: count in both tails"}};
    add(std::move(share));
  }
}

}  // namespace

// Each of the turning angles between S − 1 steps is at most half a turn.
core::Range turns_range(const TraceExtent& extent) {
  const double turns = static_cast<double>(extent.points() - 3) / 2;
  return {-turns, turns};
}

void add_rotations(Layout& layout, const TraceExtent& extent) {
  Dataset turns = of_units("turns",
                           "R: turns of the mean trajectory's phase portrait, the sum of its turning angles "
                           "over 2 pi; positive is anticlockwise",
                           "turn", turns_range(extent));
  turns.attributes = {
      {"points", "0 ... S-1: the final point is left out"},
      {"portrait",
       "X = a - a[0], Y = g - g[0], g the gradient of a over points as numpy.gradient has it: "
       "central differences inside, one-sided at both ends"},
      {"angles", "turning angles between successive steps of (X, Y), wrapped to [-pi, pi)"}};
  layout.datasets.push_back(std::move(turns));
  for (const Null& null : nulls) add_null(layout, extent, null);
  layout.datasets.push_back(of_units("sample_turns_mean",
                                     "mean over samples of the turns of each sample's own trajectory", "turn",
                                     turns_range(extent)));
  Dataset spread = of_units("sample_turns_std",
                            "standard deviation over samples, divisor N - 1, of the turns of each sample's "
                            "own trajectory",
                            "turn", core::not_negative);
  spread.nan_where = where_one_row(extent);
  layout.datasets.push_back(std::move(spread));
  layout.datasets.push_back({.path = "/rotation/local_turns",
                             .dimensions = {"run"},
                             .long_name = "mean over units of the sum over 8 successive turning angles, over "
                                          "2 pi, of the mean trajectory",
                             .units = "turn",
                             .attributes = {{"angles_a_run", std::int64_t{8}}},
                             .range = core::Range{-4, 4}});
}

}  // namespace orrery::archive
