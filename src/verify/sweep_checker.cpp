#include "sweep_checker.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace orrery::verify {
namespace {

using archive::AttributeValue;
using archive::Reader;

std::vector<std::int64_t> integers_or_none(const Reader& file, const std::string& path) {
  return file.has(path) ? file.read_integers(path) : std::vector<std::int64_t>();
}

std::vector<std::string> texts_or_none(const Reader& file, const std::string& path) {
  return file.has(path) ? file.read_texts(path) : std::vector<std::string>();
}

/// Whether a root attribute is the second of the two words that it can be.
bool is_second(const Reader& file, const char* name, const char* first, const char* second) {
  const std::string word = file.text(name);
  if (word == first || word == second) return word == second;
  throw core::bad_input("an attribute has an unexpected value", core::concat(name, " is ", word),
                        core::concat("it is ", first, " or ", second));
}

archive::SweepExtent extent_in(const Reader& file, core::PointMap points) {
  archive::SweepExtent extent;
  extent.prompts = integers_or_none(file, "/prompt");
  extent.own_prompts = file.attribute("/", "prompts_sha256").has_value();
  extent.start_layers = integers_or_none(file, "/start_layer");
  extent.point_map = std::move(points);
  // Only stored streams have units.
  extent.units = std::max<std::int64_t>(1, length_of(file, "/unit"));
  extent.heads = std::max<std::int64_t>(0, length_of(file, "/part") - 1);
  extent.grid_side = std::lround(std::sqrt(static_cast<double>(length_of(file, "/grid_point"))));
  extent.components = length_of(file, "/component");
  if (file.has("/epsilon")) extent.epsilons = file.read_reals("/epsilon");
  extent.directions = texts_or_none(file, "/direction");
  const std::vector<std::string> cases = texts_or_none(file, "/case");
  extent.teleports = file.has("/grid_point");
  extent.noise = !extent.epsilons.empty();
  extent.control = std::ranges::find(cases, "random_direction") != cases.end();
  extent.shift = is_second(file, "mode", "plane", "shift");
  extent.grid_by_layer = is_second(file, "range", "pooled", "layer");
  extent.untrained = is_second(file, "weights", "file", "random");
  extent.ablated_layers = integers_or_none(file, "/ablated_layer");
  extent.ablate_to_mean = extent.has_ablation() && is_second(file, "ablate", "zero", "mean");
  extent.state_prompts = integers_or_none(file, "/state_prompt");
  extent.state_points = integers_or_none(file, "/state_point");
  extent.rows_float64 = file.attribute("/", "residual_dtype") == AttributeValue("float64");
  return extent;
}

}  // namespace

std::vector<PerturbedKind> SweepChecker::kinds() const {
  std::vector<PerturbedKind> kinds;
  const std::int64_t grid = extent_.grid_points(), directions = std::ssize(extent_.directions);
  if (extent_.teleports) kinds.push_back({"/teleport", "/recovery/half_life", grid, grid});
  if (extent_.has_control())
    kinds.push_back({"/control/random_direction", "/control/random_direction/half_life", grid, grid});
  if (extent_.noise)
    kinds.push_back(
        {"/noise", "/recovery/noise_half_life", std::ssize(extent_.epsilons) * directions, directions});
  return kinds;
}

double SweepChecker::residual_rounding() const {
  const std::optional<AttributeValue> type = file().attribute("/", "residual_dtype");
  if (type == AttributeValue("float64")) return epsilon / 2;
  return type == AttributeValue("bfloat16") ? 0x1p-9 : rounding_of_float;
}

bool SweepChecker::is_undefined(const std::string& path, std::int64_t entry) const {
  const std::int64_t points = extent_.points(), starts = start_layers();
  if (path == "/recovery/spread_distance" && has({"/points/spread"}))
    return reals("/points/spread")[static_cast<std::size_t>(entry % points)] == 0;
  if (path == "/recovery/relative_distance" && has({"/baseline/norm"})) {
    const std::int64_t prompt = entry / points / starts / std::ssize(extent_.cases());
    return reals_at("/baseline/norm", prompt)[static_cast<std::size_t>(entry % points)] == 0;
  }
  for (const char* quantity : {"spread_distance", "relative_distance"}) {
    const std::string of_prompts = core::concat("/recovery/", quantity);
    const bool at_start = path == core::concat("/summary/", quantity, "_start");
    if ((!at_start && path != core::concat("/summary/", quantity, "_end")) || !has({of_prompts})) continue;
    const std::int64_t cases = std::ssize(extent_.cases());
    const std::int64_t point = at_start ? start(entry % starts) : points - 1;
    for (std::int64_t q = 0; q < prompts(); ++q) {
      if (is_undefined(of_prompts, ((q * cases * starts) + entry) * points + point)) return true;
    }
  }
  return false;
}

bool SweepChecker::take_sizes() {
  core::PointMap points;
  return take_points(points) && take_layout([&] {
           extent_ = extent_in(file(), std::move(points));
           return archive::sweep_layout(extent_);
         });
}

double lower_median(std::vector<double> numbers) {
  std::erase_if(numbers, [](double number) { return std::isnan(number); });
  if (numbers.empty()) return std::nan("");
  const auto middle = numbers.begin() + (std::ssize(numbers) - 1) / 2;
  std::ranges::nth_element(numbers, middle);
  return *middle;
}

}  // namespace orrery::verify
