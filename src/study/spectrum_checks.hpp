#pragma once

#include "trace_checker.hpp"

namespace orrery::study {

/// /pca.
void check_spectra(TraceChecker& checker);

}  // namespace orrery::study
