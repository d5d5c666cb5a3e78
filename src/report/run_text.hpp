#pragma once

#include "figure_input.hpp"

#include <string>
#include <vector>

namespace orrery::report {

// How the page names runs; plain text.

/// The model's name and the corpus's, as the file has them.
std::string model_of(const Run& run);
std::string corpus_of(const Run& run);
/// "N = 200 rows, smollm2, sample_corpus.txt, run of 2026-…".
std::string run_text(const Run& run);

/// All runs of the input, the sweep last.
std::vector<const Run*> runs_of(const FigureInput& input);

/// What tells the runs apart where there are several; "" for a single one.
std::string run_heading(const FigureInput& input, const Run& run);

}  // namespace orrery::report
