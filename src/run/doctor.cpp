#include "orrery/run/doctor.hpp"

#include "orrery/archive/collective_probe.hpp"
#include "orrery/archive/hdf5_version.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/parallel/environment.hpp"
#include "orrery/run/resources.hpp"

#include <ATen/Context.h>
#include <torch/headeronly/version.h>

#include <map>

namespace orrery::run {
namespace {

using core::concat;
using Verdict = Finding::Verdict;

Finding mpi_finding(const parallel::Communicator& ranks) {
  const std::string level = parallel::Environment::thread_level();
  const std::string seen = concat(parallel::Environment::library_version(), ", threads ", level, ", ",
                                  ranks.size(), ranks.size() == 1 ? " rank" : " ranks");
  // Reductions on some types are broken in some builds: try those that orrery uses.
  const std::int64_t n = ranks.size();
  const std::int64_t rank = ranks.rank();
  const bool sums = ranks.sum(rank) == n * (n - 1) / 2 && ranks.max(-rank) == 0 &&
                    ranks.min(-rank) == 1 - n &&
                    ranks.max(static_cast<double>(rank)) == static_cast<double>(n - 1);
  if (!sums)
    return {Verdict::bad, "MPI", concat(seen, "; a reduction gives a wrong result"),
            "use another build of MPI"};
  if (level == "single") return {Verdict::bad, "MPI", seen, "use an MPI with thread support"};
  return {Verdict::good, "MPI", seen, ""};
}

Finding ranks_finding(const parallel::Communicator& ranks) {
  std::map<std::string, int> nodes;
  for (const std::string& host : ranks.all_gather(core::host_name())) ++nodes[host];
  std::string seen;
  for (const auto& [host, count] : nodes) seen += concat(seen.empty() ? "" : ", ", count, " on ", host);
  return {Verdict::good, "ranks a node", seen, ""};
}

Finding file_finding(const parallel::Communicator& ranks, const std::filesystem::path& folder) {
  const std::string version = concat("HDF5 ", archive::hdf5_version());
  try {
    const bool collective = archive::probe_collective_write(ranks, folder);
    if (collective)
      return {Verdict::good, "parallel HDF5",
              concat(version, ", all ranks wrote one file in ", folder.string()), ""};
    return {Verdict::notable, "parallel HDF5",
            concat(version, ", the write in ", folder.string(), " was not collective"),
            "writing works, perhaps slowly; check the MPI-IO driver (OMPI_MCA_io)"};
  } catch (const parallel::AgreedError& error) {
    return {Verdict::bad, "parallel HDF5", error.what(),
            "give --out a folder that all nodes share and can write"};
  }
}

Finding torch_finding(const parallel::Communicator& ranks) {
  const std::int64_t gpus = visible_gpus();
  const std::int64_t fewest = ranks.min(gpus);
  const std::int64_t most = ranks.max(gpus);
  const bool by_lt = at::globalContext().blasPreferredBackend() == at::BlasBackend::Cublaslt;
  const std::string seen = concat("LibTorch ", TORCH_VERSION, ", ", core::processor_name(), " (",
                                  kernels_text(), "), ", core::allowed_cores().size(), " cores, ", most,
                                  " GPUs a rank, products there by ", by_lt ? "cuBLASLt" : "plain cuBLAS");
  if (!by_lt) return {Verdict::bad, "LibTorch", seen, "export TORCH_BLAS_PREFER_CUBLASLT=1"};
  if (fewest != most) {
    return {Verdict::bad, "LibTorch", concat(seen, ", but ", fewest, " on another rank"),
            "give every task a GPU, or --device cpu"};
  }
  return {Verdict::good, "LibTorch", seen, ""};
}

Finding memory_finding(const parallel::Communicator& ranks) {
  const std::int64_t least = ranks.min(core::available_memory());
  return {Verdict::good, "memory", concat(least >> 20, " MiB available on the node that has least"), ""};
}

}  // namespace

std::vector<Finding> examine(const parallel::Communicator& ranks, const std::filesystem::path& folder) {
  return {mpi_finding(ranks), ranks_finding(ranks), file_finding(ranks, folder), torch_finding(ranks),
          memory_finding(ranks)};
}

}  // namespace orrery::run
