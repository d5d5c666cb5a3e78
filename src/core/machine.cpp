#include "orrery/core/machine.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <optional>
#include <sched.h>
#include <set>
#include <string_view>
#include <unistd.h>

namespace orrery::core {
namespace {

/// The value of `key` in a file of "key : value" lines; nothing where it is missing.
std::optional<std::string> value_of(const std::filesystem::path& file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? std::string() : line.substr(start);
  }
  return std::nullopt;
}

/// "1234 kB" as bytes.
std::int64_t kilobytes(const char* file, std::string_view key) {
  const std::string text = value_of(file, key).value_or("0");
  std::int64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count * 1024;
}

/// A number that stands alone in a file; nothing where there is none ("max", or no such file).
std::optional<std::int64_t> number_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::int64_t number = 0;
  return in >> number ? std::optional(number) : std::nullopt;
}

/// Memory that this process's control group and its ancestors still allow (version 2).
std::int64_t left_in_control_group() {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::filesystem::path group = root.string() + value_of("/proc/self/cgroup", "0:").value_or(":/").substr(1);
  for (;; group = group.parent_path()) {
    const auto limit = number_in(group / "memory.max");
    const auto used = number_in(group / "memory.current");
    if (limit && used) least = std::min(least, std::max<std::int64_t>(0, *limit - *used));
    if (group == root || group == group.parent_path()) return least;
  }
}

/// An environment variable; "" where it is not set.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string processor_name() {
  return value_of("/proc/cpuinfo", "model name").value_or("unknown");
}

std::string gpu_models(const std::filesystem::path& folder) {
  std::set<std::string> models;
  std::error_code none;
  for (const auto& gpu : std::filesystem::directory_iterator(folder, none)) {
    if (const auto model = value_of(gpu.path() / "information", "Model")) models.insert(*model);
  }
  std::string text;
  for (const std::string& model : models) text += (text.empty() ? "" : " and ") + model;
  return text;
}

std::vector<int> allowed_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return {0};
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &mask)) cores.push_back(core);
  }
  return cores;
}

std::int64_t available_memory() {
  return std::min(kilobytes("/proc/meminfo", "MemAvailable"), left_in_control_group());
}

std::int64_t peak_resident_bytes() {
  return kilobytes("/proc/self/status", "VmHWM");
}

void return_freed_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

std::string job_id() {
  const std::string array = variable("SLURM_ARRAY_JOB_ID");
  return array.empty() ? variable("SLURM_JOB_ID") : array + "_" + variable("SLURM_ARRAY_TASK_ID");
}

std::string job_gpus() {
  // The job's GPUs are those of its first node, even where mpirun or srun carried the variable to another.
  const std::string step = variable("SLURM_STEP_GPUS");
  return step.empty() ? variable("SLURM_JOB_GPUS") : step;
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace orrery::core
