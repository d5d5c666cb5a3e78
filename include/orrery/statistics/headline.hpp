#pragma once

#include "orrery/core/point_map.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/point_statistics.hpp"
#include "orrery/statistics/rotation.hpp"
#include "orrery/statistics/sample_statistics.hpp"
#include "orrery/statistics/shards.hpp"
#include "orrery/statistics/unit_statistics.hpp"

#include <string>
#include <vector>

namespace orrery::statistics {

/// The numbers that `trace` prints at its end, the attributes of `/headline` (science.md, end of section 3):
/// within = steps that stay in a layer, across = steps between layers, both up to point S − 1, first = step
/// 0, last = step S − 2, early and late = points 1 and S − 1. A model of one point a layer has no steps
/// within.
struct Headline {
  struct Entry {
    std::string name;       ///< of the attribute; its error is `name` + "_se"
    double value;           ///< NaN where it is not defined
    double standard_error;  ///< by a jackknife over blocks of samples (jackknife.hpp); NaN at N < 3, and in
                            ///< streaming
    std::string long_name;
    std::string unit;  ///< "1" for a plain number
  };
  std::vector<Entry> entries;  ///< on rank 0, empty elsewhere
};

/// What the headline is taken from.
struct HeadlineSources {
  const SampleStatistics& rows;
  const UnitStatistics& units;
  const PointStatistics& points;
  const UnitTurns& turns;
};

/// What standard errors are taken from: the same without each block of samples, and the rows of points. A run
/// that keeps no rows has neither, and standard errors of NaN.
struct HeadlineRows {
  const std::vector<TurnSummary>& turns_left_out;
  const PointShard& points;
};

/// Collective: puts the headline together; the owners of the early and the late point solve their
/// eigenproblems without each block of samples. The same bits for any number of ranks and threads.
Headline headline(const parallel::Communicator& ranks, const HeadlineSources& sources,
                  const HeadlineRows& rows, const Extent& extent, const core::PointMap& points, int threads);

}  // namespace orrery::statistics
