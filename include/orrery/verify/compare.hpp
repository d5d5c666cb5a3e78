#pragma once

#include "orrery/archive/reader.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace orrery::verify {

/// How two files are held against each other.
struct CompareOptions {
  /// Without it every bit counts. With T, real numbers may differ by T times the largest magnitude that their
  /// dataset has in either file (an attribute: T times the larger of the two), whatever their width; NaN
  /// equals NaN, an infinity itself alone. Whole numbers and texts stay exact.
  std::optional<double> tolerance;
  /// Only datasets that both files have, and numbers among the attributes that both have: for two runs that
  /// differ on purpose, as kept rows and streamed ones do.
  bool common = false;
  /// Of `config`, the options that can't change a number (core::OptionTable).
  std::set<std::string> free_options = {};
};

struct Comparison {
  std::vector<std::string> differences;  ///< a line each; empty where the files hold the same
  std::int64_t datasets = 0;             ///< how many were compared
  std::int64_t attributes = 0;
  std::int64_t entries = 0;  ///< numbers and texts of those datasets
};

/// Compares two files but for what tells of the run (archive::tells_of_run): /timing, /checksum, the root's
/// attributes of time, place and build, and in `config` the options that cannot change a number. Each
/// dataset that differs is one line: how many entries, the first of them with both values, and with a
/// tolerance how far the worst is off. Holds two blocks of 16 MiB. Throws bad_input where a file can't be
/// read.
Comparison compare_files(const archive::Reader& one, const archive::Reader& other,
                         const CompareOptions& options);

}  // namespace orrery::verify
