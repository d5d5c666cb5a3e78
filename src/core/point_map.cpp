#include "orrery/core/point_map.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace orrery::core {
namespace {

constexpr std::array kinds = {
    std::pair(PointKind::pre_attention, "pre_attention"), std::pair(PointKind::pre_mlp, "pre_mlp"),
    std::pair(PointKind::pre_block, "pre_block"), std::pair(PointKind::final, "final")};

}  // namespace

const char* name_of(PointKind kind) {
  return std::ranges::find(kinds, kind, &std::pair<PointKind, const char*>::first)->second;
}

PointKind point_kind_from(const std::string& name) {
  for (const auto& [kind, text] : kinds) {
    if (name == text) return kind;
  }
  throw bad_input("a capture point is of no known kind", name,
                  "pre_attention, pre_mlp, pre_block and final are");
}

PointMap::PointMap(std::vector<CapturePoint> points) : points_(std::move(points)) {
  const auto refuse = [](const std::string& seen) {
    throw bad_input("the capture points are not those of a model", seen,
                    "layers ascend from 0 on, the final point is the last");
  };
  if (points_.empty()) refuse("no points");
  Layer layer(0);
  for (std::size_t s = 0; s < points_.size(); ++s) {
    const CapturePoint& point = points_[s];
    const bool is_last = s + 1 == points_.size();
    // Each layer has a point, its input: the next one begins a layer, or goes on in the last that began.
    const bool begins = first_.size() == static_cast<std::size_t>(point.layer.value());
    const bool goes_on = s > 0 && point.layer == layer && points_[s - 1].kind < point.kind;
    if ((!begins && !goes_on) || (is_last && !begins) || is_last != (point.kind == PointKind::final))
      refuse(concat("point ", s, ": layer ", point.layer.value(), ", ", name_of(point.kind)));
    if (begins) first_.emplace_back(static_cast<std::int64_t>(s));
    layer = point.layer;
  }
}

PointMap PointMap::of_layers(std::int64_t layers, const std::vector<PointKind>& kinds) {
  std::vector<CapturePoint> points;
  for (Layer layer; layer.value() < layers; ++layer) {
    for (const PointKind kind : kinds) points.push_back({layer, kind});
  }
  points.push_back({Layer(layers), PointKind::final});
  return PointMap(std::move(points));
}

bool PointMap::has(PointKind kind) const {
  return std::ranges::find(points_, kind, &CapturePoint::kind) != points_.end();
}

std::vector<std::int64_t> PointMap::in_order_of(const std::vector<std::int64_t>& shown) const {
  std::vector<std::int64_t> order;
  for (const std::int64_t layer : shown) {
    const std::int64_t end = first_of(Layer(layer + 1)).value();
    for (std::int64_t s = first_of(Layer(layer)).value(); s < end; ++s) order.push_back(s);
  }
  order.push_back(final_point().value());
  return order;
}

double PointMap::depth(double s) const {
  if (layers() == 0) return 0;
  const auto before = std::clamp(static_cast<std::int64_t>(std::floor(s)), std::int64_t{0}, size() - 2);
  const Layer layer = layer_of(Point(before));
  const auto first = static_cast<double>(first_of(layer).value());
  const auto next = static_cast<double>(first_of(Layer(layer.value() + 1)).value());
  return static_cast<double>(layer.value()) + (s - first) / (next - first);
}

}  // namespace orrery::core
