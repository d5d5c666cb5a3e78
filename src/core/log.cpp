// The one source file that includes spdlog: its fmt conflicts with the one in LibTorch's headers.
#include "orrery/core/log.hpp"

#include "orrery/core/error.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace orrery::core {
namespace {
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_logger_mt("orrery");
    made->set_pattern("%H:%M:%S %l: %v");
    return made;
  }();
  return *instance;
}
}  // namespace

LogLevel log_level_from(std::string_view name) {
  if (name == "error") return LogLevel::error;
  if (name == "warn") return LogLevel::warn;
  if (name == "info") return LogLevel::info;
  if (name == "debug") return LogLevel::debug;
  throw usage_error("unknown log level", std::string(name), "use error, warn, info or debug");
}

void set_log_level(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return logger().set_level(spdlog::level::err);
    case LogLevel::warn:
      return logger().set_level(spdlog::level::warn);
    case LogLevel::info:
      return logger().set_level(spdlog::level::info);
    case LogLevel::debug:
      return logger().set_level(spdlog::level::debug);
  }
}

// Through "{}": a line may contain braces of its own.
void log_warn(const std::string& line) {
  logger().warn("{}", line);
}
void log_info(const std::string& line) {
  logger().info("{}", line);
}
void log_debug(const std::string& line) {
  logger().debug("{}", line);
}

}  // namespace orrery::core
