#include "figure_input.hpp"

#include "numbers.hpp"
#include "orrery/archive/point_datasets.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/ini.hpp"
#include "orrery/verify/verify.hpp"
#include "recipe.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

/// The text in one line, what is no UTF-8 or can't be seen replaced.
std::string plain(const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t bytes = lead < 0x80                   ? 1
                              : lead >= 0xc2 && lead < 0xe0 ? 2
                              : (lead & 0xf0U) == 0xe0      ? 3
                              : lead >= 0xf0 && lead < 0xf5 ? 4
                                                            : 0;
    bool sound = bytes > 0 && i + bytes <= text.size() && lead >= 0x20 && lead != 0x7f;
    for (std::size_t j = 1; sound && j < bytes; ++j)
      sound = (static_cast<unsigned char>(text[i + j]) & 0xc0U) == 0x80;
    all += sound ? text.substr(i, bytes) : "?";
    i += sound ? bytes : 1;
  }
  return all;
}

std::string label_of(const archive::Reader& file) {
  const std::string config = file.text("config");
  const std::filesystem::path folder = core::ini_value(config, "model");
  const std::string name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  const char* untrained = core::ini_value(config, "weights") == "random" ? " (untrained)" : "";
  return plain(name.empty() ? "model" : name) + untrained;
}

/// A dataset's numbers where they belong in depth, in units of `unit` layers.
Curve over_depth(const Run& run, const DepthCurve& one, double unit) {
  Curve curve{.label = "", .x = {}, .y = run.reals(one.dataset), .stroke = one.stroke};
  const double first = one.first.value_or(static_cast<double>(run.points() - std::ssize(curve.y)) / 2);
  for (std::size_t s = 0; s < curve.y.size(); ++s) {
    curve.x.push_back(run.depth(static_cast<double>(s) + first) / unit);
    curve.y[s] *= one.scale;
  }
  return curve;
}

Band band_about(const Curve& curve, const std::vector<double>& spread, double scale) {
  Band band{.label = "", .x = curve.x, .low = curve.y, .high = curve.y, .hue = curve.hue};
  for (std::size_t s = 0; s < std::min(spread.size(), curve.y.size()); ++s) {
    band.low[s] -= scale * spread[s];
    band.high[s] += scale * spread[s];
  }
  return band;
}

}  // namespace

Array::Array(const archive::Reader& file, const std::string& path, std::size_t rank)
    : path_(path), shape_(file.info(path).shape), values_(file.read_reals(path)) {
  if (shape_.size() == rank) return;
  throw core::bad_input("a dataset has an unexpected number of dimensions",
                        core::concat(file.path(), ", ", path, ": ", shape_.size(), ", not ", rank),
                        "`orrery verify` tells what is wrong with the file");
}

std::int64_t Array::place_of(std::initializer_list<std::int64_t> index) const {
  std::int64_t place = 0;
  std::size_t dimension = 0;
  bool is_inside = index.size() <= shape_.size();
  for (const std::int64_t one : index) {
    is_inside = is_inside && one >= 0 && one < shape_[dimension];
    if (!is_inside) break;
    place = place * shape_[dimension++] + one;
  }
  if (is_inside) return place;
  throw core::bad_input("a dataset is smaller than others of the file say", path_,
                        "`orrery verify` tells what is wrong with the file");
}

double Array::at(std::initializer_list<std::int64_t> index) const {
  return values_.at(static_cast<std::size_t>(place_of(index)));
}

std::vector<double> Array::row(std::initializer_list<std::int64_t> first) const {
  const std::int64_t place = place_of(first);
  std::int64_t count = 1;
  for (std::size_t dimension = first.size(); dimension < shape_.size(); ++dimension)
    count *= shape_[dimension];
  return {values_.begin() + place * count, values_.begin() + (place + 1) * count};
}

Run::Run(const std::filesystem::path& path)
    : file_(path), label_(label_of(file_)), point_map_(archive::read_points(file_)) {
  verify::require_sizes(file_);
}

bool Run::is_sweep() const {
  return file_.format() == archive::sweep_format;
}

double Run::number(const std::string& object, const std::string& attribute) const {
  return real_attribute(file_, object, attribute);
}

std::string depth_label(const Run& run) {
  return run.point_map().has(core::PointKind::pre_mlp) ? "layer l (attention reads at l, MLP at l + ½)"
                                                       : "layer l";
}

std::string depth_label(const FigureInput& input) {
  return input.overlays() ? "depth (layer ÷ number of layers)" : depth_label(input.trace());
}

Panel depth_panel(const FigureInput& input, const std::string& title, const std::string& quantity,
                  const std::vector<DepthCurve>& curves, bool is_logarithmic) {
  std::vector<Curve> lines;
  std::vector<Band> bands;
  double deepest = 1;
  const auto add = [&](const Run& run, const DepthCurve& one, const std::string& label, Hue hue) {
    if (!run.has(one.dataset)) return;
    const auto layers = static_cast<double>(run.layers());
    lines.push_back(over_depth(run, one, input.overlays() ? layers : 1));
    lines.back().label = label;
    lines.back().hue = hue;
    if (!input.overlays()) {
      deepest = std::max(deepest, layers);
      if (run.has(one.spread)) bands.push_back(band_about(lines.back(), run.reals(one.spread), one.scale));
    }
  };
  if (input.overlays()) {
    for (std::size_t i = 0; i < input.traces.size(); ++i)
      add(input.traces[i], curves.front(), input.traces[i].label(), hue_of(i));
  } else {
    for (const DepthCurve& one : curves) add(input.trace(), one, one.label, one.hue);
  }
  std::vector<std::vector<double>> all;
  for (const Curve& line : lines) all.push_back(line.y);
  const auto is_positive = [](const std::vector<double>& some) {
    return std::ranges::none_of(some, [](double value) { return value <= 0; });
  };
  is_logarithmic = is_logarithmic && std::ranges::all_of(all, is_positive);
  for (Band& band : bands) {
    // An area that goes below zero has no place on a logarithmic axis: its lower edge is the curve then.
    for (std::size_t s = 0; is_logarithmic && s < band.low.size(); ++s) {
      if (band.low[s] <= 0) band.low[s] = band.high[s] / 2 + band.low[s] / 2;
    }
    all.push_back(band.low);
    all.push_back(band.high);
  }
  Panel panel{.title = title,
              .x = {.label = depth_label(input), .low = 0, .high = deepest},
              .y = axis_over(quantity, all, is_logarithmic),
              .layers = {}};
  panel.layers.insert(panel.layers.end(), bands.begin(), bands.end());
  panel.layers.insert(panel.layers.end(), lines.begin(), lines.end());
  panel.legend = lines.size() > 1 ? Legend::above : Legend::none;
  if (lines.size() == 1) std::get<Curve>(panel.layers.back()).label.clear();
  return panel;
}

}  // namespace orrery::report
