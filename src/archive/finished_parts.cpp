// What the parts of a sweep leave for the run that joins them.
#include "orrery/archive/output.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"
#include "work_names.hpp"

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;

/// "0/8, 3/8, 5/8, …" where any file of parts is missing.
void check_none_missing(const fs::path& folder, const std::vector<fs::path>& files) {
  constexpr std::int64_t most_named = 20;
  std::int64_t missing = 0;
  std::string named;
  for (std::size_t number = 0; number < files.size(); ++number) {
    if (!files[number].empty() || ++missing > most_named) continue;
    named += core::concat(missing > 1 ? ", " : "", number, "/", files.size());
  }
  if (missing > most_named) named += core::concat(" and ", missing - most_named, " more");
  if (missing == std::ssize(files)) {
    throw core::bad_input("there are no finished parts to join", folder.string(),
                          "run all parts first, with --part");
  }
  if (missing > 0) {
    throw core::bad_input("parts are missing, or being made again",
                          core::concat(folder.string(), ": ", named), "run them with --part, then join");
  }
}

}  // namespace

FinishedParts finished_parts(const fs::path& out) {
  const fs::path folder = work_folder(out);
  FinishedParts parts;
  std::vector<std::int64_t> begun;
  for (const std::string& name : names_in(folder)) {
    const std::optional<WorkName> work = parse_work_name(name);
    if (!work || !work->part) continue;
    const Part& part = *work->part;
    if (parts.count != 0 && part.count != parts.count) {
      throw core::bad_input("parts of two runs lie in one folder",
                            core::concat(folder.string(), ": of ", parts.count, " and of ", part.count),
                            "remove those of one, or make them with another --out");
    }
    parts.count = part.count;
    parts.files.resize(core::narrow<std::size_t>(part.count));
    if (work->file == finished_file) parts.files[core::narrow<std::size_t>(part.number)] = folder / name;
    if (work->file == work_files.front()) begun.push_back(part.number);
  }
  // A part that is being rerun will replace the existing one.
  for (const std::int64_t number : begun) parts.files[core::narrow<std::size_t>(number)].clear();
  check_none_missing(folder, parts.files);
  return parts;
}

}  // namespace orrery::archive
