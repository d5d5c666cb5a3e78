#include "orrery/statistics/gram_sums.hpp"

#include "orrery/core/error.hpp"
#include "orrery/schedule/workers.hpp"
#include "orrery/statistics/quanta.hpp"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace orrery::statistics {

namespace {

using parallel::Communicator;

/// What sums save, by the lists that they write, and hand on.
class Saved final : public core::StateWriter, public core::StateReader {
 public:
  explicit Saved(GramSums& sums) { sums.save(*this); }
  void write(std::span<const std::byte> bytes) override { lists_.emplace_back(bytes.begin(), bytes.end()); }
  void read(std::span<std::byte> bytes) override {
    std::copy_n(lists_.at(next_++).begin(), bytes.size(), bytes.begin());
  }
  /// Turns a bit of the only item's words and checks: of a list by its size, checks as two words each.
  void flip(std::mt19937_64& generator) {
    std::vector<std::byte>&low = lists_.at(5), &high = lists_.at(6), &checks = lists_.at(7);
    const std::size_t words = low.size() / sizeof(std::int64_t) + high.size() / sizeof(std::int32_t) +
                              2 * checks.size() / sizeof(Int128);
    const std::size_t word = generator() % words;
    std::vector<std::byte>& list = word < low.size() / sizeof(std::int64_t)            ? low
                                   : word < words - 2 * checks.size() / sizeof(Int128) ? high
                                                                                       : checks;
    list.at(generator() % list.size()) ^= static_cast<std::byte>(1U << generator() % 8);
  }

 private:
  std::vector<std::vector<std::byte>> lists_;
  std::size_t next_ = 0;
};

/// Rows of integers, and their sums by brute force.
struct Rows {
  std::int64_t count;
  std::int64_t side;
  std::vector<double> q;

  double at(std::int64_t n, std::int64_t i) const { return q[n * side + i]; }
  Int128 product(std::int64_t i, std::int64_t j) const {
    Int128 sum = 0;
    for (std::int64_t n = 0; n < count; ++n) {
      sum += Int128{static_cast<std::int64_t>(at(n, i))} * static_cast<std::int64_t>(at(n, j));
    }
    return sum;
  }
  Int128 sum(std::int64_t i) const {
    Int128 total = 0;
    for (std::int64_t n = 0; n < count; ++n) total += static_cast<std::int64_t>(at(n, i));
    return total;
  }
  /// `picked` rows as a tensor.
  at::Tensor tensor(const std::vector<std::int64_t>& picked) const {
    at::Tensor rows = at::empty({std::ssize(picked), side}, at::kDouble);
    double* to = rows.mutable_data_ptr<double>();
    for (const std::int64_t n : picked) to = std::copy_n(q.begin() + n * side, side, to);
    return rows;
  }
};

/// Whole numbers up to 2^bits, some of them ±2^26 or ±2^30.
Rows random_rows(std::int64_t count, std::int64_t side, int bits, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  Rows rows{count, side, std::vector<double>(count * side)};
  for (double& value : rows.q) {
    const auto drawn = static_cast<std::int64_t>(generator());
    value = static_cast<double>(drawn >> (63 - bits));
    if (bits > 22 && generator() % 50 == 0) value = drawn % 2 == 0 ? -0x1p26 : 0x1p26;
    if (bits > 26 && generator() % 50 == 0) value = drawn % 2 == 0 ? -Quanta::headroom : Quanta::headroom;
  }
  return rows;
}

/// This rank's rows, in pieces of any size: the rows dealt by `seed`.
void add_share(const Communicator& ranks, const Rows& rows, std::int64_t item, std::uint64_t seed,
               GramSums& sums) {
  std::mt19937_64 generator(seed);
  std::vector<std::int64_t> order(rows.count);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), generator);
  std::vector<std::int64_t> piece;
  for (const std::int64_t n : order) {
    const auto drawn = generator();
    const bool ours = static_cast<int>(drawn % static_cast<std::uint64_t>(ranks.size())) == ranks.rank();
    if (ours) piece.push_back(n);
    if ((drawn >> 32) % 10 != 0) continue;
    sums.add(item, rows.tensor(piece));
    piece.clear();
  }
  sums.add(item, rows.tensor(piece));
}

void expect_exact(const GramSums& sums, std::int64_t item, const Rows& rows) {
  ASSERT_EQ(sums.rows(item), rows.count);
  for (std::int64_t i = 0; i < rows.side; ++i) {
    EXPECT_EQ(sums.sum(item, i), static_cast<double>(rows.sum(i)));
    for (std::int64_t j = 0; j < rows.side; ++j) {
      const Int128 centred = rows.count * rows.product(i, j) - rows.sum(i) * rows.sum(j);
      ASSERT_EQ(sums.centred(item, i, j), static_cast<double>(centred)) << i << ' ' << j;
    }
  }
}

TEST(GramSums, AreExactForAnySideAndDealing) {
  const Communicator ranks = Communicator::world();
  std::uint64_t seed = 0;
  for (const std::int64_t side : {1, 2, 61, 127, 128, 129, 256, 300}) {
    const Rows rows = random_rows(31, side, 22, ++seed);
    GramSums sums(1, side);
    add_share(ranks, rows, 0, seed, sums);
    const int owner = static_cast<int>(side) % ranks.size();
    sums.reduce(ranks, 0, owner);
    if (ranks.rank() == owner) expect_exact(sums, 0, rows);
  }
}

TEST(GramSums, LongRunsCloseTheirChunks) {
  // At 2²⁶ a chunk has one row, at 2²² up to 512: a product over all 2000 would round.
  const Communicator ranks = Communicator::world();
  const Rows rows = random_rows(2000, 3, 26, 5);
  GramSums sums(1, 3);
  add_share(ranks, rows, 0, 1, sums);
  sums.reduce(ranks, 0, 0);
  if (ranks.is_root()) expect_exact(sums, 0, rows);
  GramSums at_once(1, 3);
  std::vector<std::int64_t> all(2000);
  std::iota(all.begin(), all.end(), 0);
  at_once.add(0, rows.tensor(all));
  at_once.reduce(Communicator::self(), 0, 0);
  expect_exact(at_once, 0, rows);
}

TEST(GramSums, WideNumbersAreExactToo) {
  const Communicator ranks = Communicator::world();
  for (const std::int64_t side : {1, 3, 130}) {
    for (const int bits : {27, 28, 30}) {
      const Rows rows = random_rows(side == 3 ? 700 : 40, side, bits, 15);
      GramSums sums(1, side);
      add_share(ranks, rows, 0, 2, sums);
      sums.reduce(ranks, 0, 0);
      if (ranks.is_root()) expect_exact(sums, 0, rows);
    }
  }
}

TEST(GramSums, ThreadsWorkOnItemsOfTheirOwn) {
  const Communicator ranks = Communicator::world();
  constexpr std::int64_t batch = 9;
  std::vector<Rows> items;
  for (std::uint64_t i = 0; i < batch; ++i) items.push_back(random_rows(40, 17, 21, i));
  GramSums sums(batch, 17);
  schedule::parallel_for(batch, 3, [&](std::int64_t i) { add_share(ranks, items[i], i, 77, sums); });
  for (std::int64_t first = 0; first < batch; first += 3) {
    const int owner = static_cast<int>(first) % ranks.size();
    sums.reduce(ranks, first, owner, 3);
    for (std::int64_t i = first; i < first + 3 && ranks.rank() == owner; ++i) expect_exact(sums, i, items[i]);
  }
}

TEST(GramSums, SpillIntoASecondWord) {
  const Communicator ranks = Communicator::world();
  const Rows rows = random_rows(90, 130, 28, 6);
  for (const int bits : {55, 56, 58, 60, 62}) {
    GramSums sums(1, 130, std::int64_t{1} << bits);
    add_share(ranks, rows, 0, 3, sums);
    sums.reduce(ranks, 0, 0);
    if (ranks.is_root()) expect_exact(sums, 0, rows);
  }
}

// 80 squares of 2³⁰ are 2⁶⁶·1.25: no word holds them.
TEST(GramSums, ARanksSumsPassAWord) {
  const Communicator ranks = Communicator::world();
  Rows rows{80, 1, {}};
  for (std::int64_t n = 0; n < rows.count; ++n) rows.q.push_back(n % 2 == 0 ? 0x1p30 : -0x1p30);
  GramSums sums(1, 1);
  std::vector<std::int64_t> all(rows.count);
  std::iota(all.begin(), all.end(), 0);
  sums.add(0, rows.tensor(all));
  sums.reduce(ranks, 0, 0);
  if (!ranks.is_root()) return;
  const double size = ranks.size();
  EXPECT_EQ(sums.centred(0, 0, 0), 80 * size * 80 * size * 0x1p60);
}

TEST(GramSums, SumsOverRanksPassAWord) {
  const Communicator ranks = Communicator::world();
  const Rows rows{4, 1, {0x1p30, -0x1p30, -0x1p30, 0x1p30}};
  GramSums sums(1, 1);
  for (std::int64_t n = 0; n < rows.count; ++n) sums.add(0, rows.tensor({n}));
  sums.reduce(ranks, 0, 0);
  if (!ranks.is_root()) return;
  EXPECT_EQ(sums.sum(0, 0), 0);
  EXPECT_EQ(sums.centred(0, 0, 0), 16.0 * ranks.size() * ranks.size() * 0x1p60);
}

// 200 sums with a bit of one of them turned on one rank; every second one uses two words.
TEST(GramSums, EveryTurnedBitIsFound) {
  const Communicator ranks = Communicator::world();
  const Rows rows = random_rows(24, 150, 26, 9);
  std::mt19937_64 generator(10);  // the same on all ranks
  int found = 0;
  for (int trial = 0; trial < 200; ++trial) {
    GramSums sums(3, 150, std::int64_t{1} << (trial % 2 == 0 ? 62 : 55));
    add_share(ranks, rows, 2, 4, sums);
    const int culprit = static_cast<int>(generator() % static_cast<std::uint64_t>(ranks.size()));
    std::mt19937_64 place(generator());
    if (ranks.rank() == culprit) {
      Saved saved(sums);
      saved.flip(place);
      sums = GramSums(3, 150, std::int64_t{1} << (trial % 2 == 0 ? 62 : 55));
      sums.add_saved(saved);
    }
    try {
      sums.reduce(ranks, 2, trial % ranks.size());
    } catch (const core::Error& error) {
      EXPECT_EQ(error.code(), core::ExitCode::internal);
      EXPECT_NE(std::string(error.what()).find("item 2 of 3"), std::string::npos) << error.what();
      ++found;
    }
  }
  EXPECT_EQ(found, 200);
}

TEST(GramSums, NoRowsAreNoSums) {
  const Communicator ranks = Communicator::world();
  GramSums sums(1, 4);
  sums.add(0, at::empty({0, 4}, at::kDouble));
  sums.reduce(ranks, 0, 0);
  EXPECT_EQ(sums.rows(0), 0);
}

TEST(GramSums, ValuesBeyondTheHeadroomAreRefused) {
  for (const double value : {0x1p30 + 1, -0x1p40, std::nan("")}) {
    GramSums sums(1, 2);
    const Rows rows{1, 2, {1, value}};
    EXPECT_THROW(sums.add(0, rows.tensor({0})), core::Error) << value;
  }
}

TEST(GramSums, HalfOfAMatrixIsKept) {
  EXPECT_EQ(GramSums::bytes(1, 128), (128 * 128 + 128) * 12 + 128 * 16);
  EXPECT_EQ(GramSums::bytes(2, 129), 2 * ((128 * 129 + 1 + 129) * 12 + 129 * 16));
  EXPECT_LT(GramSums::bytes(1, 4096), 0.53 * 12 * 4096 * 4096);
}

TEST(Quantise, ADitherShiftsWhatIsBetweenIntegers) {
  const std::vector<double> x{3, -0x1p30 + 1, 3.3, -0.7};
  const std::vector<double> none(4, 0.0);
  const std::vector<double> one(4, 1.0);
  std::vector<double> q(4);
  const double most = 0.5 - 0x1p-21;
  for (const auto& [dither, third, fourth] : {std::tuple(0.25, 4.0, 0.0), std::tuple(0.15, 3.0, -1.0),
                                              std::tuple(most, 4.0, 0.0), std::tuple(-most, 3.0, -1.0)}) {
    EXPECT_TRUE(quantise(x.data(), 4, none.data(), one.data(), dither, q.data()));
    EXPECT_EQ(q, (std::vector<double>{3, -0x1p30 + 1, third, fourth})) << dither;
  }
}

TEST(Quantise, GoesToTheNearestIntegerAndSeesWhatIsBeyond) {
  const std::vector<double> x{10, 10.25, 10.125, 10.375, 9.8125, 10 - 0.25 * 0x1p30};
  const std::vector<double> shift(6, 10.0);
  const std::vector<double> density(6, 4.0);
  std::vector<double> q(6);
  EXPECT_TRUE(quantise(x.data(), 6, shift.data(), density.data(), 0, q.data()));
  EXPECT_EQ(q, (std::vector<double>{0, 1, 0, 2, -1, -0x1p30}));  // ties to even
  using Limits = std::numeric_limits<double>;
  for (const double far : {10 + 0.25 * (0x1p30 + 1), -1e300, Limits::infinity(), Limits::quiet_NaN()}) {
    const std::vector<double> values{10, far, 11};
    EXPECT_FALSE(quantise(values.data(), 3, shift.data(), density.data(), 0, q.data())) << far;
  }
  const std::vector<float> single{3000.25F, -7.5F};
  EXPECT_TRUE(quantise(single.data(), 2, shift.data(), density.data(), 0, q.data()));
  EXPECT_EQ(q[0], 11961);
  EXPECT_EQ(q[1], -70);
}

}  // namespace
}  // namespace orrery::statistics
