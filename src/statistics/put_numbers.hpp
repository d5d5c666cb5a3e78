#pragma once

#include "orrery/statistics/sample_statistics.hpp"
#include "orrery/statistics/trace_statistic.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

namespace orrery::statistics {

/// A view of whole numbers or reals.
template <class T>
at::Tensor view_of(const std::vector<T>& values, at::IntArrayRef shape) {
  constexpr at::ScalarType type = std::same_as<T, double>         ? at::kDouble
                                  : std::same_as<T, std::int64_t> ? at::kLong
                                                                  : at::kInt;
  static_assert(type != at::kInt || std::same_as<T, std::int32_t>);
  return at::from_blob(const_cast<T*>(values.data()), shape, type);
}

/// A whole dataset of one dimension; nothing where it has no entries, and so isn't in the file.
template <class T>
void put_line(const PutNumbers& to, const std::string& path, const std::vector<T>& values) {
  if (!values.empty()) to(path, {0}, view_of(values, {std::ssize(values)}));
}

/// A whole dataset of lines as long; nothing where it has no entries.
template <class T>
void put_lines(const PutNumbers& to, const std::string& path, const std::vector<T>& values,
               std::int64_t length) {
  if (!values.empty()) to(path, {0, 0}, view_of(values, {std::ssize(values) / length, length}));
}

/// PATH_mean and PATH_std.
void put_series(const PutNumbers& to, const std::string& path, const RowSeries& series);

/// A whole dataset from a tensor of its shape; nothing where it has no entries.
void put_whole(const PutNumbers& to, const std::string& path, const at::Tensor& numbers);

/// The columns of a dataset (length, D) that belong to `units`, ascending, from `columns` (length, u): in
/// runs of successive units.
void put_columns(const PutNumbers& to, const std::string& path, const at::Tensor& columns,
                 const std::vector<std::int64_t>& units);

}  // namespace orrery::statistics
