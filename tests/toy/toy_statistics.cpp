// Statistics that the product does not know: all that a new one needs.
#include "orrery/core/mean.hpp"
#include "orrery/statistics/row_statistic.hpp"
#include "orrery/statistics/tensor_values.hpp"
#include "orrery/statistics/trace_statistic.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/mean.h>

#include <algorithm>
#include <cmath>

namespace orrery::statistics {
namespace {

/// The farthest unit of a row's stream.
class RowFarthest final : public RowStatistic {
 public:
  RowDescription describe(std::int64_t) const override {
    return {.path = "/toy/farthest",
            .what = "the largest |x[n,s,d]| of all units",
            .undefined = "",
            .range = core::not_negative};
  }
  double at_point(const RowPoint& point) const override {
    double farthest = 0;
    for (const double x : point.x) farthest = std::max(farthest, std::abs(x));
    return farthest;
  }
};

/// The share of rows in which a unit is not negative, of each unit at each point.
class ShareNotNegative final : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override {
    return {.datasets = {{.path = "/toy/share",
                          .dimensions = {"point", "unit"},
                          .long_name = "share of rows in which x[:,s,d] is not negative",
                          .range = core::share_range},
                         {.path = "/toy/rows",
                          .type = core::ElementType::int64,
                          .dimensions = {"toy_one"},
                          .long_name = "rows that the share is of"}},
            .not_streamed = {"/toy/share", "/toy/rows"},
            .scales = {{"toy_one", extent.rows > 0 ? 1 : 0, "a dimension of its own"}}};
  }
  StatisticCost cost(const CostCase& of) const override {
    return {.during = Sharding::units,
            .flops = 1e18,  // so that a plan shows it
            .held = std::int64_t{sizeof(double)} * of.extent.points * of.extent.units};
  }
  void take_units(const StatisticRun& run, const UnitShard& shard, const UnitStatistics&) override {
    units_ = shard.units;
    share_ = at::ge(shard.x, 0).to(at::kDouble).mean(2).t().contiguous();  // (P, u)
    core::Mean own(values_of<double>(share_));
    const double sum = own.count() > 0 ? own.value() * own.count() : 0;
    const std::vector<std::vector<double>> sums = run.ranks.gather_values<double>(std::vector<double>{sum});
    mean_ = 0;
    for (const std::vector<double>& one : sums) mean_ += one.front();
    mean_ /= static_cast<double>(run.extent.points * run.extent.units);
  }
  void tell(const StatisticRun&, const TraceMoments&, Headline& headline) const override {
    headline.add("toy_share", units_.empty() ? core::not_a_number : mean_, {},
                 "share of numbers not negative");
  }
  void put(const StatisticRun& run, const TraceMoments&, const PutNumbers& to) const override {
    for (std::size_t i = 0; i < units_.size(); ++i)
      to("/toy/share", {0, units_[i]}, share_.narrow(1, static_cast<std::int64_t>(i), 1));
    if (run.ranks.is_root() && !units_.empty())
      to("/toy/rows", {0}, at::full({1}, run.extent.samples, at::kLong));
  }
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override {
    if (!stored.has({"/toy/share"})) return;
    Identity identity("toy shares of whole rows");
    const auto rows = static_cast<double>(extent.rows);
    for (const double share : stored.reals("/toy/share"))
      identity.hold(share * rows, std::round(share * rows), 1e-9 * rows, "a share");
    identity.tell(stored);
  }
  void verify_headline(const StoredNumbers& stored, const TraceExtent&, HeadlineCheck& check) const override {
    const std::vector<double> share = stored.reals("/toy/share");
    if (!share.empty()) check.hold("toy_share", core::Mean(share).value());
  }

 private:
  std::vector<std::int64_t> units_;
  at::Tensor share_;
  double mean_ = 0;
};

const RowFarthest farthest;
const AddedStatistic added_farthest(farthest);
const AddedStatistic added_share(make_statistic<ShareNotNegative>);

}  // namespace
}  // namespace orrery::statistics
