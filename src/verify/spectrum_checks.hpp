#pragma once

#include "trace_checker.hpp"

namespace orrery::verify {

/// /pca.
void check_spectra(TraceChecker& checker);

}  // namespace orrery::verify
