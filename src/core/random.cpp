#include "orrery/core/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace orrery::core {

Random::Random(std::uint64_t seed, Purpose purpose, std::uint32_t first, std::uint32_t second)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      counter_{0, static_cast<std::uint32_t>(purpose), first, second} {}

void Random::seek(std::uint32_t block) {
  counter_[0] = block;
  used_ = words_.size();
  has_spare_ = false;
}

void Random::refill() {
  const r123::Philox4x32 philox;
  const r123::Philox4x32::ctr_type counter = {{counter_[0], counter_[1], counter_[2], counter_[3]}};
  const r123::Philox4x32::key_type key = {{key_[0], key_[1]}};
  const auto words = philox(counter, key);
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] = words[i];
  ++counter_[0];
  used_ = 0;
}

double Random::uniform() {
  const double high = bits() >> 5;
  const double low = bits() >> 6;
  return (high * 0x1p26 + low) * 0x1p-53;
}

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

}  // namespace orrery::core
