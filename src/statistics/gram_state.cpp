// How exact sums outlive their process.
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/statistics/gram_sums.hpp"

namespace orrery::statistics {
namespace {

core::Error of_another_run(const std::string& seen) {
  return core::bad_input("saved sums are not those of this run", seen, "begin anew with --overwrite");
}

}  // namespace

void GramSums::save(core::StateWriter& state) {
  std::int64_t filled = 0;
  for (const Item& item : items_) filled += item.rows > 0 ? 1 : 0;
  state.put(batch());
  state.put(side_);
  state.put(filled);
  for (std::int64_t index = 0; index < batch(); ++index) {
    Item& item = items_[index];
    if (item.rows == 0) continue;
    spill(item);
    state.put(index);
    state.put(item.rows);
    state.put_all<std::int64_t>(item.low);
    state.put_all<std::int32_t>(item.high);
    state.put_all<Int128>(item.checks);
  }
}

void GramSums::add_saved(core::StateReader& state) {
  const auto items = state.take<std::int64_t>();
  const auto side = state.take<std::int64_t>();
  if (items != batch() || side != side_) {
    throw of_another_run(core::concat(items, " of ", side, ", ", batch(), " of ", side_, " now"));
  }
  Item saved = empty_item();
  for (auto left = state.take<std::int64_t>(); left > 0; --left) {
    const auto index = state.take<std::int64_t>();
    if (index < 0 || index >= batch()) throw of_another_run(core::concat("item ", index, " of ", batch()));
    Item& item = items_[index];
    const auto rows = state.take<std::int64_t>();
    state.take_all<std::int64_t>(saved.low);
    state.take_all<std::int32_t>(saved.high);
    state.take_all<Int128>(saved.checks);
    spill(item);
    for (std::size_t k = 0; k < saved.low.size(); ++k) {
      item.low[k] += saved.low[k];
      item.high[k] += saved.high[k];
    }
    for (std::size_t i = 0; i < saved.checks.size(); ++i) item.checks[i] += saved.checks[i];
    item.rows += rows;
    item.bound *= 2;  // both were spilled
  }
}

}  // namespace orrery::statistics
