#pragma once

#include <string>
#include <vector>

namespace orrery::cli {

/// A line of a table: what it is about, and what is said of it.
struct ManualEntry {
  std::string term;
  std::string text;
};

struct ManualSection {
  std::string title;
  std::string text =
      {};  ///< paragraphs, apart by an empty line; those that begin with two blanks as they are
  std::vector<ManualEntry> entries = {};
};

/// What `orrery help` prints of a topic, and a manual page.
struct Manual {
  std::string name;     ///< "orrery-trace"
  std::string chapter;  ///< 1: commands; 7: all else
  std::string summary;
  std::vector<ManualSection> sections;
};

/// For a terminal of 100 columns.
std::string as_text(const Manual& manual);
/// For man, in the language of its macros.
std::string as_roff(const Manual& manual);

}  // namespace orrery::cli
