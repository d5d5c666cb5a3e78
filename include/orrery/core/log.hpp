#pragma once

#include <string>
#include <string_view>

namespace orrery::core {

enum class LogLevel { error, warn, info, debug };

/// "error", "warn", "info" or "debug" as a level; throws usage_error on another word.
LogLevel log_level_from(std::string_view name);

/// Drops lines below `level` from now on. A rank that should stay silent gets `LogLevel::error`.
void set_log_level(LogLevel level);

// One line on stderr each, with the time of day. Safe from any thread.
void log_warn(const std::string& line);
void log_info(const std::string& line);
void log_debug(const std::string& line);

}  // namespace orrery::core
