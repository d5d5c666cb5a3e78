#pragma once

#include "orrery/archive/reader.hpp"

#include <functional>
#include <string>

namespace orrery::verify {

/// One thing that was looked at in a file.
struct Check {
  bool passed = false;
  std::string subject;  ///< "checksums", "sum of eigenvalues", …
  std::string seen;     ///< with numbers: what was found, where, and what would have been right
};

/// Looks for damage in a file, which may be incomplete (`Incomplete::accept`), and tells `report` of each
/// check as it is made: completeness; every dataset there with its shape and type, or in not_computed;
/// checksums; NaN and infinities only where `nan_where` and `infinite_where` of the dataset say so;
/// coordinates; and the identities that tie the numbers to each other, each within what rounding of double,
/// float32 or the residual dtype allows, or within 1e-6 where design.md gives streamed moments no more.
/// Returns whether all passed. Reads the file about twice, and holds a few (P, D) arrays and some slabs of
/// about 16 MiB; of a sweep, the numbers of one prompt, /recovery and the unperturbed streams that are
/// stored. Throws bad_input where it can't be read.
bool verify_file(const archive::Reader& file, const std::function<void(const Check&)>& report);

/// For whoever reads a file's numbers by its sizes: throws bad_input unless each dataset that is there has
/// the type and shape that the sizes of the file give it. One that is missing is no fault.
void require_sizes(const archive::Reader& file);

}  // namespace orrery::verify
