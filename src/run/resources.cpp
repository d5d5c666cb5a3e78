#include "orrery/run/resources.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/parallel/agreement.hpp"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Version.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <unistd.h>

namespace orrery::run {
namespace {

using core::concat;

/// This rank's share of its cores: those it may run on, over the ranks of the node whose masks overlap its
/// own.
int share_of_cores(const parallel::Communicator& node) {
  const std::vector<int> mine = core::allowed_cores();
  std::string text;
  for (const int core : mine) text += concat(core, " ");
  int sharing = 0;
  for (const std::string& theirs : node.all_gather(text)) {
    std::istringstream in(theirs);
    bool overlaps = false;
    for (int core = 0; in >> core;) overlaps = overlaps || std::ranges::binary_search(mine, core);
    sharing += overlaps ? 1 : 0;
  }
  return std::max(1, static_cast<int>(mine.size()) / std::max(1, sharing));
}

/// Variables that say which kernels a library takes, or how exactly it sums: of LibTorch, MKL, oneDNN,
/// OpenBLAS, the C library's mathematics, cuBLAS.
constexpr std::array<std::string_view, 10> kernel_prefixes = {
    "ATEN_",         "MKL_",         "ONEDNN_",
    "DNNL_",         "OPENBLAS_",    "CUBLAS",
    "NVIDIA_TF32_",  "TORCH_ALLOW_", "PYTORCH_TUNABLEOP_",
    "GLIBC_TUNABLES"};
/// What of them changes no number: where things lie, how much is said, and how many threads there are, of
/// which each product here has one.
constexpr std::array<std::string_view, 7> harmless = {"VERBOSE", "NUM_THREADS", "DYNAMIC",        "ROOT",
                                                      "LOGDEST", "LOGINFO",     "THREADING_LAYER"};

bool chooses_kernels(std::string_view name) {
  return std::ranges::any_of(kernel_prefixes, [&](auto prefix) { return name.starts_with(prefix); }) &&
         std::ranges::none_of(harmless, [&](auto word) { return name.find(word) != name.npos; });
}

/// The kind of accelerator that LibTorch has, where the process sees one; CUDA where that is what is asked
/// for.
at::DeviceType accelerator_for(DeviceChoice choice) {
  const std::optional<at::DeviceType> found = at::getAccelerator();
  return choice == DeviceChoice::cuda || !found ? at::kCUDA : *found;
}

at::Device choose_device(DeviceChoice choice, const parallel::Communicator& ranks,
                         const parallel::Communicator& node) {
  if (choice == DeviceChoice::cpu) return at::kCPU;
  const at::DeviceType type = accelerator_for(choice);
  const int gpus = at::getAccelerator() == type ? visible_gpus() : 0;
  const std::int64_t fewest = ranks.min(std::int64_t{gpus});
  const std::int64_t most = ranks.max(std::int64_t{gpus});
  if (most == 0 && choice == DeviceChoice::automatic) return at::kCPU;
  parallel::agree(ranks, "choosing a device", [&] {
    if (gpus > 0) return;
    throw core::resource_error(
        "a rank sees no GPU",
        concat("rank ", ranks.rank(), " on ", core::host_name(), fewest < most ? ", while others do" : ""),
        "ask Slurm for a GPU a task, or give --device cpu");
  });
  if (node.size() > gpus) {
    core::log_warn(concat(node.size(), " ranks of ", core::host_name(), " share ", gpus,
                          " GPUs: one rank a GPU is faster"));
  }
  return {type, static_cast<c10::DeviceIndex>(node.rank() % gpus)};
}

}  // namespace

void pin_products() {
  // Plain cuBLAS, the default, refuses a bfloat16 product whose sums it must not split.
  ::setenv("TORCH_BLAS_PREFER_CUBLASLT", "1", /*overwrite=*/1);
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowBF16ReductionCuBLAS(false, /*allow_splitk=*/false);
}

Concurrency concurrency_of(at::Device device, int cores, int asked) {
  const int threads = asked > 0 ? asked : std::max(1, cores);
  return {device.is_cpu() ? threads : 1, threads};
}

std::string kernels_text() {
  std::set<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (chooses_kernels(text.substr(0, text.find('=')))) variables.emplace(text);
  }
  std::string kernels = at::get_cpu_capability();
  for (const std::string& variable : variables) kernels += " " + variable;
  return kernels;
}

void warn_of_mixed_kernels(const std::vector<std::string>& devices) {
  std::set<std::string> kinds;
  for (const std::string& device : devices) kinds.insert(device.substr(device.find(' ') + 1));
  if (kinds.size() < 2) return;
  std::string text;
  for (const std::string& kind : kinds) text += concat(text.empty() ? "" : " and ", kind);
  core::log_warn(
      concat("ranks compute with different processors or kernels compute this (", text,
             "): last bits depend on which does what; take nodes of one kind for results that can be "
             "made again"));
}

int visible_gpus() {
  return at::getAccelerator() ? at::accelerator::deviceCount() : 0;
}

PlannedRanks planned_here(const MachineOptions& options, int ranks, int ranks_a_node) {
  PlannedRanks planned;
  planned.ranks = ranks;
  planned.ranks_a_node = ranks_a_node;
  planned.gpu = options.device == DeviceChoice::cuda ||
                (options.device == DeviceChoice::automatic && visible_gpus() > 0);
  const int share = static_cast<int>(core::allowed_cores().size()) / ranks_a_node;
  planned.at_once = concurrency_of(planned.gpu ? at::kCUDA : at::kCPU, share, options.threads);
  // MPI's own buffers come on top of what this process has loaded.
  constexpr std::int64_t mpi_bytes = std::int64_t{32} << 20;
  planned.process_bytes = core::peak_resident_bytes() + mpi_bytes;
  planned.available_bytes = core::available_memory();
  return planned;
}

PlannedRanks planned_ranks(const Resources& resources, const parallel::Communicator& ranks,
                           const parallel::Communicator& node) {
  PlannedRanks planned;
  planned.ranks = ranks.size();
  planned.ranks_a_node = static_cast<int>(ranks.max(std::int64_t{node.size()}));
  planned.at_once.tiles = static_cast<int>(ranks.max(std::int64_t{resources.at_once.tiles}));
  planned.at_once.threads = static_cast<int>(ranks.max(std::int64_t{resources.at_once.threads}));
  planned.gpu = !resources.device.is_cpu();
  planned.process_bytes = ranks.max(core::peak_resident_bytes());
  // What the processes have already is no longer available, and is in the plan.
  const std::int64_t available = ranks.min(core::available_memory());
  if (available > 0) planned.available_bytes = available + planned.process_bytes * planned.ranks_a_node;
  return planned;
}

Resources find_resources(const MachineOptions& options, const parallel::Communicator& ranks,
                         const parallel::Communicator& node) {
  Resources found;
  found.device = choose_device(options.device, ranks, node);
  found.at_once = concurrency_of(found.device, share_of_cores(node), options.threads);
  found.hosts = ranks.all_gather(core::host_name());
  found.gpus = ranks.all_gather(core::job_gpus());
  std::string processor = found.device.is_cpu() ? "" : core::gpu_models();
  if (processor.empty()) processor = core::processor_name();
  found.devices = ranks.all_gather(concat(found.device.str(), " ", processor, " (", kernels_text(), ")"));
  if (ranks.is_root()) warn_of_mixed_kernels(found.devices);
  return found;
}

}  // namespace orrery::run
