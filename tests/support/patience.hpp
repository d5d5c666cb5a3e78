#pragma once

#include <cstdint>
#include <cstdlib>

namespace orrery::test {

/// Limits of time are for a program on a core of its own: a slower one gets so many times as much
/// (ORRERY_TEST_PATIENCE).
inline int patience() {
  const char* given = std::getenv("ORRERY_TEST_PATIENCE");
  return given == nullptr ? 1 : std::atoi(given);
}

/// What a test that expects to take `bytes` may take: with what the address sanitizer keeps back of freed
/// memory.
inline std::int64_t memory_limit(std::int64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  bytes += std::int64_t{40} << 20;
#endif
  return bytes;
}

}  // namespace orrery::test
