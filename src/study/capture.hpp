#pragma once

#include "orrery/model/llama.hpp"

#include <ATen/core/Tensor.h>

namespace orrery::study {

/// Copies the measured rows of each capture point into `rows`: (n, P, D), the tile's samples in order.
class Capture final : public model::StreamVisitor {
 public:
  explicit Capture(at::Tensor rows) : rows_(std::move(rows)) {}

  void at_point(core::Point point, const model::StreamView& view) override {
    rows_.select(1, point.value()).copy_(view.stream.index_select(0, view.measured));
  }

 private:
  at::Tensor rows_;
};

}  // namespace orrery::study
