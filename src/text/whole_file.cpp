#include "orrery/text/whole_file.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/read_file.hpp"
#include "orrery/text/file_kind.hpp"

#include <span>

namespace orrery::text {

std::string read_whole_file(const std::filesystem::path& path, std::int64_t limit) {
  const core::ReadFile file(path);
  if (file.size() > limit) {
    throw core::bad_input(
        path.filename().string() + " is too large",
        core::concat(path.string(), " has ", file.size(), " bytes, at most ", limit, " are read"),
        "check that it is the file you mean");
  }
  std::string bytes(core::narrow<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

void require_no_other_kind(std::string_view bytes, const std::string& file) {
  if (const auto kind = file_kind(bytes)) {
    throw core::bad_input(file + " is not what its name says", "it is " + kind->name, kind->advice);
  }
}

}  // namespace orrery::text
