#include "trace_writer.hpp"

#include "orrery/statistics/tensor_values.hpp"

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace orrery::trace {
namespace {

using archive::SharedFile;
using archive::Slab;
using statistics::values_of;

/// A whole one-dimensional dataset; nothing where it has no entries, and so isn't in the file.
template <class T>
void write_line(SharedFile& file, const std::string& path, const std::vector<T>& values) {
  if (!values.empty()) file.write(path, {{0}, {std::ssize(values)}}, std::span<const T>(values));
}

void write_samples(SharedFile& file, const TraceInput& input) {
  std::vector<std::int64_t> lengths = input.lengths();
  std::vector<std::int64_t> offsets = {0};
  std::vector<std::int32_t> tokens;
  for (const auto& ids : input.tokens) {
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    offsets.push_back(std::ssize(tokens));
  }
  write_line(file, "/samples/row", input.corpus_lines);
  write_line(file, "/samples/characters", input.characters);
  write_line(file, "/samples/length", lengths);
  if (input.measured == model::Measured::last_token) write_line(file, "/samples/position", input.positions());
  write_line(file, "/samples/token_offset", offsets);
  write_line(file, "/samples/token", tokens);
}

/// Entries that one rank has, from `first` on.
void write_numbers(SharedFile& file, const std::string& path, const std::vector<std::int64_t>& first,
                   const at::Tensor& numbers) {
  if (numbers.numel() == 0) return;  // such a dataset isn't in the file
  const at::Tensor values = numbers.contiguous();
  const Slab slab = {first, values.sizes().vec()};
  switch (values.scalar_type()) {
    case at::kDouble:
      file.write(path, slab, values_of<double>(values));
      break;
    case at::kFloat:
      file.write(path, slab, values_of<float>(values));
      break;
    case at::kInt:
      file.write(path, slab, values_of<std::int32_t>(values));
      break;
    default:
      file.write(path, slab, values_of<std::int64_t>(values));
  }
}

}  // namespace

void write_trace(SharedFile& file, const statistics::StatisticRun& run, const TraceInput& input,
                 const statistics::TraceStatistics& statistics) {
  if (run.ranks.is_root()) write_samples(file, input);
  for (const auto& one : statistics.all) {
    one->put(run, statistics.moments,
             [&](const std::string& path, const std::vector<std::int64_t>& first, const at::Tensor& numbers) {
               write_numbers(file, path, first, numbers);
             });
  }
}

}  // namespace orrery::trace
