#include "console.hpp"

#include "orrery/core/log.hpp"

#include <cstdio>

namespace orrery::cli {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void set_talk(const TalkOptions& talk, bool speaks) {
  core::set_log_level(speaks ? core::log_level_from(talk.log_level) : core::LogLevel::error);
}

}  // namespace orrery::cli
