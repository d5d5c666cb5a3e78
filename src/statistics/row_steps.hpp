#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/point_controls.hpp"
#include "orrery/statistics/shards.hpp"

#include <vector>

namespace orrery::statistics {

/// Writes P − 1 cosines, then P − 1 velocities, of the steps of the row x (P, D), float or double, to `line`:
/// as RowMeasures has them, where nothing else of the row is wanted.
template <class T>
void measure_steps(const T* x, const Extent& extent, double* line);

/// The same of all `rows`, a line each: (n, 2 (P − 1)). Not collective.
std::vector<double> step_lines(const SampleShard& rows, const Extent& extent, int threads);

/// Collective: their means over all rows, on rank 0. The same bits for any number of ranks and threads, and
/// any dealing of rows.
StepMeans row_steps(const parallel::Communicator& ranks, const SampleShard& rows, const Extent& extent,
                    int threads);

}  // namespace orrery::statistics
