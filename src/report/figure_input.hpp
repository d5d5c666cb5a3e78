#pragma once

#include "figure.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/point_map.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace orrery::report {

/// The numbers of a dataset with its shape: entry (i, j, …) of a row-major array.
class Array {
 public:
  /// Throws bad_input where it is not of `rank` dimensions.
  Array(const archive::Reader& file, const std::string& path, std::size_t rank);

  std::int64_t extent(std::size_t dimension) const { return shape_.at(dimension); }
  const std::vector<double>& values() const { return values_; }
  double at(std::initializer_list<std::int64_t> index) const;
  /// The entries with these first indices, as they lie: of (P, k), row(p) has k.
  std::vector<double> row(std::initializer_list<std::int64_t> first) const;

 private:
  /// Of the first entry with these first indices. Throws bad_input where there is none.
  std::int64_t place_of(std::initializer_list<std::int64_t> index) const;

  std::string path_;
  std::vector<std::int64_t> shape_;
  std::vector<double> values_;
};

/// A file as figures read it: a trace, or a sweep. Every number comes from here.
class Run {
 public:
  /// Throws bad_input where the file can't be read, is damaged or not complete, or has no points.
  explicit Run(const std::filesystem::path& path);

  const archive::Reader& file() const { return file_; }
  /// What a legend calls it: the last part of the model's folder. Plain UTF-8 in one line.
  const std::string& label() const { return label_; }
  /// Sets it apart from others of the same name.
  void number_label(std::int64_t number) { label_ += " (" + std::to_string(number) + ")"; }
  bool is_sweep() const;
  bool has(const std::string& dataset) const { return file_.has(dataset); }
  std::vector<double> reals(const std::string& dataset) const { return file_.read_reals(dataset); }
  Array array(const std::string& dataset, std::size_t rank) const { return {file_, dataset, rank}; }
  /// A number among the attributes of an object; NaN where there is none.
  double number(const std::string& object, const std::string& attribute) const;

  const core::PointMap& point_map() const { return point_map_; }
  std::int64_t points() const { return point_map_.size(); }    ///< P
  std::int64_t layers() const { return point_map_.layers(); }  ///< L
  /// The point where a layer begins.
  std::int64_t first_point(std::int64_t layer) const {
    return point_map_.first_of(core::Layer(layer)).value();
  }
  /// Whether step s stays in a layer.
  bool is_within_layer(std::int64_t s) const { return point_map_.stays_in_layer(core::Point(s)); }
  /// Where capture point s stands on an axis of depth, in layers.
  double depth(double s) const { return point_map_.depth(s); }

 private:
  archive::Reader file_;
  std::string label_;
  core::PointMap point_map_;
};

/// What figures are drawn of.
struct FigureInput {
  std::vector<Run> traces;  ///< the first one for what can't be overlaid
  std::optional<Run> sweep{};

  const Run& trace() const { return traces.front(); }
  bool overlays() const { return traces.size() > 1; }
};

/// A curve over depth, of one dataset.
struct DepthCurve {
  std::string label;
  std::string dataset;  ///< (P), (P−1), (P−2), … float64
  Hue hue = Hue::black;
  std::optional<Stroke> stroke = Stroke::solid;  ///< nothing: dots
  std::string spread{};                          ///< a dataset as long, drawn as a band of ± so much
  double scale = 1;                              ///< values are multiplied by
  std::optional<double> first{};                 ///< the first entry's capture point, where it isn't so
};

/// A panel of curves over depth in layers. The entries of a dataset of P − m numbers stand in the middle of
/// the m + 1 points that each is of, or from point `first` on. Curves whose dataset a run lacks are left out.
/// Where runs are overlaid, depth is relative (0 … 1), and the first curve of each is drawn, a colour a run.
Panel depth_panel(const FigureInput& input, const std::string& title, const std::string& quantity,
                  const std::vector<DepthCurve>& curves, bool is_logarithmic = false);

/// The label of an axis of depth in a run's layers, and of one of what may be overlaid.
std::string depth_label(const Run& run);
std::string depth_label(const FigureInput& input);

}  // namespace orrery::report
