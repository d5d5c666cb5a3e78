#pragma once

#include <compare>
#include <cstdint>

namespace orrery::core {

/// A number that counts one kind of thing, so that a layer can't be passed as a token.
template <class Tag>
class Index {
 public:
  constexpr Index() = default;
  constexpr explicit Index(std::int64_t value) : value_(value) {}
  constexpr std::int64_t value() const { return value_; }
  constexpr Index& operator++() {
    ++value_;
    return *this;
  }
  constexpr auto operator<=>(const Index&) const = default;

 private:
  std::int64_t value_ = 0;
};

using Layer = Index<struct LayerTag>;    ///< decoder layer, 0 … L − 1
using Point = Index<struct PointTag>;    ///< capture point, 0 … 2L
using Sample = Index<struct SampleTag>;  ///< sample of the run, 0 … N − 1, in corpus order

/// What a capture point stands before (science.md, notation).
enum class PointKind { pre_attention, pre_mlp, final };

/// Number of capture points of a model with `layers` decoder layers: P = 2L + 1.
constexpr std::int64_t point_count(std::int64_t layers) {
  return 2 * layers + 1;
}
constexpr Point pre_attention(Layer layer) {
  return Point(2 * layer.value());
}
constexpr Point pre_mlp(Layer layer) {
  return Point(2 * layer.value() + 1);
}
constexpr Point final_point(std::int64_t layers) {
  return Point(2 * layers);
}
/// The layer that a point belongs to; the final point has layer L.
constexpr Layer layer_of(Point point) {
  return Layer(point.value() / 2);
}
constexpr PointKind kind_of(Point point, std::int64_t layers) {
  if (point == final_point(layers)) return PointKind::final;
  return point.value() % 2 == 0 ? PointKind::pre_attention : PointKind::pre_mlp;
}
/// "pre_attention", "pre_mlp" or "final": the strings of `/points/kind`.
constexpr const char* name_of(PointKind kind) {
  switch (kind) {
    case PointKind::pre_attention:
      return "pre_attention";
    case PointKind::pre_mlp:
      return "pre_mlp";
    case PointKind::final:
      break;
  }
  return "final";
}

}  // namespace orrery::core
