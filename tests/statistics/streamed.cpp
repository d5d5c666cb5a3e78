#include "tests/statistics/streamed.hpp"

#include "tests/support/memory_state.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace orrery::statistics::testing {
namespace {

/// Collective: the sums of all ranks, each saved by one and loaded by another.
std::unique_ptr<StreamedMoments> saved_and_loaded(const parallel::Communicator& ranks, const Data& data,
                                                  StreamedMoments& moments) {
  moments.gather(ranks);
  test::MemoryState sums;
  test::MemoryState quanta;
  moments.save(sums);
  moments.quanta().save(quanta);
  auto loaded = std::make_unique<StreamedMoments>(data.extent, Quanta::load(quanta, data.extent),
                                                  PassContent{true, {0, data.extent.points}});
  test::MemoryState theirs = sums.from_next(ranks);
  loaded->add_saved(theirs);
  if (!theirs.is_read() || !quanta.is_read()) throw std::logic_error("more was saved than is loaded");
  return loaded;
}

void add_rounds(const at::Tensor& rows, const Dealing& dealing, StreamedMoments& moments) {
  for (std::int64_t first = 0; first < rows.size(0); first += dealing.round) {
    moments.add(rows.narrow(0, first, std::min(dealing.round, rows.size(0) - first)), dealing.threads);
  }
}

template <class T>
std::int64_t different(T one, T other) {
  return std::equal(reinterpret_cast<const std::byte*>(&one), reinterpret_cast<const std::byte*>(&one + 1),
                    reinterpret_cast<const std::byte*>(&other))
             ? 0
             : 1;
}

template <class T>
std::int64_t different_columns(const at::Tensor& mine, const std::vector<std::int64_t>& units,
                               const at::Tensor& all) {
  std::int64_t count = 0;
  for (std::int64_t s = 0; s < mine.size(0); ++s) {
    for (std::int64_t u = 0; u < mine.size(1); ++u) {
      count += different(mine.const_data_ptr<T>()[s * mine.size(1) + u],
                         all.const_data_ptr<T>()[s * all.size(1) + units[u]]);
    }
  }
  return count;
}

template <class T>
std::int64_t different_lists(const std::vector<T>& one, const std::vector<T>& other) {
  std::int64_t count = one.size() == other.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) count += different(one[i], other[i]);
  return count;
}

}  // namespace

Streamed stream(const parallel::Communicator& ranks, const Data& data, const Dealing& dealing) {
  const SampleShard shard = deal(ranks, data, dealing.dtype, dealing.seed);
  Extremes pilot(data.extent);
  for (std::size_t row = 0; row < shard.samples.size(); ++row) {
    const bool in_pilot = dealing.pilot == 0 || shard.samples[row].value() < dealing.pilot;
    if (in_pilot) pilot.add(shard.x.narrow(0, static_cast<std::int64_t>(row), 1), dealing.threads);
  }
  const PassContent everything{true, {0, data.extent.points}};
  const Quanta quanta =
      dealing.pilot == 0 ? Quanta::of_all_rows(ranks, pilot) : Quanta::of_pilot(ranks, pilot);
  auto moments = std::make_unique<StreamedMoments>(data.extent, quanta, everything);
  if (dealing.saved) {
    const std::int64_t half = shard.x.size(0) / 2;
    add_rounds(shard.x.narrow(0, 0, half), dealing, *moments);
    moments = saved_and_loaded(ranks, data, *moments);
    add_rounds(shard.x.narrow(0, half, shard.x.size(0) - half), dealing, *moments);
  } else {
    add_rounds(shard.x, dealing, *moments);
  }
  Streamed result;
  if (moments->must_repeat(ranks)) {
    result.passes = 2;
    const Quanta finer = Quanta::of_all_rows(ranks, moments->extremes());
    moments = std::make_unique<StreamedMoments>(data.extent, finer, everything);
    add_rounds(shard.x, dealing, *moments);
    if (moments->must_repeat(ranks)) result.passes = 3;
  }
  result.units = moments->unit_statistics(ranks, dealing.threads);
  moments->reduce_points(ranks);
  const PointRange mine = statistics::points_of(ranks.rank(), ranks.size(), data.extent.points);
  for (std::int64_t point = mine.begin; point < mine.end; ++point) {
    result.points.push_back(point);
    result.mean.push_back(moments->mean(point));
    result.scatter.push_back(moments->scatter(point));
    moments->release(point);
  }
  return result;
}

std::int64_t differences(const parallel::Communicator& ranks, const Data& data, const Dealing& dealing) {
  Dealing in_order = dealing;
  in_order.seed = 0;
  in_order.threads = 1;
  in_order.round = 1000;
  in_order.saved = false;
  const Streamed mine = stream(ranks, data, dealing);
  const Streamed all = stream(parallel::Communicator::self(), data, in_order);
  std::int64_t count = mine.passes == all.passes ? 0 : 1;
  count += different_columns<double>(mine.units.mean, mine.units.units, all.units.mean);
  count += different_columns<double>(mine.units.variance, mine.units.units, all.units.variance);
  count += different_columns<float>(mine.units.adjacent_correlation, mine.units.units,
                                    all.units.adjacent_correlation);
  if (ranks.is_root()) {
    count += different_lists(mine.units.correlation, all.units.correlation);
    count += different_lists(mine.units.correlation_units, all.units.correlation_units);
    count += different_lists(mine.units.residual_null, all.units.residual_null);
  }
  for (std::size_t p = 0; p < mine.points.size(); ++p) {
    const std::int64_t point = mine.points[p];
    count += different_lists(mine.mean[p], all.mean[point]);
    for (std::int64_t i = 0; i < mine.scatter[p].numel(); ++i) {
      count += different(mine.scatter[p].const_data_ptr<double>()[i],
                         all.scatter[point].const_data_ptr<double>()[i]);
    }
  }
  return ranks.sum(count);
}

}  // namespace orrery::statistics::testing
