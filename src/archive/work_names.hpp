#pragma once

#include "orrery/archive/output.hpp"

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::archive {

/// Work in progress on an output has these files, behind the prefix of who does it. `overwrite` is empty, and
/// says that an old result may be replaced. The lock is last: it guards the rest.
constexpr std::array<const char*, 9> work_files{"data.h5",        "rows.h5",   "checkpoint",
                                                "checkpoint.new", "metadata",  "metadata.new",
                                                "heartbeat",      "overwrite", "lock"};
/// And files of sums, which a number follows.
constexpr const char* state_prefix = "state-";
/// Behind a part's prefix: its finished file.
constexpr const char* finished_file = "h5";
/// Of the run that joins parts. An undivided run has none.
constexpr const char* join_prefix = "join.";

/// OUT.part
std::filesystem::path work_folder(const std::filesystem::path& out);
/// Names in a folder; none where it is missing.
std::vector<std::string> names_in(const std::filesystem::path& folder);

/// "3-of-8."
std::string prefix_of(const Part& part);

/// What the name of a file in OUT.part says.
struct WorkName {
  std::string prefix;
  std::optional<Part> part;  ///< whose file it is, where it is a part's
  std::string file;          ///< one of `work_files`, a file of sums, or a part's `finished_file`
};

/// "state-12", "state-12-3"
bool is_state_file(std::string_view file);

/// Nothing where the name is not one of ours.
std::optional<WorkName> parse_work_name(const std::string& name);

}  // namespace orrery::archive
