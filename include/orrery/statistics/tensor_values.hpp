#pragma once

#include "orrery/core/narrow.hpp"

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

/// The numbers of a contiguous tensor of that type, to read.
template <class T>
std::span<const T> values_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), core::narrow<std::size_t>(tensor.numel())};
}

/// The same, to fill.
template <class T>
std::span<T> values_to_fill(at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<T>(), core::narrow<std::size_t>(tensor.numel())};
}

}  // namespace orrery::statistics
