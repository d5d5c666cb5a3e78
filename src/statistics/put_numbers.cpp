#include "put_numbers.hpp"

namespace orrery::statistics {

void put_series(const PutNumbers& to, const std::string& path, const RowSeries& series) {
  put_line(to, path + "_mean", series.mean);
  put_line(to, path + "_std", series.standard_deviation);
}

void put_whole(const PutNumbers& to, const std::string& path, const at::Tensor& numbers) {
  if (!numbers.defined() || numbers.numel() == 0) return;
  to(path, std::vector<std::int64_t>(static_cast<std::size_t>(numbers.dim())), numbers);
}

void put_columns(const PutNumbers& to, const std::string& path, const at::Tensor& columns,
                 const std::vector<std::int64_t>& units) {
  if (!columns.defined() || columns.size(0) == 0) return;
  const auto count = std::ssize(units);
  for (std::int64_t first = 0; first < count;) {
    std::int64_t end = first + 1;
    while (end < count && units[end] == units[end - 1] + 1) ++end;
    to(path, {0, units[first]}, columns.narrow(1, first, end - first));
    first = end;
  }
}

}  // namespace orrery::statistics
