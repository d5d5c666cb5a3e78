#include "headline.hpp"

#include "numbers.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/statistics/rotation_nulls.hpp"

#include <array>
#include <set>
#include <utility>

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

/// The numbers of /headline, and which of them have been shown.
class Numbers {
 public:
  explicit Numbers(const Reader& file) : file_(file) {}

  std::string measured(const std::string& name) {
    shown_.insert(name);
    return shown_with_error(real_attribute(file_, "/headline", name),
                            real_attribute(file_, "/headline", name + "_se"), 4);
  }
  /// A share without its error, which is in the file.
  std::string share(const std::string& name) {
    shown_.insert(name);
    return shown_percent(real_attribute(file_, "/headline", name));
  }
  /// Those that no line has shown, of statistics beside the program's own.
  std::vector<std::string> others() const {
    std::vector<std::string> names;
    for (const std::string& name : file_.attribute_names("/headline")) {
      const bool is_error = name.ends_with("_se");
      if (!is_error && !shown_.contains(name)) names.push_back(name);
    }
    return names;
  }

 private:
  const Reader& file_;
  std::set<std::string> shown_;
};

HeadlineBlock turns_block(Numbers& numbers) {
  HeadlineBlock block{.left = "mean |R|",
                      .right = "units that turn more, fewer (p < 0.05; q < 0.05)",
                      .lines = {{.label = "turns of a unit's phase portrait",
                                 .left = numbers.measured("turns"),
                                 .right = "",
                                 .paper = "about 10.7 over 64 points"}}};
  for (const statistics::RotationNullName& null : statistics::rotation_null_names) {
    const auto share = [&](const char* stem) { return numbers.share(concat(stem, null.suffix)); };
    HeadlineLine line{.label = concat(null.words, " (null)"),
                      .is_beside = true,
                      .left = numbers.measured(concat("turns_null", null.suffix)),
                      .right = "",
                      .paper = ""};
    line.right = concat(share("turns_more"), ", ", share("turns_fewer"));
    line.right += concat("; ", share("turns_more_q"), ", ", share("turns_fewer_q"));
    block.lines.push_back(std::move(line));
  }
  return block;
}

}  // namespace

std::vector<HeadlineBlock> trace_headline(const Reader& file) {
  Numbers numbers(file);
  std::vector<HeadlineBlock> blocks;
  for (const Block& block : table()) {
    HeadlineBlock& shown = blocks.emplace_back(HeadlineBlock{block.left, block.right, {}});
    for (const Line& line : block.lines) {
      const std::string left = numbers.measured(line.left);
      shown.lines.push_back({line.label, line.is_beside, left, numbers.measured(line.right), line.paper});
    }
  }
  blocks.push_back(turns_block(numbers));
  HeadlineBlock others{.left = "other numbers", .right = "", .lines = {}};
  for (const std::string& name : numbers.others())
    others.lines.push_back({.label = name, .left = numbers.measured(name), .right = "", .paper = ""});
  if (!others.lines.empty()) blocks.push_back(std::move(others));
  return blocks;
}

}  // namespace orrery::report
