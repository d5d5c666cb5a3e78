#pragma once

#include "orrery/parallel/communicator.hpp"
#include "orrery/run/machine_options.hpp"

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::run {

/// Pins how LibTorch multiplies on a GPU, for the whole process: by cuBLASLt, which alone can be told not to
/// split sums of bfloat16 over K, without TF32 and without sums of reduced precision. To be called at the
/// start of the program: LibTorch looks once, when it is first used.
void pin_products();

/// How much a rank does at once.
struct Concurrency {
  int tiles = 1;    ///< in flight on the device, on a CPU each on one thread
  int threads = 1;  ///< of the host: statistics, each item on one of them
};

/// That of a rank with `cores` of its own where `--threads` asked for so many (0: not given). A CPU has a
/// tile a thread. Any other device has one tile in flight, since more would only queue behind it and take its
/// memory, and the threads are the host's.
Concurrency concurrency_of(at::Device device, int cores, int asked);

/// What a rank computes with.
struct Resources {
  at::Device device = at::kCPU;
  Concurrency at_once;
  std::vector<std::string> hosts;  ///< (ranks) host of each
  std::vector<std::string>
      devices;  ///< (ranks) "cuda:0 NVIDIA H100 … (AVX512)", or "cpu AMD … (AVX512)": kernels_text
  std::vector<std::string> gpus;  ///< (ranks) those that Slurm gave on its host: "0,1", or ""
};

/// What decides which kernels the host's libraries take, and so the last bits of their results, beside the
/// processor's name: the instruction set that LibTorch uses, and the environment's variables that say
/// otherwise, "AVX512" or "DEFAULT ATEN_CPU_CAPABILITY=default".
std::string kernels_text();

/// Logs a warning where `devices`, as of Resources, are not all of one kind: last bits then depend on which
/// of them does what.
void warn_of_mixed_kernels(const std::vector<std::string>& devices);

/// Collective: decides the device once for all ranks (a GPU each, or none), and each rank's threads. Local
/// rank r of `node` takes GPU r mod G of the G it sees; two ranks on one GPU are a warning, and so are ranks
/// whose kernels differ. Throws resource_error, on all, where some ranks see a GPU and others don't, or none
/// where cuda is asked.
Resources find_resources(const MachineOptions& options, const parallel::Communicator& ranks,
                         const parallel::Communicator& node);

/// What the planned ranks have.
struct PlannedRanks {
  int ranks = 1;
  int ranks_a_node = 1;
  Concurrency at_once;  ///< of each rank
  bool gpu = false;
  std::int64_t process_bytes = 0;    ///< of a rank before it reads anything: libraries and MPI
  std::int64_t available_bytes = 0;  ///< of a node; 0: not known
};

/// Collective: what these ranks have, the least of any of them; what their processes hold already counted in.
PlannedRanks planned_ranks(const Resources& resources, const parallel::Communicator& ranks,
                           const parallel::Communicator& node);

/// What `ranks` ranks of this very machine would have, as far as one process can tell without MPI.
PlannedRanks planned_here(const MachineOptions& options, int ranks, int ranks_a_node);

/// GPUs that this process sees.
int visible_gpus();

}  // namespace orrery::run
