#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::report {

// What a figure shows, without a word of how it is drawn: gnuplot.hpp makes files of it.

/// The colours of Okabe and Ito's palette, told apart with any kind of colour vision, and greys.
enum class Hue { black, orange, sky, green, yellow, blue, vermilion, purple, grey, light_grey };

enum class Stroke { solid, dashed, dotted };

/// An axis: what it measures with its unit, and from where to where it goes. low < high, both positive where
/// it is logarithmic.
struct Axis {
  std::string label;
  double low = 0;
  double high = 1;
  bool is_logarithmic = false;
  std::vector<std::pair<double, std::string>> ticks{};  ///< named places, where numbers won't do
};

/// A line through points; a NaN breaks it. With `marks`, a dot at each point; with no stroke, dots alone.
struct Curve {
  std::string label;  ///< in the legend; "": not there
  std::vector<double> x, y;
  Hue hue = Hue::black;
  std::optional<Stroke> stroke = Stroke::solid;
  bool marks = false;
  double width = 1;        ///< in points
  double dot_size = 0.25;  ///< relative to gnuplot's
};

/// A translucent area between two curves.
struct Band {
  std::string label;
  std::vector<double> x, low, high;
  Hue hue = Hue::black;
};

/// A histogram: heights over bins of one width, `first` the lower edge of the first.
struct Histogram {
  std::string label;
  double first = 0, width = 1;
  std::vector<double> height;
  Hue hue = Hue::black;
  bool filled = false;
  Stroke stroke = Stroke::solid;
};

/// Dots, or with `line` a path, coloured by a value (by the panel's colour bar).
struct Cloud {
  std::string label;
  std::vector<double> x, y, value;
  double size = 0.25;  ///< of a dot, relative to gnuplot's
  bool line = false;
};

/// A path in space, coloured by a value; the panel has a z axis then, and nothing else is drawn in it.
struct Path {
  std::vector<double> x, y, z, value;
};

/// Values on a regular grid, coloured by the panel's colour bar: x.size() by y.size(), x fastest. NaN is left
/// white.
struct HeatMap {
  std::vector<double> x, y, value;
};

/// Arrows from (x, y) by (dx, dy), in the axes' units, coloured by a value.
struct Arrows {
  std::vector<double> x, y, dx, dy, value;
};

using Layer = std::variant<Curve, Band, Histogram, Cloud, Path, HeatMap, Arrows>;

/// Sequential: from light to dark, the same order in greys. Diverging: white in the middle, for values about
/// zero; the axis must be symmetric.
enum class Palette { sequential, diverging };

struct ColourBar {
  Axis axis;
  Palette palette = Palette::sequential;
};

/// Where the legend stands; `above` takes room of its own.
enum class Legend { none, above, top_left, top_right, bottom_left, bottom_right };

struct Panel {
  std::string title;
  Axis x, y;
  std::vector<Layer> layers;
  std::optional<Axis> z{};
  std::optional<ColourBar> colour{};
  Legend legend = Legend::none;
};

/// One picture. Panels are laid out row by row.
struct Figure {
  std::string name{};   ///< of its files: letters and underscores
  std::string title{};  ///< a few words
  std::string caption;  ///< what is drawn and how to read it, in sentences
  std::string seen;     ///< what one sees, in numbers, for who can't see it
  std::vector<Panel> panels;
  /// One colour bar for all panels, which have none of their own: right of them, as high as all rows.
  std::optional<ColourBar> colour{};
  int columns = 1;
  double width = 85;   ///< in millimetres: 85 is a column of a paper, 176 a page
  double height = 60;  ///< of one row of panels
};

}  // namespace orrery::report
