#include "orrery/statistics/exact_sum.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/not_a_number.hpp"

#include <boost/multiprecision/cpp_int.hpp>

#include <bit>
#include <cmath>

namespace orrery::statistics {
namespace {

using core::not_a_number;
constexpr std::int64_t limb_mask = 0xFFFFFFFF;
constexpr int least_exponent = -1074;  // of limb 0's last bit
// A term adds less than 2³² to a limb, and 2⁶³/2³² is twice this.
constexpr std::int32_t most_pending = std::int32_t{1} << 30;

core::Error not_finite(double value) {
  return core::internal_error("a number to be added up, or its square, is not finite", core::concat(value),
                              "please report it with the command line");
}

/// Carries, so that all limbs but the last are in 0 … 2³² − 1.
void carry(std::span<std::int64_t> limbs) {
  for (std::size_t k = 0; k + 1 < limbs.size(); ++k) {
    limbs[k + 1] += limbs[k] >> 32;
    limbs[k] &= limb_mask;
  }
}

/// Room for the square of an accumulator's 67 limbs. Without expression templates, which would make `auto` a
/// reference to temporaries.
using LongInteger = boost::multiprecision::number<
    boost::multiprecision::cpp_int_backend<4416, 4416, boost::multiprecision::signed_magnitude,
                                           boost::multiprecision::unchecked, void>,
    boost::multiprecision::et_off>;

LongInteger long_integer(std::span<const std::int64_t> limbs) {
  std::vector<std::int64_t> carried(limbs.begin(), limbs.end());
  carry(carried);
  const std::vector<std::uint32_t> low(carried.begin(), carried.end() - 1);
  LongInteger integer;
  import_bits(integer, low.data(), low.data() + low.size(), 32, false);
  return integer + (LongInteger(carried.back()) << 32 * low.size());
}

/// significand · 2^exponent, `significand` an integer of at most 53 bits.
struct Rounded {
  double significand = 0;
  int exponent = 0;
};

/// The nearest number of 53 bits, ties to even. `integer` is not negative.
Rounded rounded(const LongInteger& integer) {
  constexpr unsigned precision = 53;
  const unsigned length = integer == 0 ? 0 : msb(integer) + 1;
  if (length <= precision) return {static_cast<double>(integer), 0};
  const unsigned dropped = length - precision;
  LongInteger significand = integer >> dropped;
  const bool above_half = lsb(integer) < dropped - 1;
  if (bit_test(integer, dropped - 1) && (above_half || bit_test(significand, 0))) ++significand;
  return {static_cast<double>(significand), static_cast<int>(dropped)};
}

}  // namespace

ExactSums::ExactSums(std::int64_t size) : limbs_(size * limbs), counts_(size), pending_(size) {}

std::int64_t ExactSums::bytes(std::int64_t size) {
  return size * static_cast<std::int64_t>((limbs + 1) * sizeof(std::int64_t) + sizeof(std::int32_t));
}

void ExactSums::add(std::int64_t i, double value) {
  if (std::isnan(value)) return;
  accumulate(i, value);
  ++counts_[i];
}

void ExactSums::add_square(std::int64_t i, double value) {
  if (std::isnan(value)) return;
  const double high = value * value;
  if (!std::isfinite(high)) throw not_finite(high);
  accumulate(i, high);
  accumulate(i, std::fma(value, value, -high));
  ++counts_[i];
}

void ExactSums::accumulate(std::int64_t i, double value) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const int exponent = static_cast<int>(bits >> 52 & 0x7FF);
  if (exponent == 0x7FF) throw not_finite(value);
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
  const std::uint64_t mantissa = exponent == 0 ? fraction : fraction | std::uint64_t{1} << 52;
  const int position = exponent == 0 ? 0 : exponent - 1;  // of the mantissa's last bit
  const int shift = position % 32;
  const std::uint64_t low = mantissa << shift;
  const std::uint64_t high = mantissa >> 32 >> (32 - shift);  // what `low` lost: 21 bits at most
  std::int64_t* limb = limbs_.data() + i * limbs + position / 32;
  const std::int64_t sign = static_cast<std::int64_t>(bits) < 0 ? -1 : 1;
  limb[0] += sign * static_cast<std::int64_t>(low & limb_mask);
  limb[1] += sign * static_cast<std::int64_t>(low >> 32);
  limb[2] += sign * static_cast<std::int64_t>(high);
  if (++pending_[i] < most_pending) return;
  carry(number(i));
  pending_[i] = 1;
}

void ExactSums::merge(const ExactSums& other) {
  if (size() != other.size()) {
    throw core::internal_error("exact sums of different sizes can't be merged",
                               core::concat(size(), " and ", other.size()),
                               "please report it with the command line");
  }
  for (std::int64_t i = 0; i < size(); ++i) {
    counts_[i] += other.counts_[i];
    if (pending_[i] + std::int64_t{other.pending_[i]} >= most_pending) {
      carry(number(i));
      pending_[i] = 1;
    }
    pending_[i] += other.pending_[i];
    for (std::int64_t k = 0; k < limbs; ++k) number(i)[k] += other.number(i)[k];
  }
}

void ExactSums::reduce(const parallel::Communicator& ranks) {
  for (std::int64_t i = 0; i < size(); ++i) {
    carry(number(i));
    pending_[i] = ranks.size();
  }
  ranks.sum(limbs_);
  ranks.sum(counts_);
}

void ExactSums::save(core::StateWriter& state) const {
  state.put_all<std::int64_t>(limbs_);
  state.put_all<std::int64_t>(counts_);
  state.put_all<std::int32_t>(pending_);
}

void ExactSums::add_saved(core::StateReader& state) {
  ExactSums saved(size());
  state.take_all<std::int64_t>(saved.limbs_);
  state.take_all<std::int64_t>(saved.counts_);
  state.take_all<std::int32_t>(saved.pending_);
  merge(saved);
}

double ExactSums::sum(std::int64_t i) const {
  const LongInteger integer = long_integer(number(i));
  const auto [significand, exponent] = rounded(abs(integer));
  const double magnitude = std::ldexp(significand, exponent + least_exponent);
  return integer < 0 ? -magnitude : magnitude;
}

double ExactSums::mean(std::int64_t i) const {
  return counts_[i] > 0 ? sum(i) / static_cast<double>(counts_[i]) : not_a_number;
}

// n Σx² − (Σx)², as an integer in units of 2⁻²¹⁴⁸, then rounded once.
double ExactMoments::standard_deviation(std::int64_t i) const {
  const std::int64_t count = sums_.count(i);
  if (count < 2) return not_a_number;
  const LongInteger sum = long_integer(sums_.number(i));
  const LongInteger squares = long_integer(sums_.number(size_ + i));
  const LongInteger difference = (squares * count << -least_exponent) - sum * sum;
  if (difference <= 0) return 0;  // less only where squares were too small for a double
  auto [significand, exponent] = rounded(difference);
  exponent += 2 * least_exponent;
  if (exponent % 2 != 0) {  // a root halves it
    significand *= 2;
    --exponent;
  }
  const double n = static_cast<double>(count);
  return std::ldexp(std::sqrt(significand / n / (n - 1)), exponent / 2);
}

}  // namespace orrery::statistics
