#pragma once

#include "orrery/core/error.hpp"
#include "orrery/parallel/communicator.hpp"

#include <functional>
#include <string_view>

namespace orrery::parallel {

/// Thrown on every rank by `agree`: all ranks know of it, so all can shut down cleanly and rank 0 reports it.
class AgreedError : public core::Error {
 public:
  using core::Error::Error;
};

/// The exception in flight as an error with an exit code: Error as it is, std::bad_alloc and LibTorch's
/// out-of-memory as `resources`, all else as `internal`, naming `phase` and `rank`.
core::Error error_in_flight(std::string_view phase, int rank);

/// Collective: runs `work`, which must not communicate, then agrees on whether it succeeded. Where any rank
/// threw, every rank throws the AgreedError of the lowest such rank; `phase` names the place in an internal
/// error.
void agree(const Communicator& ranks, std::string_view phase, const std::function<void()>& work);

}  // namespace orrery::parallel
