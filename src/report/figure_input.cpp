#include "figure_input.hpp"

#include "orrery/archive/sweep_layout.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
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

/// What the options in force say of `name`; "" where nothing.
std::string option_of(const std::string& config, const std::string& name) {
  const std::string key = name + " = ";
  for (std::size_t begin = 0; begin < config.size();) {
    const std::size_t end = std::min(config.find('\n', begin), config.size());
    if (config.compare(begin, key.size(), key) == 0)
      return config.substr(begin + key.size(), end - begin - key.size());
    begin = end + 1;
  }
  return "";
}

std::string label_of(const archive::Reader& file) {
  const std::string config = file.text("config");
  const std::filesystem::path folder = option_of(config, "model");
  const std::string name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  const char* untrained = option_of(config, "weights") == "random" ? " (untrained)" : "";
  return plain(name.empty() ? "model" : name) + untrained;
}

}  // namespace

Array::Array(const archive::Reader& file, const std::string& path, std::size_t rank)
    : path_(path), shape_(file.info(path).shape), values_(file.read_reals(path)) {
  if (shape_.size() == rank) return;
  throw core::bad_input("a dataset has an unexpected number of dimensions",
                        core::concat(file.path(), ", ", path, ": ", shape_.size(), ", not ", rank),
                        "`orrery verify` tells what is wrong with the file");
}

double Array::at(std::initializer_list<std::int64_t> index) const {
  std::int64_t place = 0;
  std::size_t dimension = 0;
  for (const std::int64_t one : index) place = place * shape_.at(dimension++) + one;
  return values_.at(static_cast<std::size_t>(place));
}

std::vector<double> Array::row(std::initializer_list<std::int64_t> first) const {
  std::int64_t place = 0, count = 1;
  std::size_t dimension = 0;
  for (const std::int64_t one : first) place = place * shape_.at(dimension++) + one;
  while (dimension < shape_.size()) count *= shape_.at(dimension++);
  if (place < 0 || (place + 1) * count > std::ssize(values_)) {
    throw core::internal_error("a row is not in the dataset", path_, "please report it");
  }
  return {values_.begin() + place * count, values_.begin() + (place + 1) * count};
}

Run::Run(const std::filesystem::path& path)
    : file_(path), label_(label_of(file_)), layer_(file_.read_integers("/points/layer")) {
  if (layer_.size() >= 3 && layer_.size() % 2 == 1) return;
  throw core::bad_input("the file's capture points are not those of layers",
                        core::concat(path.string(), ": ", layer_.size()),
                        "`orrery verify` tells what is wrong with the file");
}

bool Run::is_sweep() const {
  return file_.format() == archive::sweep_format;
}

double Run::number(const std::string& object, const std::string& attribute) const {
  const auto value = file_.attribute(object, attribute);
  if (value && std::holds_alternative<double>(*value)) return std::get<double>(*value);
  if (value && std::holds_alternative<std::int64_t>(*value))
    return static_cast<double>(std::get<std::int64_t>(*value));
  return std::nan("");
}

std::string depth_label(const FigureInput& input) {
  return input.overlays() ? "depth (layer ÷ number of layers)"
                          : "layer l (attention reads at l, MLP at l + ½)";
}

Panel depth_panel(const FigureInput& input, const std::string& title, const std::string& quantity,
                  const std::vector<DepthCurve>& curves, bool is_logarithmic) {
  Panel panel;
  panel.title = title;
  std::vector<std::vector<double>> all;
  double deepest = 1;
  const auto add = [&](const Run& run, const DepthCurve& one, const std::string& label, Hue hue) {
    if (!run.has(one.dataset)) return;
    Curve curve{.label = label, .x = {}, .y = run.reals(one.dataset), .hue = hue, .stroke = one.stroke};
    const double unit = input.overlays() ? static_cast<double>(run.layers()) : 1;
    const auto missing = static_cast<double>(run.points() - std::ssize(curve.y));
    for (std::size_t s = 0; s < curve.y.size(); ++s) {
      curve.x.push_back(run.depth(static_cast<double>(s) + missing / 2) / unit);
      curve.y[s] *= one.scale;
    }
    if (!one.spread.empty() && run.has(one.spread) && !input.overlays()) {
      Band band{.label = "", .x = curve.x, .low = curve.y, .high = curve.y, .hue = hue};
      const std::vector<double> spread = run.reals(one.spread);
      for (std::size_t s = 0; s < std::min(spread.size(), curve.y.size()); ++s) {
        band.low[s] -= one.scale * spread[s];
        band.high[s] += one.scale * spread[s];
        // An area that goes below zero has no place on a logarithmic axis.
        if (is_logarithmic && band.low[s] <= 0) band.low[s] = curve.y[s];
      }
      all.push_back(band.low);
      all.push_back(band.high);
      panel.layers.emplace_back(std::move(band));
    }
    deepest = std::max(deepest, input.overlays() ? 1.0 : static_cast<double>(run.layers()));
    all.push_back(curve.y);
    panel.layers.emplace_back(std::move(curve));
  };
  if (input.overlays()) {
    for (std::size_t i = 0; i < input.traces.size(); ++i)
      add(input.traces[i], curves.front(), input.traces[i].label(), hue_of(i));
  } else {
    for (const DepthCurve& one : curves) add(input.trace(), one, one.label, one.hue);
  }
  panel.x = {.label = depth_label(input), .low = 0, .high = deepest};
  panel.y = axis_over(quantity, all, is_logarithmic);
  panel.legend = panel.layers.size() > 1 ? Legend::above : Legend::none;
  return panel;
}

}  // namespace orrery::report
