#include "point_datasets.hpp"

#include "orrery/core/index.hpp"

namespace orrery::archive {

void add_points(Layout& layout, std::int64_t layers) {
  std::vector<std::int64_t> layer_numbers;
  std::vector<std::string> kinds;
  for (core::Point point(0); point.value() < core::point_count(layers); ++point) {
    layer_numbers.push_back(core::layer_of(point).value());
    kinds.emplace_back(core::name_of(core::kind_of(point, layers)));
  }
  layout.datasets.push_back(
      {.path = "/points/layer",
       .type = ElementType::int32,
       .dimensions = {"point"},
       .long_name = "decoder layer of the point; the final point has the number of layers",
       .values = std::move(layer_numbers)});
  layout.datasets.push_back(
      {.path = "/points/kind",
       .type = ElementType::text,
       .dimensions = {"point"},
       .long_name = "what the point stands before: pre_attention, pre_mlp; final: before the last norm",
       .values = std::move(kinds)});
}

}  // namespace orrery::archive
