#include "orrery/parallel/agreement.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/failpoint.hpp"
#include "orrery/core/heartbeat.hpp"

#include <filesystem>
#include <limits>
#include <new>
#include <optional>

namespace orrery::parallel {

core::Error error_in_flight(std::string_view phase, int rank) {
  const auto place = [&](const std::string& what) {
    return core::concat(phase, ", rank ", rank, ": ", what);
  };
  try {
    throw;
  } catch (const core::Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return core::resource_error(
        "out of memory", place("an allocation failed"),
        "use more ranks or nodes, fewer samples or --order layers; `orrery plan` says what is needed");
  } catch (const std::filesystem::filesystem_error& error) {
    return core::io_error("the file system refuses a call", place(error.what()),
                          "see to the disk and to the rights of files and folders");
  } catch (const std::exception& error) {
    const std::string words = error.what();
    const std::string first = words.substr(0, words.find('\n'));
    if (first.find("out of memory") != std::string::npos ||
        first.find("can't allocate memory") != std::string::npos) {
      return core::resource_error("out of memory", place(first),
                                  "use more ranks or nodes, or --order layers");
    }
    return core::internal_error("internal error", place(first), "please report it with the command line");
  } catch (...) {
    return core::internal_error("internal error", place("an exception of unknown type"), "please report it");
  }
}

void agree(const Communicator& ranks, std::string_view phase, const std::function<void()>& work) {
  std::optional<core::Error> mine;
  core::enter_phase(phase);
  try {
    core::failpoint(phase);
    work();
  } catch (...) {
    mine = error_in_flight(phase, ranks.rank());
  }
  constexpr std::int64_t nobody = std::numeric_limits<std::int64_t>::max();
  const std::int64_t failed = ranks.min(mine ? ranks.rank() : nobody);
  if (failed == nobody) return;
  const int speaker = static_cast<int>(failed);
  const std::string message = ranks.broadcast(mine ? mine->what() : std::string(), speaker);
  const std::string code =
      ranks.broadcast(mine ? std::to_string(static_cast<int>(mine->code())) : std::string(), speaker);
  throw AgreedError(static_cast<core::ExitCode>(std::stoi(code)), message);
}

}  // namespace orrery::parallel
