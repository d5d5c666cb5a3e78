// fuzz_NAME FILE|FOLDER…: runs a target over files, one after the other, in a build without a fuzzer. A crash
// ends it, and the last line names the file; so does one that takes too long or too much memory.
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sys/resource.h>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr double most_seconds = 20;
constexpr std::int64_t most_bytes = std::int64_t{1} << 30;  ///< beyond what the libraries take at the start

std::int64_t peak_memory() {
  struct rusage used {};
  ::getrusage(RUSAGE_SELF, &used);
  return std::int64_t{used.ru_maxrss} * 1024;
}

std::vector<fs::path> files_in(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

bool run(const fs::path& path, std::int64_t at_start) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  const auto begin = std::chrono::steady_clock::now();
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  if (taken.count() > most_seconds) std::printf("FINDING: it took %.1f s\n", taken.count());
  const std::int64_t grown = peak_memory() - at_start;
  if (grown > most_bytes)
    std::printf("FINDING: memory grew by %.1f GiB\n", static_cast<double>(grown) / (1 << 30));
  return taken.count() <= most_seconds && grown <= most_bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t at_start = peak_memory();
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& path : files_in(argv[i])) {
      if (!run(path, at_start)) return 1;
      ++count;
    }
  }
  std::printf("%zu files\n", count);
  return count > 0 ? 0 : 1;
}
