#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/study/plan.hpp"
#include "orrery/study/trace_options.hpp"

#include <c10/core/Device.h>

#include <string>
#include <vector>

namespace orrery::study {

/// What a rank computes with.
struct Resources {
  at::Device device = at::kCPU;
  int threads = 1;                   ///< tiles in hand at once
  std::vector<std::string> hosts;    ///< (ranks) host of each
  std::vector<std::string> devices;  ///< (ranks) "cuda:0 NVIDIA H100 …", or "cpu AMD …"
};

/// Collective: decides the device once for all ranks (a GPU each, or none), and each rank's threads. Local
/// rank r of `node` takes GPU r mod G of the G it sees; two ranks on one GPU are a warning. Turns TF32 and
/// reduced-precision sums off. Throws resource_error, on all, where some ranks see a GPU and others don't, or
/// none where cuda is asked.
Resources find_resources(const TraceOptions& options, const parallel::Communicator& ranks,
                         const parallel::Communicator& node);

/// What `ranks` ranks of this very machine would have, as far as one process can tell without MPI.
PlannedRanks planned_here(const TraceOptions& options, int ranks, int ranks_a_node);

/// GPUs that this process sees.
int visible_gpus();

}  // namespace orrery::study
