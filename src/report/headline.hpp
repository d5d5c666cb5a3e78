#pragma once

#include "orrery/archive/reader.hpp"

#include <string>
#include <vector>

namespace orrery::report {

/// One line of a trace's headline: two numbers of the same kind as text, and what the paper says of its
/// model.
struct HeadlineLine {
  std::string label;
  bool is_beside = false;  ///< a null, or a form free of scale, of the line above it
  std::string left, right;
  std::string paper;  ///< "" where its text has no number
};

/// Lines whose numbers stand under the same two headings.
struct HeadlineBlock {
  std::string left, right;
  std::vector<HeadlineLine> lines;
};

/// Whose numbers `HeadlineLine::paper` has.
inline constexpr const char* paper_model = "Llama 3.1 8B in the paper";

/// The headline of a trace, from /headline alone, with jackknife standard errors. The terminal and the page
/// show this.
std::vector<HeadlineBlock> trace_headline(const archive::Reader& file);

}  // namespace orrery::report
