#include "orrery/archive/point_datasets.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

namespace orrery::archive {

void add_points(Layout& layout, const core::PointMap& points) {
  std::vector<std::int64_t> layer_numbers;
  std::vector<std::string> kinds;
  for (core::Point point(0); point.value() < points.size(); ++point) {
    layer_numbers.push_back(points.layer_of(point).value());
    kinds.emplace_back(core::name_of(points.kind_of(point)));
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
       .long_name = points.has(core::PointKind::pre_block)
                        ? "what the point stands before: pre_block: a layer; final: the last norm"
                        : "what the point stands before: pre_attention, pre_mlp; final: before the last norm",
       .values = std::move(kinds)});
}

core::PointMap read_points(const Reader& file) {
  for (const char* path : {"/points/layer", "/points/kind"}) {
    if (!file.has(path))
      throw core::bad_input("the file has no capture points", core::concat(file.path(), ": no ", path),
                            "the file is damaged: make it again");
  }
  const std::vector<std::int64_t> layers = file.read_integers("/points/layer");
  const std::vector<std::string> kinds = file.read_texts("/points/kind");
  if (layers.size() != kinds.size())
    throw core::bad_input("the file's capture points do not fit each other",
                          core::concat(file.path(), ": ", layers.size(), " layers, ", kinds.size(), " kinds"),
                          "the file is damaged: make it again");
  std::vector<core::CapturePoint> points;
  for (std::size_t s = 0; s < layers.size(); ++s)
    points.push_back({core::Layer(layers[s]), core::point_kind_from(kinds[s])});
  return core::PointMap(std::move(points));
}

}  // namespace orrery::archive
