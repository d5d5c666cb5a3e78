#include "orrery/model/random_weights.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/random.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/model/safetensors.hpp"

#include <algorithm>
#include <charconv>

namespace orrery::model {
namespace {

constexpr std::int64_t normals_a_block = 2;  // of four words, two to a uniform number
constexpr std::int64_t longest_stream = normals_a_block << 32;
constexpr std::int64_t numbers_at_once = std::int64_t{1} << 16;  // stay in a core's cache

/// The first 32 bits of the SHA-256 of `name`.
std::uint32_t key_of(const std::string& name) {
  core::Sha256 hash;
  hash.update(name);
  const std::string digits = hash.hex();
  std::uint32_t key = 0;
  std::from_chars(digits.data(), digits.data() + 8, key, 16);
  return key;
}

}  // namespace

RandomWeights::RandomWeights(std::uint64_t seed, double spread) : seed_(seed), spread_(spread) {
  if (spread > 0) return;
  throw core::bad_input("config.json: initializer_range is not positive", core::concat(spread),
                        "random weights need a spread, as 0.02");
}

std::string RandomWeights::number_format(const std::string&) const {
  return "F64";
}

void RandomWeights::read(const std::string& name, std::span<const std::int64_t> shape,
                         std::int64_t rows_at_once, std::vector<std::byte>&, const Take& take) const {
  const std::int64_t rows = shape.front();
  const std::int64_t row = shape.size() > 1 ? shape[1] : 1;
  if (rows > longest_stream / row) {
    throw core::bad_input("a weight is too large to be drawn", core::concat(name, " ", shape_text(shape)),
                          core::concat("a tensor may have ", longest_stream, " numbers"));
  }
  const std::int64_t step = rows_at_once * std::max<std::int64_t>(1, numbers_at_once / (rows_at_once * row));
  std::vector<double> block(core::narrow<std::size_t>(std::min(step, rows) * row),
                            name.ends_with(".bias") ? 0.0 : 1.0);
  for (std::int64_t first = 0; first < rows; first += step) {
    const std::int64_t count = std::min(step, rows - first);
    const auto numbers = std::span(block).first(core::narrow<std::size_t>(count * row));
    if (shape.size() > 1) draw(name, first * row, numbers);
    take(first, count, std::as_bytes(numbers));
  }
}

void RandomWeights::draw(const std::string& name, std::int64_t first, std::span<double> into) const {
  core::Random random(seed_, core::Purpose::weight, key_of(name));
  random.seek(core::narrow<std::uint32_t>(first / normals_a_block));
  if (first % normals_a_block != 0) random.normal();
  for (double& number : into) number = spread_ * random.normal();
}

}  // namespace orrery::model
