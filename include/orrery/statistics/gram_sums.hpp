#pragma once

#include "orrery/core/state.hpp"
#include "orrery/parallel/communicator.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace orrery::statistics {

/// An integer of 128 bits, which ISO C++ does not know.
__extension__ typedef __int128 Int128;

/// Writes q[i] = (x[i] − shift[i])·density[i] + dither to the nearest integer, ties to even, for `count`
/// numbers, float or double; `density` holds powers of two. With a dither between −1/2 and 1/2 of 21 bits,
/// integers stay as they are. Returns whether all |q| ≤ Quanta::headroom; a NaN is not.
template <class T>
bool quantise(const T* x, std::int64_t count, const double* shift, const double* density, double dither,
              double* q);

/// Exact sums of products of rows of integers: for each of `batch` items the symmetric matrix S_ij = Σ_n q_ni
/// q_nj (side × side) and the vector S_i = Σ_n q_ni, whoever adds which rows and in whatever order.
///
/// Rows are multiplied in double precision, in chunks closed before any Σ q² passes 2⁵³: by Cauchy and
/// Schwarz every partial sum of every entry is then an integer that a double holds, in whatever order the
/// product adds up. Rows with numbers above 2²⁶, whose squares alone pass it, are multiplied in two parts.
/// Products are added in a word of 64 bits. A second one of 32 takes over all but its 48 lowest before a
/// diagonal can pass 2⁶²; it is there from the first row on, so that memory does not depend on what comes.
/// Each row of [S_ij | S_i] has its sum Σ_n q_ni (Σ_j q_nj + 1) kept beside
/// it, from other arithmetic: what went wrong in a matrix, or on its way, is found.
///
/// The matrix is kept in panels of `panel` rows, each from its diagonal block on: little more than half of
/// it.
class GramSums {
 public:
  static constexpr std::int64_t panel = 128;

  /// Sums of nothing. `limit` is the diagonal at which the second word takes over; tests lower it, to 2⁵⁵ at
  /// least.
  GramSums(std::int64_t batch, std::int64_t side, std::int64_t limit = std::int64_t{1} << 62);

  /// The bytes that one holds.
  static std::int64_t bytes(std::int64_t batch, std::int64_t side);

  std::int64_t batch() const { return std::ssize(items_); }
  std::int64_t side() const { return side_; }

  /// Adds rows q (m, side), float64 and contiguous, integers with |q| ≤ Quanta::headroom; others throw
  /// internal_error. Safe for several threads on different items; on one item they need a lock.
  void add(std::int64_t item, const at::Tensor& q);

  /// Collective: brings the sums of items first … first + count − 1 over all ranks to `owner`, who compares
  /// them with their checksums; where they differ, throws internal_error that names the item, on all ranks,
  /// as where a sum passes 2⁷⁹ or N S_ii 2¹²⁶ (2³⁴ rows of spread 2²² do not).
  /// The others give the items' memory back. Once an item, after its last `add`; the results below are the
  /// owner's. Small items are quicker by the dozen.
  void reduce(const parallel::Communicator& ranks, std::int64_t first, int owner, std::int64_t count = 1);
  /// Collective: the same for sums that are not complete: the others' items are empty then, and all may add
  /// more.
  void gather(const parallel::Communicator& ranks, std::int64_t first, int owner, std::int64_t count = 1);

  /// Writes the items that have rows: after `gather`, those of this rank.
  void save(core::StateWriter& state);
  /// Adds what sums of the same size have saved. Throws bad_input where they were of another.
  void add_saved(core::StateReader& state);

  std::int64_t rows(std::int64_t item) const { return items_[item].rows; }
  /// S_i, rounded once.
  double sum(std::int64_t item, std::int64_t i) const;
  /// N S_ij − S_i S_j = N Σ_n (q_ni − q̄_i)(q_nj − q̄_j), rounded once.
  double centred(std::int64_t item, std::int64_t i, std::int64_t j) const;
  /// Calls `take(i, values)` for i = first … first + height − 1, with centred(item, i, j) for j = i … side −
  /// 1.
  void centred_rows(std::int64_t item, std::int64_t first, std::int64_t height,
                    const std::function<void(std::int64_t, std::span<const double>)>& take) const;
  /// Gives the item's memory back.
  void release(std::int64_t item);

 private:
  enum class Others { release, empty };
  struct Item {
    std::vector<std::int64_t> low;   // panels, then S_i: the value is high · 2⁴⁸ + low
    std::vector<std::int32_t> high;  // the same
    std::vector<Int128> checks;      // (side)
    std::int64_t rows = 0;
    std::int64_t bound = 0;  // of |low|
  };

  Item empty_item() const;
  std::int64_t panel_begin(std::int64_t panel_index) const;
  std::int64_t place(std::int64_t i, std::int64_t j) const;
  std::int64_t sum_place(std::int64_t i) const;
  std::int64_t words() const { return sum_place(side_); }
  Int128 word(const Item& item, std::int64_t place) const;
  double centred(const Item& item, std::int64_t i, std::int64_t j) const;
  void add_product(Item& item, const at::Tensor& rows, std::int64_t bound) const;
  /// Adds what products of the narrow rest, which it returns, leave out. `greatest`: |q| of each row, then of
  /// the rest.
  at::Tensor add_wide(Item& item, const at::Tensor& q, std::vector<double>& greatest) const;
  void split_wide(Item& item, const std::vector<std::int64_t>& wide, double squares, at::Tensor& low) const;
  void add_lines(Item& item, const at::Tensor& q) const;
  template <class Multiply>
  void add_panels(Item& item, std::int64_t factor, const Multiply& multiply) const;
  void combine(const parallel::Communicator& ranks, std::int64_t first, int owner, std::int64_t count,
               Others others);
  void make_room(Item& item, std::int64_t bound) const;
  void spill(Item& item) const;
  void verify(const Item& item, std::int64_t index) const;

  std::int64_t side_;
  std::int64_t limit_;
  std::vector<Item> items_;
};

}  // namespace orrery::statistics
