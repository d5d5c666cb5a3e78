#pragma once

namespace orrery::core {

/// "0.1.0"
const char* program_version();
/// The commit that this binary was built from, "+changes" behind it where the tree differed; "unknown"
/// outside git.
const char* git_commit();

}  // namespace orrery::core
