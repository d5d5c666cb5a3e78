#include "row_store.hpp"

#include "orrery/archive/trace_layout.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/statistics/tensor_values.hpp"
#include "orrery/trace/plan.hpp"

#include <span>

namespace orrery::trace {
namespace {

using archive::SharedFile;
using archive::Slab;
using statistics::values_of;
using statistics::values_to_fill;

constexpr const char* rows_path = "/residual/last_token";
constexpr const char* scores_path = "/pooled/score";

Slab slab_of(core::Sample sample, std::int64_t points, std::int64_t width) {
  return {{sample.value(), 0, 0}, {1, points, width}};
}

/// One hash from those of the pieces, in their order.
template <class HashOf>
std::uint64_t hash_of_all(const std::vector<core::Sample>& samples, const HashOf& hash_of) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) hash = hash * 31 + hash_of(i);
  return hash;
}

at::Tensor row_of(const statistics::SampleShard& rows, std::size_t i) {
  return rows.x[static_cast<std::int64_t>(i)];
}

}  // namespace

archive::Layout rows_layout(const TraceInput& input, const TraceOptions& options) {
  TraceOptions storing = options;
  storing.store = Store::rows;
  archive::Layout whole = layout_of(input, storing, /*ranks=*/1);
  return archive::split_off(whole, rows_path);
}

std::uint64_t write_rows(SharedFile& file, const statistics::SampleShard& rows) {
  return hash_of_all(rows.samples, [&](std::size_t i) {
    const at::Tensor row = row_of(rows, i);
    const Slab slab = slab_of(rows.samples[i], row.size(0), row.size(1));
    return row.scalar_type() == at::kDouble ? file.write(rows_path, slab, values_of<double>(row))
                                            : file.write(rows_path, slab, values_of<float>(row));
  });
}

std::uint64_t hash_of_rows(const SharedFile& file, const statistics::SampleShard& rows) {
  return hash_of_all(rows.samples, [&](std::size_t i) {
    return file.hash_of(rows_path, slab_of(rows.samples[i], rows.x.size(1), rows.x.size(2)));
  });
}

void read_rows(const SharedFile& file, statistics::SampleShard& rows) {
  for (std::size_t i = 0; i < rows.samples.size(); ++i) {
    at::Tensor row = row_of(rows, i);
    const Slab slab = slab_of(rows.samples[i], row.size(0), row.size(1));
    if (row.scalar_type() == at::kDouble) {
      file.read(rows_path, slab, values_to_fill<double>(row));
    } else {
      file.read(rows_path, slab, values_to_fill<float>(row));
    }
  }
}

std::uint64_t write_scores(SharedFile& file, const std::vector<core::Sample>& samples,
                           const at::Tensor& scores) {
  if (scores.numel() == 0) return 0;
  return hash_of_all(samples, [&](std::size_t i) {
    const at::Tensor one = scores[static_cast<std::int64_t>(i)];
    return file.write(scores_path, slab_of(samples[i], one.size(0), one.size(1)), values_of<float>(one));
  });
}

std::uint64_t hash_of_scores(const SharedFile& file, const std::vector<core::Sample>& samples,
                             std::int64_t points, std::int64_t components) {
  if (components == 0) return 0;
  return hash_of_all(samples, [&](std::size_t i) {
    return file.hash_of(scores_path, slab_of(samples[i], points, components));
  });
}

}  // namespace orrery::trace
