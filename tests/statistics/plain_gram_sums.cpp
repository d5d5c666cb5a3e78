// Sums of doubles that were not rounded to integers, added up as they come: in the place of gram_sums.cpp, so
// that what exact sums are for is seen to fail. A sum lies as a double in the bits of a word.
#include "orrery/statistics/gram_sums.hpp"

#include <ATen/ops/mm.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace orrery::statistics {
namespace {

double plain(std::int64_t word) {
  return std::bit_cast<double>(word);
}

void add_to(std::int64_t& word, double value) {
  word = std::bit_cast<std::int64_t>(plain(word) + value);
}

}  // namespace

template <class T>
bool quantise(const T* x, std::int64_t count, const double* shift, const double* density, double, double* q) {
  for (std::int64_t i = 0; i < count; ++i) q[i] = (static_cast<double>(x[i]) - shift[i]) * density[i];
  return true;
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
  const GramSums shape(0, side);
  return batch * shape.words() * static_cast<std::int64_t>(sizeof(double));
}

std::int64_t GramSums::place(std::int64_t i, std::int64_t j) const {
  return i * side_ + j;
}

std::int64_t GramSums::sum_place(std::int64_t i) const {
  return side_ * side_ + i;
}

void GramSums::add(std::int64_t index, const at::Tensor& q) {
  Item& item = items_[index];
  const at::Tensor product = at::mm(q.t(), q);
  for (std::int64_t k = 0; k < side_ * side_; ++k) add_to(item.low[k], product.const_data_ptr<double>()[k]);
  for (std::int64_t n = 0; n < q.size(0); ++n) {
    for (std::int64_t i = 0; i < side_; ++i)
      add_to(item.low[sum_place(i)], q.const_data_ptr<double>()[n * side_ + i]);
  }
  item.rows += q.size(0);
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
  const bool ours = ranks.rank() == owner;
  for (std::int64_t k = first; k < first + count; ++k) {
    Item& item = items_[k];
    void* words = item.low.data();
    parallel::check_mpi(
        MPI_Reduce(ours ? MPI_IN_PLACE : words, ours ? words : nullptr, static_cast<int>(item.low.size()),
                   MPI_DOUBLE, MPI_SUM, owner, ranks.handle()),
        "MPI_Reduce");
    const std::int64_t rows = ranks.sum(item.rows);
    if (ours) {
      item.rows = rows;
    } else {
      item = others == Others::release ? Item{} : empty_item();
    }
  }
}

void GramSums::spill(Item&) const {}

void GramSums::release(std::int64_t item) {
  items_[item] = Item{};
}

double GramSums::sum(std::int64_t item, std::int64_t i) const {
  return plain(items_[item].low[sum_place(i)]);
}

double GramSums::centred(const Item& item, std::int64_t i, std::int64_t j) const {
  return static_cast<double>(item.rows) * plain(item.low[place(std::min(i, j), std::max(i, j))]) -
         plain(item.low[sum_place(i)]) * plain(item.low[sum_place(j)]);
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
