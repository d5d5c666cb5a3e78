#pragma once

#include "figure.hpp"
#include "figure_input.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::report {

// Parts of the page, as HTML.

/// The page's style: light and dark, phone to desktop, and print.
extern const char* const page_style;

/// The model's name and the corpus's, as the file has them.
std::string model_of(const Run& run);
std::string corpus_of(const Run& run);
/// "N = 200 rows, smollm2, sample_corpus.txt, run of 2026-…".
std::string run_text(const Run& run);

/// All runs of the input, the sweep last.
std::vector<const Run*> runs_of(const FigureInput& input);

/// What tells the runs apart where there are several: a heading of this level; nothing for a single one.
std::string run_heading(const FigureInput& input, const Run& run, const std::string& level);

std::string headline_part(const FigureInput& input);
std::string claims_part(const FigureInput& input);
std::string provenance_part(const FigureInput& input);

/// The figures with their captions and links to the files of theirs that lie in `folder`.
std::string figures_part(const FigureInput& input, const std::vector<Figure>& figures,
                         const std::vector<std::string>& left_out, const std::filesystem::path& folder);

}  // namespace orrery::report
