#include "orrery/core/error.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace orrery::core {
namespace {

/// Names and values may come from a hostile file: they must not break the line or send control codes to the
/// terminal.
std::string in_one_line(std::string text) {
  const auto is_control = [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; };
  std::ranges::replace_if(text, is_control, '?');
  return text;
}

}  // namespace

Error::Error(ExitCode code, const std::string& problem, const std::string& seen, const std::string& advice)
    : std::runtime_error(in_one_line(problem + " (" + seen + "): " + advice)), code_(code) {}

Error usage_error(const std::string& problem, const std::string& seen, const std::string& advice) {
  return {ExitCode::usage, problem, seen, advice};
}

Error bad_input(const std::string& problem, const std::string& seen, const std::string& advice) {
  return {ExitCode::bad_input, problem, seen, advice};
}

Error internal_error(const std::string& problem, const std::string& seen, const std::string& advice) {
  return {ExitCode::internal, problem, seen, advice};
}

Error io_error(const std::string& problem, const std::string& seen, const std::string& advice) {
  return {ExitCode::io, problem, seen, advice};
}

Error resource_error(const std::string& problem, const std::string& seen, const std::string& advice) {
  return {ExitCode::resources, problem, seen, advice};
}

Error stopped(const std::string& done, const std::string& where) {
  return {ExitCode::stopped, "stopped on request", done + " in " + where,
          "give the same command with --resume to go on"};
}

Error system_error(const std::string& problem, const std::string& path, const std::string& advice) {
  const int number = errno;
  return {ExitCode::io, problem, path + ": " + std::generic_category().message(number), advice};
}

}  // namespace orrery::core
