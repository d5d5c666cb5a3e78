#pragma once

#include "orrery/model/transformer.hpp"

#include <ATen/core/Tensor.h>

#include <utility>

namespace orrery::model {

/// The visitor that keeps the stream: copies the measured rows of each capture point into `rows`, (m, P, D)
/// on the CPU, and converts them to its format.
class Capture final : public StreamVisitor {
 public:
  explicit Capture(at::Tensor rows) : rows_(std::move(rows)) {}

  void at_point(core::Point point, const StreamView& view) override {
    rows_.select(1, point.value()).copy_(view.stream.index_select(0, view.measured));
  }

 private:
  at::Tensor rows_;
};

}  // namespace orrery::model
