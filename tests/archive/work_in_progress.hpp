#pragma once

#include "orrery/core/concat.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace orrery::test {

inline void put(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

inline std::string text_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

/// A pid that is surely dead: a child's that was waited for.
inline pid_t dead_pid() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

/// A lock file; the folder that it lies in is made.
inline void put_lock(const std::filesystem::path& lock, const std::string& job, const std::string& host,
                     std::int64_t pid) {
  std::filesystem::create_directory(lock.parent_path());
  put(lock, core::concat("job ", job, "\nhost ", host, "\npid ", pid, "\nstarted 0\n"));
}

}  // namespace orrery::test
