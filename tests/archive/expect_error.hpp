#pragma once

#include "orrery/core/error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace orrery::test {

/// Expects `work` to throw a core::Error of that code whose text holds `words`.
template <class Work>
void expect_error(core::ExitCode code, const std::string& words, Work&& work) {
  try {
    work();
  } catch (const core::Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << "one line: " << error.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown; expected: " << words;
}

}  // namespace orrery::test
