#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery::core {

std::string host_name();
/// "AMD EPYC …", the processor's own name, or "unknown".
std::string processor_name();
/// "NVIDIA H100 …", the models of this node's GPUs as their driver names them, each once; "" where none does.
/// `folder` holds a folder for each GPU.
std::string gpu_models(const std::filesystem::path& folder = "/proc/driver/nvidia/gpus");
/// Numbers of the cores that this process may run on.
std::vector<int> allowed_cores();
/// Bytes that this node still has: what Linux calls available, or less where a control group (a Slurm job's,
/// a container's) allows less. 0 where neither can be read.
std::int64_t available_memory();
/// The most bytes that this process has had resident so far, shared memory and libraries counted.
std::int64_t peak_resident_bytes();
/// Returns freed memory to the system, where the C library would keep it for later allocations.
void return_freed_memory();
/// Slurm's job id, with the array's task where there is one; "" outside a job.
std::string job_id();
/// Numbers of the GPUs of this node that Slurm gave, to the step or else to the job: "0,1"; "" without any.
std::string job_gpus();
/// "2026-01-31T12:00:00Z".
std::string utc_now();

}  // namespace orrery::core
