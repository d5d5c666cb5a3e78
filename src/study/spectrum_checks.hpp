#pragma once

#include "file_checker.hpp"

namespace orrery::study {

/// /pca.
void check_spectra(FileChecker& checker);

}  // namespace orrery::study
