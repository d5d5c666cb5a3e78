#pragma once

#include "orrery/core/error.hpp"

namespace orrery::archive {

/// Runs `work` on a file of our own: what is wrong with it is no fault of an input, but io.
template <class Work>
void on_output(const Work& work) {
  try {
    work();
  } catch (const core::Error& error) {
    throw core::Error(core::ExitCode::io, error.what());
  }
}

}  // namespace orrery::archive
