#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>

namespace orrery::statistics {

/// The bytes of a contiguous tensor, to send.
inline std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

/// The bytes of a contiguous tensor, to fill.
inline std::span<std::byte> bytes_to_fill(at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()};
}

}  // namespace orrery::statistics
