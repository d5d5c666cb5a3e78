#include "halo.hpp"

#include "orrery/parallel/agreement.hpp"
#include "orrery/statistics/tensor_values.hpp"

#include <ATen/ops/empty.h>

#include <cstdint>

namespace orrery::statistics {

// Down the ranks: each sends its first point to the rank before it, one without points what it was sent.
at::Tensor next_point(const parallel::Communicator& ranks, const at::Tensor& x) {
  const bool has_points = x.size(0) > 0;
  at::Tensor next;
  parallel::agree(ranks, "a neighbouring point", [&] { next = at::empty(x.sizes().slice(1), x.options()); });
  const auto send = [&](bool there, const at::Tensor& tensor) {
    if (ranks.is_root()) return;
    const std::int64_t flag = there ? 1 : 0;
    ranks.send(std::as_bytes(std::span(&flag, 1)), ranks.rank() - 1);
    if (there) ranks.send(bytes_of(tensor), ranks.rank() - 1);
  };
  if (has_points) send(true, x.select(0, 0));
  std::int64_t there = 0;
  if (ranks.rank() + 1 < ranks.size()) {
    ranks.receive(std::as_writable_bytes(std::span(&there, 1)), ranks.rank() + 1);
    if (there != 0) ranks.receive(bytes_to_fill(next), ranks.rank() + 1);
  }
  if (!has_points) send(there != 0, next);
  return has_points && there != 0 ? next : at::Tensor();
}

}  // namespace orrery::statistics
