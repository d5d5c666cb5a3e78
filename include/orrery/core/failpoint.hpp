#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace orrery::core {

// Places where tests let something go wrong. Here, and so in every program that users run, both do nothing;
// tests/support/failpoint.cpp puts others in their stead when it links a program to be broken.

/// A place named `name` was reached. May throw, wait for ever or end the process, as a test asked.
void failpoint(std::string_view name);

/// The same where numbers lie in memory that a fault could change.
void failpoint(std::string_view name, std::span<std::byte> memory);

}  // namespace orrery::core
