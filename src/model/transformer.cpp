#include "orrery/model/transformer.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

namespace orrery::model {

at::Tensor Transformer::logits(const BatchState& state) const {
  return logits(at::index_select(state.stream, 0, state.measured));
}

at::Tensor empty_padded(std::int64_t rows, std::int64_t columns, const at::TensorOptions& options) {
  at::Tensor padded = at::empty({padded_rows(rows), columns}, options);
  padded.narrow(0, rows, padded.size(0) - rows).zero_();
  return padded;
}

at::Tensor select_padded(const at::Tensor& from, const at::Tensor& rows) {
  at::Tensor into = empty_padded(rows.size(0), from.size(1), from.options());
  into.narrow(0, 0, rows.size(0)).copy_(at::index_select(from, 0, rows));
  return into;
}

std::vector<std::int64_t> measured_rows(const Batch& batch, Measured measured) {
  const std::int64_t tokens = batch.tokens.size(1);
  std::vector<std::int64_t> rows;
  for (std::int64_t b = 0; b < std::ssize(batch.lengths); ++b) {
    const std::int64_t length = batch.lengths[static_cast<std::size_t>(b)];
    for (std::int64_t t = measured == Measured::last_token ? length - 1 : batch.leading; t < length; ++t) {
      rows.push_back(b * tokens + t);
    }
  }
  return rows;
}

at::Tensor all_places(const Continuation& rows, at::Device device) {
  return at::arange(rows.rows(), at::TensorOptions().dtype(at::kLong).device(device));
}

}  // namespace orrery::model
