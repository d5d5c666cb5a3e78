#pragma once

#include "orrery/core/index.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::core {

/// What a capture point stands before: a layer's attention or MLP, a whole layer that has one point alone, or
/// the model's last norm.
enum class PointKind { pre_attention, pre_mlp, pre_block, final };

/// "pre_attention", "pre_mlp", "pre_block" or "final": the strings of `/points/kind`.
const char* name_of(PointKind kind);
/// Throws bad_input of any other string.
PointKind point_kind_from(const std::string& name);

/// Where a capture point stands. The final point has layer L.
struct CapturePoint {
  Layer layer;
  PointKind kind;

  bool operator==(const CapturePoint&) const = default;
};

/// The capture points of a model, in the order of its forward pass: those of each of its L layers, and the
/// final one. Who wants to know how many there are, or which belong together, asks here.
class PointMap {
 public:
  /// No layer: the final point alone.
  PointMap() : PointMap({{Layer(0), PointKind::final}}) {}
  /// Throws bad_input unless layers ascend from 0 on, each with points of different kinds in the order of
  /// PointKind, and the final point, and it alone, comes last.
  explicit PointMap(std::vector<CapturePoint> points);
  /// Of a model whose `layers` layers have points of the same kinds.
  static PointMap of_layers(std::int64_t layers, const std::vector<PointKind>& kinds);

  std::int64_t size() const { return std::ssize(points_); }             ///< P
  std::int64_t layers() const { return points_.back().layer.value(); }  ///< L
  Point final_point() const { return Point(size() - 1); }
  Layer layer_of(Point point) const { return at(point).layer; }
  PointKind kind_of(Point point) const { return at(point).kind; }
  bool has(PointKind kind) const;
  /// A layer's input, where what enters it can be replaced. Its points end before `first_of` the next one;
  /// layer L is the final point.
  Point first_of(Layer layer) const { return first_.at(static_cast<std::size_t>(layer.value())); }
  /// Whether the step from `point` to the next one stays in its layer.
  bool stays_in_layer(Point point) const { return layer_of(point) == layer_of(Point(point.value() + 1)); }
  /// The points in order of layers `shown`, the points of a layer together in theirs, the final one last. Of
  /// all layers, each once.
  std::vector<std::int64_t> in_order_of(const std::vector<std::int64_t>& shown) const;
  /// Where place `s` (0 … P − 1, or between two points) stands on an axis of layers: a layer's points at
  /// equal distances.
  double depth(double s) const;

 private:
  const CapturePoint& at(Point point) const { return points_.at(static_cast<std::size_t>(point.value())); }

  std::vector<CapturePoint> points_;
  std::vector<Point> first_;  ///< of layers 0 … L
};

}  // namespace orrery::core
