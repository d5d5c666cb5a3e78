#pragma once

#include "orrery/parallel/communicator.hpp"

#include <functional>
#include <span>
#include <vector>

namespace orrery::parallel {

/// Collective: an all-to-all that holds one partner's block at a time. For each rank p, in an order that
/// depends on the ranks alone, `pack(p)` returns what goes to p, and `unpack(p, block)` takes what came from
/// p (which may be this rank itself). Neither may communicate or throw.
template <class T>
void exchange(const Communicator& ranks, const std::function<std::vector<T>(int)>& pack,
              const std::function<void(int, std::span<const T>)>& unpack) {
  static_assert(std::is_trivially_copyable_v<T>);
  for (int shift = 0; shift < ranks.size(); ++shift) {
    const int to = (ranks.rank() + shift) % ranks.size();
    const int from = (ranks.rank() - shift + ranks.size()) % ranks.size();
    const std::vector<T> mine = pack(to);
    if (shift == 0) {
      unpack(from, mine);
      continue;
    }
    const std::vector<std::byte> theirs = ranks.send_receive(std::as_bytes(std::span(mine)), to, from);
    unpack(from, {reinterpret_cast<const T*>(theirs.data()), theirs.size() / sizeof(T)});
  }
}

}  // namespace orrery::parallel
