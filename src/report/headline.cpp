#include "headline.hpp"

#include "numbers.hpp"
#include "orrery/core/concat.hpp"

#include <array>

namespace orrery::report {
namespace {

using archive::Reader;
using core::concat;

/// A line by the names of its numbers in /headline.
struct Line {
  const char* label;
  const char* left;
  const char* right;
  const char* paper = "";
  bool is_beside = false;
};
struct Block {
  const char* left;
  const char* right;
  std::vector<Line> lines;
};

/// The paper draws most of these as curves; what its text gives stands here.
const std::array<Block, 3>& table() {
  static const std::array<Block, 3> blocks = {{
      {"within a layer",
       "across layers",
       {{"adjacent correlation of a unit", "adjacent_correlation_within", "adjacent_correlation_across",
         "strong"},
        {"of independent steps (null)", "residual_null_within", "residual_null_across", "", true}}},
      {"first step",
       "last step",
       {{"cosine of successive streams", "cosine_first", "cosine_last"},
        {"velocity", "velocity_first", "velocity_last", "grows with depth"},
        {"relative to the norm", "relative_velocity_first", "relative_velocity_last", "", true}}},
      {"early",
       "late",
       {{"components for 90 % of variance", "components_90_early", "components_90_late"},
        {"participation ratio", "participation_ratio_early", "participation_ratio_late"},
        {"corrected for N", "participation_ratio_corrected_early", "participation_ratio_corrected_late", "",
         true}}},
  }};
  return blocks;
}

/// A line of the rotations: turns, and the units beyond chance in both tails.
struct TurnsLine {
  const char* label;
  const char* suffix;  ///< of the null's numbers in /headline
};
constexpr std::array<TurnsLine, 4> null_lines = {{{"points permuted (null)", ""},
                                                  {"layers permuted (null)", "_layer"},
                                                  {"steps permuted (null)", "_step"},
                                                  {"signs of steps drawn (null)", "_sign"}}};

std::string measured(const Reader& file, const std::string& name) {
  return shown_with_error(real_attribute(file, "/headline", name),
                          real_attribute(file, "/headline", name + "_se"), 4);
}

HeadlineBlock turns_block(const Reader& file) {
  HeadlineBlock block{.left = "mean |R|",
                      .right = "units that turn more, fewer (p < 0.05; q < 0.05)",
                      .lines = {{.label = "turns of a unit's phase portrait",
                                 .left = measured(file, "turns"),
                                 .right = "",
                                 .paper = "about 10.7 over 64 points"}}};
  for (const TurnsLine& null : null_lines) {
    // Shares without their errors: those are in the file.
    const auto share = [&](const char* stem) {
      return shown_percent(real_attribute(file, "/headline", concat(stem, null.suffix)));
    };
    block.lines.push_back({.label = null.label,
                           .is_beside = true,
                           .left = measured(file, concat("turns_null", null.suffix)),
                           .right = concat(share("turns_more"), ", ", share("turns_fewer"), "; ",
                                           share("turns_more_q"), ", ", share("turns_fewer_q")),
                           .paper = ""});
  }
  return block;
}

}  // namespace

std::vector<HeadlineBlock> trace_headline(const Reader& file) {
  std::vector<HeadlineBlock> blocks;
  for (const Block& block : table()) {
    HeadlineBlock& shown = blocks.emplace_back(HeadlineBlock{block.left, block.right, {}});
    for (const Line& line : block.lines)
      shown.lines.push_back(
          {line.label, line.is_beside, measured(file, line.left), measured(file, line.right), line.paper});
  }
  blocks.push_back(turns_block(file));
  return blocks;
}

}  // namespace orrery::report
