#pragma once

#include "orrery/parallel/communicator.hpp"

#include <ATen/core/Tensor.h>

namespace orrery::statistics {

/// Collective: what belongs to the point after this rank's last, from the rank that owns it. `x` (p, …) holds
/// something of each of this rank's points, contiguous, of one shape and dtype on all ranks; ranks hold the
/// points in order, and some may hold none. Returns (…), undefined where there is no such point or this rank
/// has none.
at::Tensor next_point(const parallel::Communicator& ranks, const at::Tensor& x);

}  // namespace orrery::statistics
