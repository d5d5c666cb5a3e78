#include "orrery/report/charts.hpp"

#include "figure_input.hpp"
#include "orrery/archive/point_datasets.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/verify/verify.hpp"
#include "sweep_numbers.hpp"
#include "text_chart.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace orrery::report {
namespace {

using archive::Reader;
using core::concat;

/// Charts below each other.
class Charts {
 public:
  explicit Charts(const Reader& file) : file_(file), layers_(archive::read_points(file).layers()) {}

  void add(const std::string& title, const std::vector<double>& values, std::int64_t first_layer,
           bool is_logarithmic) {
    if (!text_.empty()) text_ += "\n";
    text_ +=
        text_chart(title, values, {concat("layer ", first_layer), concat("layer ", layers_)}, is_logarithmic);
  }
  void add(const std::string& title, const std::string& dataset, bool is_logarithmic) {
    if (file_.has(dataset)) add(title, file_.read_reals(dataset), 0, is_logarithmic);
  }
  const std::string& text() const { return text_; }

 private:
  const Reader& file_;
  std::int64_t layers_;
  std::string text_;
};

void add_sweep(const Reader& file, Charts& charts) {
  constexpr const char* distance = "/recovery/relative_distance";
  if (!file.has(distance)) return;
  const std::string first_case = file.read_texts("/case").front();
  const std::vector<std::int64_t> starts = file.read_integers("/start_layer");
  const core::PointMap points = archive::read_points(file);
  const Array all(file, distance, 4);  // prompt, case, start layer, point
  for (std::int64_t m = 0; m < all.extent(2); ++m) {
    const std::int64_t layer = starts.at(static_cast<std::size_t>(m));
    std::vector<double> mean;
    for (std::int64_t s = points.first_of(core::Layer(layer)).value(); s < all.extent(3); ++s) {
      FiniteMean over_prompts;
      for (std::int64_t q = 0; q < all.extent(0); ++q) over_prompts.add(all.at({q, 0, m, s}));
      mean.push_back(over_prompts.value());
    }
    charts.add(concat(first_case, " at layer ", layer, ": distance over the stream's norm"), mean, layer,
               true);
  }
}

}  // namespace

std::string charts_text(const Reader& file) {
  verify::require_sizes(file);
  Charts charts(file);
  charts.add("cosine of successive streams", "/continuity/cosine_mean", false);
  charts.add("velocity", "/continuity/velocity_mean", true);
  charts.add("participation ratio", "/pca/participation_ratio", false);
  charts.add("turns in 8 steps, mean over units", "/rotation/local_turns", false);
  if (file.format() == archive::sweep_format) add_sweep(file, charts);
  return charts.text();
}

}  // namespace orrery::report
