#pragma once

#include "orrery/core/progress.hpp"

#include <memory>
#include <string>

namespace orrery::cli {

/// The sink that `--progress WORD` asks for, on stderr. With "auto": a bar where stderr is a terminal and no
/// launcher started us (mpirun shows every rank a terminal that isn't one), otherwise a line every 30 s.
std::unique_ptr<core::ProgressSink> make_progress(const std::string& word);

}  // namespace orrery::cli
