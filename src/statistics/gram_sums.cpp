#include "orrery/statistics/gram_sums.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/failpoint.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/statistics/quanta.hpp"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace orrery::statistics {
namespace {

constexpr double largest_sum_of_squares = 0x1p53;
constexpr double narrow = 0x1p26;  // whose square is less
constexpr double half_width = 0x1p15;  // wide numbers are high · 2¹⁵ + low, |high| ≤ 2¹⁵, |low| ≤ 2¹⁴
constexpr double wide_squares = 0x1p60;  // of a wide product, when it is closed; then its entries are ≤ 2⁴⁶
constexpr int word_bits = 48;            // that stay in the low word; of 2¹⁵ ranks they add up
constexpr std::int64_t low_mask = (std::int64_t{1} << word_bits) - 1;

void add_to(std::int64_t* words, const double* values, std::int64_t count, std::int64_t factor) {
  for (std::int64_t k = 0; k < count; ++k) {
    words[k] += static_cast<std::int64_t>(values[k]) * factor;
  }
}

// An Int128 below 2¹²⁰ as three words, whose sums over ranks don't overflow.
constexpr int piece_bits = 43;

std::array<std::int64_t, 3> pieces(Int128 value) {
  constexpr Int128 mask = (Int128{1} << piece_bits) - 1;
  return {static_cast<std::int64_t>(value & mask), static_cast<std::int64_t>(value >> piece_bits & mask),
          static_cast<std::int64_t>(value >> 2 * piece_bits)};
}

Int128 joined(const std::int64_t* pieces) {
  return Int128{pieces[0]} + (Int128{pieces[1]} << piece_bits) + (Int128{pieces[2]} << 2 * piece_bits);
}

core::Error internal_fault(const std::string& problem, const std::string& seen) {
  return core::internal_error(problem, seen, "please report it with the command line");
}

/// The greatest |q| of each row. Throws where one is beyond the headroom, or NaN.
std::vector<double> greatest_of_rows(const at::Tensor& q) {
  std::vector<double> greatest;
  const double* row = q.const_data_ptr<double>();
  for (std::int64_t n = 0; n < q.size(0); ++n, row += q.size(1)) {
    double largest = 0;
    std::int64_t beyond = 0;
    for (std::int64_t i = 0; i < q.size(1); ++i) {
      largest = std::max(largest, std::abs(row[i]));
      beyond += std::abs(row[i]) <= Quanta::headroom ? 0 : 1;
    }
    if (beyond > 0) throw internal_fault("a row is beyond what exact sums take", "|q| > 2^30");
    greatest.push_back(largest);
  }
  return greatest;
}

}  // namespace

// Adding and taking away 1.5 · 2⁵² rounds |v| < 2⁵¹ to integers; what is greater stays far beyond the
// headroom.
template <class T>
bool quantise(const T* x, std::int64_t count, const double* shift, const double* density, double dither,
              double* q) {
  constexpr double rounder = 0x1.8p52;
  std::int64_t beyond = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = (static_cast<double>(x[i]) - shift[i]) * density[i];
    q[i] = value + dither + rounder - rounder;
    beyond += std::abs(q[i]) <= Quanta::headroom ? 0 : 1;
  }
  return beyond == 0;
}

template bool quantise(const float* x, std::int64_t count, const double* shift, const double* density,
                       double dither, double* q);
template bool quantise(const double* x, std::int64_t count, const double* shift, const double* density,
                       double dither, double* q);

GramSums::GramSums(std::int64_t batch, std::int64_t side, std::int64_t limit)
    : side_(side), limit_(limit), items_(batch) {
  for (Item& item : items_) item = empty_item();
}

GramSums::Item GramSums::empty_item() const {
  Item item;
  item.low.resize(words());
  item.high.resize(words());
  item.checks.resize(side_);
  return item;
}

std::int64_t GramSums::bytes(std::int64_t batch, std::int64_t side) {
  constexpr std::int64_t two_words = sizeof(std::int64_t) + sizeof(std::int32_t);
  const GramSums shape(0, side);
  return batch * (shape.words() * two_words + side * static_cast<std::int64_t>(sizeof(Int128)));
}

// Panel p has rows p · panel … and columns p · panel … side − 1, and follows the ones above it.
std::int64_t GramSums::panel_begin(std::int64_t panel_index) const {
  return panel * (panel_index * side_ - panel * (panel_index * (panel_index - 1) / 2));
}

std::int64_t GramSums::place(std::int64_t i, std::int64_t j) const {
  const std::int64_t first = i / panel * panel;
  return panel_begin(i / panel) + (i - first) * (side_ - first) + (j - first);
}

std::int64_t GramSums::sum_place(std::int64_t i) const {
  const std::int64_t last = side_ % panel;  // rows of a panel that is not full
  return panel_begin(side_ / panel) + last * last + i;
}

void GramSums::add(std::int64_t item, const at::Tensor& q) {
  Item& sums = items_[item];
  std::vector<double> greatest = greatest_of_rows(q);
  const at::Tensor low = add_wide(sums, q, greatest);
  for (std::int64_t first = 0; first < q.size(0);) {
    std::int64_t rows = 0;
    double squares = 0;  // Σ q² of any column is at most this
    for (; first + rows < q.size(0); ++rows) {
      const double more = squares + greatest[first + rows] * greatest[first + rows];
      if (more > largest_sum_of_squares) break;
      squares = more;
    }
    add_product(sums, low.narrow(0, first, rows), static_cast<std::int64_t>(squares));
    first += rows;
  }
  add_lines(sums, q);
}

void GramSums::add_product(Item& item, const at::Tensor& rows, std::int64_t bound) const {
  make_room(item, bound);
  add_panels(item, 1, [&](at::Tensor& product, std::int64_t first, std::int64_t height) {
    at::mm_out(product, rows.narrow(1, first, height).t(), rows.narrow(1, first, side_ - first));
  });
}

at::Tensor GramSums::add_wide(Item& item, const at::Tensor& q, std::vector<double>& greatest) const {
  at::Tensor low = q;
  std::vector<std::int64_t> wide;
  double squares = 0;
  const auto close = [&] {
    if (low.is_same(q)) low = q.clone();
    split_wide(item, wide, squares, low);
    wide.clear();
    squares = 0;
  };
  for (std::int64_t n = 0; n < q.size(0); ++n) {
    if (greatest[n] <= narrow) continue;
    const double square = greatest[n] * greatest[n];
    if (squares + square > wide_squares) close();
    wide.push_back(n);
    squares += square;
    greatest[n] = half_width / 2;  // of what is left in `low`
  }
  if (!wide.empty()) close();
  return low;
}

// With q = h + l, h = 2¹⁵ high: Σ q_i q_j = Σ l_i l_j + 2¹⁵ Σ (high_i rest_j + rest_i high_j) where rest = l
// + h/2. The first sum is that of narrow rows, in whose place `low` is left.
void GramSums::split_wide(Item& item, const std::vector<std::int64_t>& wide, double squares,
                          at::Tensor& low) const {
  const at::Tensor high = at::empty({std::ssize(wide), side_}, at::kDouble);
  const at::Tensor rest = at::empty({std::ssize(wide), side_}, at::kDouble);
  double* to_high = high.mutable_data_ptr<double>();
  double* to_rest = rest.mutable_data_ptr<double>();
  for (const std::int64_t n : wide) {
    double* row = low.mutable_data_ptr<double>() + n * side_;
    for (std::int64_t i = 0; i < side_; ++i) {
      *to_high = std::nearbyint(row[i] / half_width);
      row[i] -= *to_high * half_width;
      *to_rest++ = row[i] + *to_high++ * (half_width / 2);
    }
  }
  make_room(item, 2 * static_cast<std::int64_t>(squares));  // and as much for what `low` takes away
  add_panels(item, static_cast<std::int64_t>(half_width),
             [&](at::Tensor& product, std::int64_t begin, std::int64_t height) {
               const auto lines = [&](const at::Tensor& a) { return a.narrow(1, begin, height).t(); };
               const auto columns = [&](const at::Tensor& a) { return a.narrow(1, begin, side_ - begin); };
               at::mm_out(product, lines(high), columns(rest));
               at::addmm_out(product, product, lines(rest), columns(high));
             });
}

template <class Multiply>
void GramSums::add_panels(Item& item, std::int64_t factor, const Multiply& multiply) const {
  const at::Tensor scratch = at::empty({std::min(panel, side_) * side_}, at::kDouble);
  for (std::int64_t first = 0; first < side_; first += panel) {
    const std::int64_t height = std::min(panel, side_ - first);
    const std::int64_t width = side_ - first;
    at::Tensor product = scratch.narrow(0, 0, height * width).view({height, width});
    multiply(product, first, height);
    add_to(item.low.data() + place(first, first), product.const_data_ptr<double>(), height * width, factor);
  }
}

void GramSums::add_lines(Item& item, const at::Tensor& q) const {
  std::vector<double> sums(side_);
  for (std::int64_t n = 0; n < q.size(0); ++n) {
    const double* row = q.const_data_ptr<double>() + n * side_;
    double total = 1;
    for (std::int64_t i = 0; i < side_; ++i) {
      sums[i] += row[i];
      total += row[i];
    }
    for (std::int64_t i = 0; i < side_; ++i) {
      item.checks[i] += Int128{static_cast<std::int64_t>(row[i])} * static_cast<std::int64_t>(total);
    }
  }
  make_room(item, q.size(0) * static_cast<std::int64_t>(Quanta::headroom));
  add_to(item.low.data() + sum_place(0), sums.data(), side_, 1);
  item.rows += q.size(0);
}

void GramSums::make_room(Item& item, std::int64_t bound) const {
  if (item.bound > limit_ - bound) spill(item);
  item.bound += bound;
}

// A second word that does not fit wraps, here and in `reduce`, and `verify` sees it: checks are of 128 bits.
void GramSums::spill(Item& item) const {
  for (std::size_t k = 0; k < item.low.size(); ++k) {
    item.high[k] = static_cast<std::int32_t>(item.high[k] + (item.low[k] >> word_bits));
    item.low[k] &= low_mask;
  }
  item.bound = low_mask;
}

void GramSums::reduce(const parallel::Communicator& ranks, std::int64_t first, int owner,
                      std::int64_t count) {
  combine(ranks, first, owner, count, Others::release);
}

void GramSums::gather(const parallel::Communicator& ranks, std::int64_t first, int owner,
                      std::int64_t count) {
  combine(ranks, first, owner, count, Others::empty);
}

void GramSums::combine(const parallel::Communicator& ranks, std::int64_t first, int owner, std::int64_t count,
                       Others others) {
  const std::span items = std::span(items_).subspan(first, count);
  // Second words go in 64 bits: the ranks' sum may not fit into 32.
  const std::int64_t line = words() + 3 * side_ + 1;  // an item's second words, checks and rows
  std::vector<std::int64_t> rest;
  parallel::agree(ranks, "exact sums", [&] {
    rest.reserve(count * line);
    for (Item& item : items) {
      core::failpoint("exact sums in memory", std::as_writable_bytes(std::span(item.low)));
      spill(item);
      rest.insert(rest.end(), item.high.begin(), item.high.end());
      for (const Int128 check : item.checks) {
        const auto three = pieces(check);
        rest.insert(rest.end(), three.begin(), three.end());
      }
      rest.push_back(item.rows);
    }
  });
  for (Item& item : items) ranks.reduce(std::span(item.low), owner);
  ranks.reduce(rest, owner);
  parallel::agree(ranks, "exact sums", [&] {
    const std::int64_t* sums = rest.data();
    for (std::int64_t k = 0; k < count; ++k) {
      if (ranks.rank() != owner) {
        items[k] = others == Others::release ? Item{} : empty_item();
        continue;
      }
      for (std::int32_t& word : items[k].high) word = static_cast<std::int32_t>(*sums++);
      for (Int128& check : items[k].checks) check = joined(std::exchange(sums, sums + 3));
      items[k].rows = *sums++;
      items[k].bound = ranks.size() * low_mask;
      verify(items[k], first + k);
    }
  });
}

void GramSums::verify(const Item& item, std::int64_t index) const {
  std::vector<Int128> sums(side_);
  for (std::int64_t i = 0; i < side_; ++i) {  // every word that is kept
    sums[i] += word(item, sum_place(i));
    const std::int64_t first = i / panel * panel;
    for (std::int64_t j = first; j < side_; ++j) {
      const Int128 product = word(item, place(i, j));
      sums[i] += product;
      if (j >= first + panel) sums[j] += product;  // kept on this side of the diagonal alone
    }
  }
  for (std::int64_t i = 0; i < side_; ++i) {
    if (static_cast<double>(item.rows) * static_cast<double>(word(item, place(i, i))) > 0x1p126) {
      throw internal_fault("exact sums of too many rows", core::concat(item.rows));
    }
    if (sums[i] == item.checks[i]) continue;
    throw internal_fault("exact sums differ from their checksums: memory or network changed them",
                         core::concat("item ", index, " of ", batch(), ", line ", i, " of ", side_));
  }
}

void GramSums::release(std::int64_t item) {
  items_[item] = Item{};
}

Int128 GramSums::word(const Item& item, std::int64_t place) const {
  return Int128{item.low[place]} + (Int128{item.high[place]} << word_bits);
}

double GramSums::sum(std::int64_t item, std::int64_t i) const {
  return static_cast<double>(word(items_[item], sum_place(i)));
}

double GramSums::centred(const Item& item, std::int64_t i, std::int64_t j) const {
  const std::int64_t product = place(std::min(i, j), std::max(i, j));
  const std::int64_t one = sum_place(i);
  const std::int64_t other = sum_place(j);
  return static_cast<double>(item.rows * word(item, product) - word(item, one) * word(item, other));
}

double GramSums::centred(std::int64_t item, std::int64_t i, std::int64_t j) const {
  return centred(items_[item], i, j);
}

void GramSums::centred_rows(std::int64_t item, std::int64_t first, std::int64_t height,
                            const std::function<void(std::int64_t, std::span<const double>)>& take) const {
  std::vector<double> values(side_);
  for (std::int64_t i = first; i < first + height; ++i) {
    for (std::int64_t j = i; j < side_; ++j) values[j] = centred(items_[item], i, j);
    take(i, std::span(values).subspan(i));
  }
}

}  // namespace orrery::statistics
