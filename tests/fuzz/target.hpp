#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

/// What each target defines: reads `size` bytes as a file of its format, by the functions that the program
/// calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace orrery::test {

/// A folder of this process's own under TMPDIR, which goes with it.
const std::filesystem::path& scratch();

/// Puts `bytes` into scratch() under that name, and returns its path.
std::filesystem::path write_scratch(const std::string& name, std::string_view bytes);

/// Runs `work`, which may end with an error that a person can act on, in one printable line. Anything else
/// that it throws is a finding, and ends the process: an internal error, an exception of another kind, a
/// failed allocation.
void expect_order(const std::function<void()>& work);

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace orrery::test
