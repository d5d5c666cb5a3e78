#pragma once

#include "orrery/core/error.hpp"
#include "orrery/parallel/communicator.hpp"

#include <functional>
#include <string_view>

namespace orrery::parallel {

/// How the ranks end after an error of which all know.
enum class Ending {
  in_order,  ///< MPI_Finalize included
  at_once    ///< by Environment::leave: a file is open that can't be closed, and MPI_Finalize would try to
};

/// Thrown on every rank by `agree`: all ranks know of it, so rank 0 speaks for all, and all end alike.
class AgreedError : public core::Error {
 public:
  /// An io error may be that of a write, after which nothing may be closed: it ends the ranks at once.
  AgreedError(core::ExitCode code, const std::string& message)
      : core::Error(code, message),
        ending_(code == core::ExitCode::io ? Ending::at_once : Ending::in_order) {}

  Ending ending() const noexcept { return ending_; }
  /// The same error where a file is left open.
  AgreedError with_open_file() const {
    AgreedError error = *this;
    error.ending_ = Ending::at_once;
    return error;
  }

 private:
  Ending ending_;
};

/// The exception in flight as an error with an exit code: Error as it is, std::bad_alloc and LibTorch's
/// out-of-memory as `resources`, all else as `internal`, naming `phase` and `rank`.
core::Error error_in_flight(std::string_view phase, int rank);

/// Collective: runs `work`, which must not communicate, then agrees on whether it succeeded. Where any rank
/// threw, every rank throws the AgreedError of the lowest such rank; `phase` names the place in an internal
/// error.
void agree(const Communicator& ranks, std::string_view phase, const std::function<void()>& work);

}  // namespace orrery::parallel
