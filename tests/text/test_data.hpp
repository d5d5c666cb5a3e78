#pragma once

#include "orrery/core/error.hpp"
#include "tests/support/shared_data.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace orrery::text::test {

using orrery::test::shared_data;

inline nlohmann::json shared_json(const std::string& name) {
  std::ifstream file(shared_data(name), std::ios::binary);
  return nlohmann::json::parse(file);
}

/// A folder that goes when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "orrery-text-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder: " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error("can't write " + name);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// Expects that `action` throws a core::Error with `code`, in house form, whose text has each of `parts`.
template <class Action>
void expect_error(Action action, core::ExitCode code, const std::vector<std::string>& parts) {
  try {
    action();
  } catch (const core::Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << text;
    for (const std::string& part : parts)
      EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
    EXPECT_NE(text.find("): "), std::string::npos) << "not \"problem (seen): advice\": " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << "more than one line: " << text;
    return;
  }
  ADD_FAILURE() << "no error; one with \"" << (parts.empty() ? "" : parts.front()) << "\" was expected";
}

template <class Action>
void expect_bad_input(Action action, const std::vector<std::string>& parts) {
  expect_error(action, core::ExitCode::bad_input, parts);
}

}  // namespace orrery::text::test
