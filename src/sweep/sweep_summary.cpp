#include "sweep_summary.hpp"

#include "orrery/archive/point_datasets.hpp"
#include "orrery/core/index.hpp"
#include "orrery/core/mean.hpp"
#include "orrery/core/not_a_number.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

namespace orrery::sweep {
namespace {

using archive::Reader;
using Numbers = std::vector<double>;

/// Of curves over points or steps one number each, a curve being what there is from its start layer's on.
using OfCurve = std::function<double(std::span<const double> curve)>;

double first_of(std::span<const double> curve) {
  return curve.front();
}
double last_of(std::span<const double> curve) {
  return curve.back();
}
double mean_of(std::span<const double> curve) {
  return core::Mean(curve).value();
}

/// What a summary is taken from.
struct Source {
  const char* name;
  const char* from;
  OfCurve of_curve;  ///< empty where the source has one number a case and start layer
};

const std::vector<Source>& sources() {
  static const std::vector<Source> all = {
      {"ratio_end", "ratio", last_of},
      {"relative_distance_start", "relative_distance", first_of},
      {"relative_distance_end", "relative_distance", last_of},
      {"spread_distance_start", "spread_distance", first_of},
      {"spread_distance_end", "spread_distance", last_of},
      {"cosine_end", "cosine", last_of},
      {"exponent", "exponent", mean_of},
      {"inward_fraction", "inward_fraction", mean_of},
      {"halved", "halved", {}},
      {"kl", "kl", {}},
      {"top1", "top1", {}},
  };
  return all;
}

/// [prompt][case · start layer]
std::vector<Numbers> by_prompt(const Reader& file, const Source& source) {
  const std::string path = std::string("/recovery/") + source.from;
  const archive::DatasetInfo& info = file.info(path);
  const auto length = static_cast<std::size_t>(source.of_curve ? info.shape.back() : 1);
  const std::vector<std::int64_t> layers = file.read_integers("/start_layer");
  const core::PointMap points = archive::read_points(file);
  std::vector<Numbers> all;
  for (std::int64_t prompt = 0; prompt < info.shape[0]; ++prompt) {
    const Numbers values = file.read_reals(path, prompt, 1);
    Numbers& of_prompt = all.emplace_back();
    for (std::size_t i = 0; i < values.size(); i += length) {
      const auto start = points.first_of(core::Layer(layers[i / length % layers.size()])).value();
      const std::span curve(values.data() + i, length);
      of_prompt.push_back(source.of_curve ? source.of_curve(curve.subspan(static_cast<std::size_t>(start)))
                                          : values[i]);
    }
  }
  return all;
}

/// Mean, and standard error, over prompts that have the number.
std::pair<double, double> over_prompts(const std::vector<Numbers>& prompts, std::size_t i) {
  Numbers values;
  for (const Numbers& of_prompt : prompts) {
    if (!std::isnan(of_prompt[i])) values.push_back(of_prompt[i]);
  }
  const double mean = mean_of(values);
  const auto count = static_cast<double>(values.size());
  if (values.size() < 2) return {mean, core::not_a_number};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count - 1) / count)};
}

/// The lower of the two in the middle.
double median_over_prompts(const std::vector<Numbers>& prompts, std::size_t i) {
  Numbers values;
  for (const Numbers& of_prompt : prompts) {
    if (!std::isnan(of_prompt[i])) values.push_back(of_prompt[i]);
  }
  std::ranges::sort(values);
  return values.empty() ? core::not_a_number : values[(values.size() - 1) / 2];
}

Numbers mean_over_first(const Reader& file, const std::string& path) {
  const archive::DatasetInfo& info = file.info(path);
  Numbers sums(static_cast<std::size_t>(info.entries() / info.shape[0]));
  for (std::int64_t prompt = 0; prompt < info.shape[0]; ++prompt) {
    const Numbers values = file.read_reals(path, prompt, 1);
    std::ranges::transform(sums, values, sums.begin(), std::plus());
  }
  for (double& sum : sums) sum /= static_cast<double>(info.shape[0]);
  return sums;
}

}  // namespace

std::map<std::string, Numbers> sweep_summary(const Reader& file) {
  std::map<std::string, Numbers> summary;
  if (file.has("/recovery/ratio")) {
    for (const Source& source : sources()) {
      const std::string path = std::string("/summary/") + source.name;
      const std::vector<Numbers> prompts = by_prompt(file, source);
      for (std::size_t i = 0; i < prompts.front().size(); ++i) {
        const auto [mean, error] = over_prompts(prompts, i);
        summary[path].push_back(mean);
        summary[path + "_se"].push_back(error);
      }
    }
    const std::vector<Numbers> prompts = by_prompt(file, {"half_life_median", "half_life_median", {}});
    for (std::size_t i = 0; i < prompts.front().size(); ++i)
      summary["/summary/half_life_median"].push_back(median_over_prompts(prompts, i));
  }
  if (file.has("/ablation/kl")) {
    for (const char* name : {"kl", "norm", "velocity", "cosine"})
      summary[std::string("/ablation/") + name + "_mean"] =
          mean_over_first(file, std::string("/ablation/") + name);
  }
  return summary;
}

}  // namespace orrery::sweep
