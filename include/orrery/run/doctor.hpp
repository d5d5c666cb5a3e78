#pragma once

#include "orrery/parallel/communicator.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::run {

/// One thing that `orrery doctor` looked at.
struct Finding {
  enum class Verdict { good, notable, bad };
  Verdict verdict = Verdict::good;
  std::string subject;  ///< "MPI", "parallel HDF5", …
  std::string seen;
  std::string advice;  ///< what to do; "" where all is well
};

/// Collective: tries what a run needs, on the ranks that it is given: MPI with its thread level and
/// reductions, a collective write by all ranks in `folder`, LibTorch, GPUs, memory, ranks a node. Findings on
/// rank 0. Throws nothing that a finding can say.
std::vector<Finding> examine(const parallel::Communicator& ranks, const std::filesystem::path& folder);

}  // namespace orrery::run
