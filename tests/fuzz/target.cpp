#include "tests/fuzz/target.hpp"

#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

// The libraries keep memory to the end, and LibTorch's parts define the same symbols: neither is a finding.
// HDF5 allocates much and often: short stacks and a small quarantine make it several times faster.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:detect_odr_violation=0:malloc_context_size=4:quarantine_size_mb=16";
}

namespace orrery::test {
namespace {

class Scratch {
 public:
  Scratch() {
    core::set_log_level(core::LogLevel::error);
    std::string pattern = (std::filesystem::temp_directory_path() / "orrery-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) report("no scratch folder", pattern);
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

  [[noreturn]] static void report(const std::string& finding, const std::string& seen) {
    std::fprintf(stderr, "FINDING: %s: %s\n", finding.c_str(), seen.c_str());
    std::abort();
  }

 private:
  std::filesystem::path path_;
};

bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

}  // namespace

const std::filesystem::path& scratch() {
  static const Scratch folder;
  return folder.path();
}

std::filesystem::path write_scratch(const std::string& name, std::string_view bytes) {
  std::filesystem::path path = scratch() / name;
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), std::ssize(bytes));
  file.close();
  if (!file) Scratch::report("the scratch file can't be written", path.string());
  return path;
}

void expect_order(const std::function<void()>& work) {
  try {
    work();
  } catch (const core::Error& error) {
    const std::string message = error.what();
    if (error.code() == core::ExitCode::internal) Scratch::report("internal error", message);
    if (std::ranges::any_of(message, is_control)) Scratch::report("a message that is not one line", message);
  } catch (const std::exception& error) {
    Scratch::report("an exception that is no core::Error", error.what());
  }
}

}  // namespace orrery::test
