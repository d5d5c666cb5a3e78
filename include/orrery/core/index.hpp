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
using Point = Index<struct PointTag>;    ///< capture point, 0 … P − 1 (point_map.hpp)
using Sample = Index<struct SampleTag>;  ///< sample of the run, 0 … N − 1, in corpus order

}  // namespace orrery::core
