#include "natural.hpp"

#include <algorithm>
#include <bit>

namespace orrery::statistics {

Natural::Natural(std::uint64_t value)
    : limbs_{static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)} {
  trim();
}

Natural::Natural(std::span<const std::int64_t> limbs) : limbs_(limbs.begin(), limbs.end()) {
  trim();
}

void Natural::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

Natural Natural::operator*(const Natural& other) const {
  Natural product;
  product.limbs_.resize(limbs_.size() + other.limbs_.size());
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < other.limbs_.size(); ++j) {
      carry += std::uint64_t{limbs_[i]} * other.limbs_[j] + product.limbs_[i + j];
      product.limbs_[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    product.limbs_[i + other.limbs_.size()] = static_cast<std::uint32_t>(carry);
  }
  product.trim();
  return product;
}

Natural Natural::operator-(const Natural& other) const {
  Natural difference = *this;
  std::int64_t borrow = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    borrow += std::int64_t{limbs_[i]} - (i < other.limbs_.size() ? other.limbs_[i] : 0);
    difference.limbs_[i] = static_cast<std::uint32_t>(borrow);
    borrow >>= 32;
  }
  difference.trim();
  return difference;
}

Natural Natural::shifted(int bits) const {
  Natural result = *this * Natural(std::uint64_t{1} << bits % 32);
  result.limbs_.insert(result.limbs_.begin(), bits / 32, 0);
  result.trim();
  return result;
}

std::strong_ordering Natural::operator<=>(const Natural& other) const {
  if (limbs_.size() != other.limbs_.size()) return limbs_.size() <=> other.limbs_.size();
  return std::lexicographical_compare_three_way(limbs_.rbegin(), limbs_.rend(), other.limbs_.rbegin(),
                                                other.limbs_.rend());
}

std::int64_t Natural::length() const {
  return limbs_.empty() ? 0 : 32 * std::ssize(limbs_) - std::countl_zero(limbs_.back());
}

Natural::Rounded Natural::rounded() const {
  constexpr std::int64_t precision = 53;
  const std::int64_t dropped = std::max<std::int64_t>(0, length() - precision);
  std::uint64_t significand = 0;
  for (std::int64_t place = length(); place-- > dropped;) significand = significand << 1 | bit(place);
  if (dropped > 0 && bit(dropped - 1)) {
    bool above_half = false;
    for (std::int64_t place = 0; place + 1 < dropped && !above_half; ++place) above_half = bit(place);
    significand += above_half || (significand & 1) != 0 ? 1 : 0;  // 2⁵³ is as good a double as the others
  }
  return {static_cast<double>(significand), static_cast<int>(dropped)};
}

}  // namespace orrery::statistics
