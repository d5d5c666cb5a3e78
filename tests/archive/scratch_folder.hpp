#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace orrery::test {

/// A new folder that goes with all it holds at the end of the test.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string pattern = (parent / "orrery-archive-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data()) == nullptr ? throw "no scratch folder" : pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace orrery::test
