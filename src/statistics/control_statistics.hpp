#pragma once

#include "orrery/statistics/trace_statistic.hpp"
#include "orrery/statistics/trace_statistics.hpp"

#include <string>

namespace orrery::statistics {

/// How a control is called, and what its x' is of x.
struct ControlName {
  std::string name;
  std::string how;
  std::string point = "point";  ///< its scales of points
  std::string other = "other_point";
  std::string turns = "turns";
  std::string turns_name = "turns of the mean trajectory of x' at points 0 ... S-1";
};

/// A control of science.md, section 1: what it measures of units and of steps. /control
class ControlStatistic : public TraceStatistic {
 public:
  StatisticDatasets describe(const TraceExtent& extent) const override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;

 protected:
  explicit ControlStatistic(ControlName name) : name_(std::move(name)) {}
  std::string path(const std::string& dataset) const { return "/control/" + name_.name + "/" + dataset; }
  /// What was measured: empty where this run has none of it.
  virtual const Control& measured(const TraceMoments&) const { return control_; }

  ControlName name_;
  Control control_;
};

/// Rows in a random order at each point.
class SamplePermutedStatistic final : public ControlStatistic {
 public:
  SamplePermutedStatistic();
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void take_units(const StatisticRun& run, const UnitShard& shard, const UnitStatistics&) override;
  void take_points(const StatisticRun& run, const PointShard& shard) override;
};

/// Layers in a random order.
class LayerPermutedStatistic final : public ControlStatistic {
 public:
  LayerPermutedStatistic();
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void take_moments(const StatisticRun& run, const TraceMoments& moments) override;
  void put(const StatisticRun& run, const TraceMoments& moments, const PutNumbers& to) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;
};

/// Units of a random orthogonal basis.
class RandomBasisStatistic final : public ControlStatistic {
 public:
  RandomBasisStatistic();
  StatisticDatasets describe(const TraceExtent& extent) const override;
  StatisticCost cost(const CostCase& of) const override;
  void verify(StoredNumbers& stored, const TraceExtent& extent) const override;

 private:
  const Control& measured(const TraceMoments& moments) const override { return moments.random_basis; }
};

}  // namespace orrery::statistics
