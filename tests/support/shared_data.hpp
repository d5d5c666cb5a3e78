#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace orrery::test {

/// A file or folder of the shared test data. Throws, so that a test fails, where the data is missing.
inline std::filesystem::path shared_data(const std::string& name) {
  const char* folder = std::getenv("ORRERY_SHARED_DATA");
  const std::filesystem::path path = std::filesystem::path(folder == nullptr ? "" : folder) / name;
  if (folder == nullptr || !std::filesystem::exists(path)) {
    throw std::runtime_error("test data is missing: set ORRERY_SHARED_DATA to its folder (looked for " +
                             path.string() + ")");
  }
  return path;
}

}  // namespace orrery::test
