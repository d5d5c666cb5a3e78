#pragma once

#include <array>
#include <cstddef>

namespace orrery::statistics {

/// What a unit's turns are held against, with keys as core::Purpose has them.
enum class RotationNull : std::size_t {
  points,  ///< the S values permuted
  layers,  ///< the layers permuted, the points of a layer together in order
  steps,   ///< the S − 1 differences permuted, and summed up from a[0]
  signs,   ///< each difference in its place, with a random sign
};
constexpr std::size_t rotation_nulls = 4;

/// How a null is called.
struct RotationNullName {
  RotationNull null;
  const char* suffix;  ///< of its datasets, and of its numbers in the headline
  const char* drawn;   ///< at a tick: what is drawn at random
  const char* words;   ///< in a table or a legend
  const char* draw;    ///< for long_name: what a draw is
};
constexpr std::array<RotationNullName, rotation_nulls> rotation_null_names = {{
    {RotationNull::points, "", "points", "points permuted", "the S points of a in random order"},
    {RotationNull::layers, "_layer", "layers", "layers permuted",
     "the L layers of a in random order, the points of a layer together"},
    {RotationNull::steps, "_step", "steps", "steps permuted",
     "the S - 1 steps of a in random order, summed up from a[0]"},
    {RotationNull::signs, "_sign", "signs", "steps of random sign",
     "each step of a in its place with a random sign, summed up from a[0]"},
}};

}  // namespace orrery::statistics
