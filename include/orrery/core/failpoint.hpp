#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace orrery::core {

// Places where tests inject faults. Here, and so in every program that users run, both functions do nothing;
// tests/support/failpoint.cpp replaces them in a program that is linked to fail.

/// The failpoint `name` was reached. Throws, hangs or ends the process if a test asked for that.
void failpoint(std::string_view name);

/// The same where there are numbers in memory for a fault to corrupt.
void failpoint(std::string_view name, std::span<std::byte> memory);

}  // namespace orrery::core
