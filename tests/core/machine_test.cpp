#include "orrery/core/machine.hpp"

#include "orrery/core/concat.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <utility>
#include <vector>

namespace orrery::core {
namespace {

TEST(Machine, CountsWhatThisProcessHas) {
  EXPECT_FALSE(allowed_cores().empty());
  EXPECT_GT(available_memory(), std::int64_t{1} << 20);
  EXPECT_FALSE(host_name().empty());
}

TEST(Machine, PeakSeesMemoryThatWasTouched) {
  const std::int64_t before = peak_resident_bytes();
  std::vector<char> block(std::size_t{64} << 20, 'x');
  EXPECT_GE(peak_resident_bytes() + (1 << 20), before + static_cast<std::int64_t>(block.size()));
  EXPECT_EQ(block.back(), 'x');
}

std::int64_t resident_pages() {
  std::ifstream in("/proc/self/statm");
  std::int64_t all = 0;
  std::int64_t resident = 0;
  in >> all >> resident;
  return resident;
}

TEST(Machine, ReturnsWhatWasFreedBelowABlockThatStays) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer's own allocator keeps what was freed";
#endif
  std::vector<std::vector<char>> blocks;
  for (int i = 0; i < 1000; ++i) blocks.emplace_back(std::size_t{64} << 10, 'x');
  const std::int64_t before = resident_pages();
  const std::vector<char> last = std::move(blocks.back());
  blocks.clear();
  return_freed_memory();
  EXPECT_LT(resident_pages(), before - (32 << 20) / ::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(last.front(), 'x');
}

TEST(Machine, NamesTheJobAndItsArrayTask) {
  ::unsetenv("SLURM_ARRAY_JOB_ID");
  ::unsetenv("SLURM_JOB_ID");
  EXPECT_EQ(job_id(), "");
  ::setenv("SLURM_JOB_ID", "17", 1);
  EXPECT_EQ(job_id(), "17");
  ::setenv("SLURM_ARRAY_JOB_ID", "15", 1);
  ::setenv("SLURM_ARRAY_TASK_ID", "3", 1);
  EXPECT_EQ(job_id(), "15_3");
}

TEST(Machine, NamesTheModelsOfGpus) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / concat("orrery-gpus-", ::getpid());
  EXPECT_EQ(gpu_models(folder), "");
  for (const auto& [place, model] :
       {std::pair{"0000:41:00.0", "NVIDIA H100"}, {"0000:c1:00.0", "NVIDIA H100"}, {"0000:01:00.0", "A"}}) {
    fs::create_directories(folder / place);
    std::ofstream(folder / place / "information") << "Model: \t\t " << model << "\nIRQ:   \t\t 24\n";
  }
  fs::create_directories(folder / "empty");
  EXPECT_EQ(gpu_models(folder), "A and NVIDIA H100");
  fs::remove_all(folder);
}

TEST(Machine, NamesTheGpusOfTheStepBeforeThoseOfTheJob) {
  ::unsetenv("SLURM_STEP_GPUS");
  ::unsetenv("SLURM_JOB_GPUS");
  EXPECT_EQ(job_gpus(), "");
  ::setenv("SLURM_JOB_GPUS", "0,1", 1);
  EXPECT_EQ(job_gpus(), "0,1");
  ::setenv("SLURM_STEP_GPUS", "2,3", 1);
  EXPECT_EQ(job_gpus(), "2,3");
}

TEST(Machine, TimeIsUtcInIso8601) {
  const std::string now = utc_now();
  ASSERT_EQ(now.size(), 20U);
  EXPECT_EQ(now[10], 'T');
  EXPECT_EQ(now.back(), 'Z');
}

}  // namespace
}  // namespace orrery::core
