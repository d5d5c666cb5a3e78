#include "gnuplot_script.hpp"

#include "axis_range.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/number_text.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

/// Room around what a panel draws in, in millimetres.
constexpr double left_room = 14.2, right_room = 3.5, top_room = 5.5, bottom_room = 10;
/// From a panel's left and right edge to the middle of the upright labels there.
constexpr double label_from_left = 1.6, label_from_right = 2.7;
constexpr double legend_row = 3.1, colour_bar_room = 16, colour_bar_width = 2.2;
/// And in space, whose axes gnuplot draws around the box that the margins give, not within it.
constexpr double left_in_space = 8, right_in_space = 13, top_in_space = 2, bottom_in_space = 10;
constexpr double font_points = 7;

std::string colour_of(Hue hue) {
  switch (hue) {
    case Hue::black:
      return "#000000";
    case Hue::orange:
      return "#E69F00";
    case Hue::sky:
      return "#56B4E9";
    case Hue::green:
      return "#009E73";
    case Hue::yellow:
      return "#F0E442";
    case Hue::blue:
      return "#0072B2";
    case Hue::vermilion:
      return "#D55E00";
    case Hue::purple:
      return "#CC79A7";
    case Hue::grey:
      return "#666666";
    case Hue::light_grey:
      return "#BBBBBB";
  }
  return "#000000";
}

const char* dash_of(Stroke stroke) {
  return stroke == Stroke::solid ? "solid" : stroke == Stroke::dashed ? "(6,4)" : "(1.5,3)";
}

/// Viridis and Crameri's vik, at a few places: light to dark, and blue over white to red.
const char* palette_of(Palette palette) {
  return palette == Palette::sequential
             ? "(0 '#FDE725', 0.143 '#A0DA39', 0.286 '#4AC16D', 0.429 '#1FA187', 0.571 '#277F8E', "
               "0.714 '#365C8D', 0.857 '#46327E', 1 '#440154')"
             : "(0 '#053061', 0.125 '#2166AC', 0.25 '#4393C3', 0.375 '#92C5DE', 0.5 '#F7F7F7', "
               "0.625 '#F4A582', 0.75 '#D6604D', 0.875 '#B2182B', 1 '#67001F')";
}

/// Text as gnuplot takes it without looking into it.
std::string quoted(const std::string& text) {
  std::string all = "'";
  for (const char c : text) {
    if (c == '\'') all += '\'';
    all += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return all + "'";
}

std::string digits(double value) {
  return core::number_text(value);
}

std::string title_of(const std::string& label) {
  return label.empty() ? "notitle" : "title " + quoted(label);
}

struct PlotText {
  std::string operator()(const Curve& c) const {
    const std::string line = concat("lc rgb '", colour_of(c.hue), "' lw ", digits(c.width));
    const std::string dots = concat("points pt 7 ps ", digits(c.dot_size), " ");
    if (!c.stroke) return concat("using 1:2 with ", dots, line, " ", title_of(c.label));
    return concat("using 1:2 with ", c.marks ? "lines" + dots : "lines ", line, " dt ", dash_of(*c.stroke),
                  " ", title_of(c.label));
  }
  std::string operator()(const Band& b) const {
    return concat("using 1:2:3 with filledcurves fc rgb '", colour_of(b.hue),
                  "' fs transparent solid 0.2 noborder ", title_of(b.label));
  }
  std::string operator()(const Histogram& h) const {
    const std::string line = concat("lc rgb '", colour_of(h.hue), "' ");
    if (h.filled) {
      return concat("using 1:2:(", digits(h.width), ") with boxes ", line,
                    "fs transparent solid 0.35 noborder ", title_of(h.label));
    }
    return concat("using 1:2 with histeps ", line, "lw 1 dt ", dash_of(h.stroke), " ", title_of(h.label));
  }
  std::string operator()(const Cloud& c) const {
    if (c.line) return concat("using 1:2:3 with lines lc palette lw 1 ", title_of(c.label));
    return concat("using 1:2:3 with points pt 7 ps ", digits(c.size), " lc palette ", title_of(c.label));
  }
  std::string operator()(const Path&) const {
    return "using 1:2:3:4 with linespoints pt 7 ps 0.3 lc palette notitle";
  }
  std::string operator()(const HeatMap&) const { return "using 1:2:3 with image notitle"; }
  std::string operator()(const Arrows&) const {
    return "using 1:2:3:4:5 with vectors head filled size char 0.5,20,60 lw 0.75 lc palette notitle";
  }
};

/// Millimetres as a share of the picture.
class Places {
 public:
  explicit Places(const Figure& figure) : figure_(figure) {}

  double rows() const {
    return static_cast<double>((std::ssize(figure_.panels) + figure_.columns - 1) / figure_.columns);
  }
  double height() const { return rows() * figure_.height; }
  std::string across(double millimetres) const { return digits(rounded(millimetres / figure_.width)); }
  std::string up(double millimetres) const { return digits(rounded(millimetres / height())); }

 private:
  static double rounded(double share) { return std::round(share * 1e5) / 1e5; }
  const Figure& figure_;
};

class Script {
 public:
  explicit Script(const Figure& figure) : figure_(figure), places_(figure) {}

  std::string text() {
    begin();
    int layer = 0;
    for (std::size_t i = 0; i < figure_.panels.size(); ++i) {
      panel(figure_.panels[i], static_cast<int>(i) % figure_.columns, static_cast<int>(i) / figure_.columns,
            layer);
      layer += static_cast<int>(figure_.panels[i].layers.size());
    }
    line("unset multiplot");
    line("unset output");
    return text_;
  }

 private:
  template <class... Parts>
  void line(const Parts&... parts) {
    text_ += concat(parts..., "\n");
  }

  void begin() {
    const std::string name = figure_.name;
    line("# Draws ", name, ".svg from ", name, ".dat, in this folder:  gnuplot ", name, ".gp");
    line("# The others:  gnuplot -e \"format='pdf'\" ", name, ".gp   and the same with png");
    line("if (!exists('format')) format = 'svg'");
    const double pixels_a_millimetre = 96 / 25.4, dots_a_millimetre = 300 / 25.4;
    const auto size = [&](double a_millimetre) {
      return concat(std::lround(figure_.width * a_millimetre), ",",
                    std::lround(places_.height() * a_millimetre));
    };
    const auto face = [&](double points) { return concat("font 'Liberation Sans,", digits(points), "'"); };
    line("if (format eq 'svg') set terminal svg noenhanced size ", size(pixels_a_millimetre), " ",
         face(std::round(font_points * 9600 / 72) / 100), " linewidth 1 background rgb 'white'");
    line("if (format eq 'pdf') set terminal pdfcairo noenhanced size ", digits(figure_.width / 10), "cm,",
         digits(places_.height() / 10), "cm ", face(font_points), " linewidth 0.75");
    line("if (format eq 'png') set terminal pngcairo noenhanced size ", size(dots_a_millimetre), " ",
         face(font_points), " fontscale ", digits(std::round(30000.0 / 72) / 100),
         " linewidth 3 pointscale 3");
    // An SVG counts in pixels.
    line("legend_font = (format eq 'svg') ? ',", digits(std::round((font_points - 1) * 96 / 72)), "' : ',",
         digits(font_points - 1), "'");
    line("set output '", name, ".'.format");
    line("set encoding utf8");
    line("set minussign");
    line("set border lw 0.5");
    line("set tics scale 0.5 nomirror");
    line("set multiplot");
    if (figure_.colour) {
      colour_bar(*figure_.colour, figure_.width - right_room - colour_bar_room, bottom_room,
                 places_.height() - top_room);
    }
  }

  void axis(const char* name, const Axis& wanted) {
    const Axis axis = widened(wanted);
    // Before the range: one that goes below zero has no place on an axis that is still logarithmic.
    line("unset logscale ", name);
    line("set ", name, "range [", digits(axis.low), ":", digits(axis.high), "]");
    line("set ", name, "label ", quoted(axis.label));
    if (axis.is_logarithmic) line("set logscale ", name);
    if (axis.ticks.empty()) {
      line("set ", name, "tics autofreq");
      line("set format ", name, axis.is_logarithmic ? " '%g'" : " '% h'");
    } else {
      std::string ticks;
      for (const auto& [place, label] : axis.ticks)
        ticks += concat(ticks.empty() ? "" : ", ", quoted(label), " ", digits(place));
      line("set ", name, "tics (", ticks, ")");
    }
  }

  static std::int64_t legend_rows(const Panel& panel) {
    const auto is_named = [](const auto& layer) {
      if constexpr (requires { layer.label; }) {
        return !layer.label.empty();
      } else {
        return false;
      }
    };
    const std::int64_t entries =
        std::ranges::count_if(panel.layers, [&](const Layer& layer) { return std::visit(is_named, layer); });
    return entries <= 3 ? entries : (entries + 1) / 2;
  }
  static double legend_room(const Panel& panel) {
    return panel.legend == Legend::above ? 1.2 + legend_row * static_cast<double>(legend_rows(panel)) : 0;
  }

  void legend(const Panel& panel, double left, double top) {
    const std::string look = " samplen 1.5 font legend_font";
    const auto inside = [&](const char* corner, const char* side) {
      line("set key inside ", corner, " vertical maxrows auto ", side, look);
    };
    switch (panel.legend) {
      case Legend::none:
        return line("unset key");
      case Legend::above:
        return line("set key at screen ", places_.across(left), ",",
                    places_.up(top + legend_room(panel) + 0.8), " left top vertical maxrows ",
                    legend_rows(panel), " Left reverse", look);
      case Legend::top_left:
        return inside("top left", "Left reverse");
      case Legend::top_right:
        return inside("top right", "Right noreverse");
      case Legend::bottom_left:
        return inside("bottom left", "Left reverse");
      case Legend::bottom_right:
        return inside("bottom right", "Right noreverse");
    }
  }

  /// Text that reads upwards, its middle there. gnuplot's own place for it comes from a guess at the width of
  /// tick labels, and lies off the picture beside wide ones.
  void upright(int number, const std::string& text, double across, double up) {
    line("set label ", number, " ", quoted(text), " at screen ", places_.across(across), ",", places_.up(up),
         " center rotate by 90");
  }

  void colour_bar(const ColourBar& bar, double right, double bottom, double top) {
    line("set palette defined ", palette_of(bar.palette));
    axis("cb", bar.axis);
    line("unset cblabel");
    upright(3, bar.axis.label, right + right_room + colour_bar_room - label_from_right, (bottom + top) / 2);
    line("set colorbox user origin ", places_.across(right + 1.5), ",", places_.up(bottom), " size ",
         places_.across(colour_bar_width), ",", places_.up(top - bottom));
  }

  void panel(const Panel& panel, int column, int row, int first_layer) {
    const double width = (figure_.width - (figure_.colour ? colour_bar_room : 0)) / figure_.columns;
    const double left = column * width + left_room;
    const double right = (column + 1) * width - right_room - (panel.colour ? colour_bar_room : 0);
    const double above = legend_room(panel);
    const double top = places_.height() - row * figure_.height - top_room - above;
    const double bottom = places_.height() - (row + 1) * figure_.height + bottom_room;
    line("");
    const auto inset = [&](double room) { return panel.z ? room : 0; };
    line("set lmargin at screen ", places_.across(left + inset(left_in_space)));
    line("set rmargin at screen ", places_.across(right - inset(right_in_space)));
    line("set bmargin at screen ", places_.up(bottom + inset(bottom_in_space)));
    line("set tmargin at screen ", places_.up(top - inset(top_in_space)));
    line("set label 1 ", quoted(panel.title), " at screen ", places_.across((left + right) / 2), ",",
         places_.up(top + above + 0.45 * top_room), " center");
    axis("x", panel.x);
    axis("y", panel.y);
    line("set xlabel offset 0,", panel.z ? "0" : "0.5");
    line("set xtics offset ", panel.z ? "0,-0.3" : "0,0");
    line("set ytics offset ", panel.z ? "0.8,-0.1" : "0,0");
    if (panel.z) {
      line("unset label 2");
      line("set ylabel offset 0,0");
      axis("z", *panel.z);
      line("set zlabel rotate by 90 offset 1,0");
      line("set xyplane relative 0");
      line("set view 62,35,1,1.1");
    } else {
      line("unset ylabel");
      upright(2, panel.y.label, column * width + label_from_left, (bottom + top) / 2);
    }
    legend(panel, left, top);
    if (panel.colour) colour_bar(*panel.colour, right, bottom, top);
    std::string plots;
    for (std::size_t i = 0; i < panel.layers.size(); ++i) {
      plots +=
          concat(i == 0 ? (panel.z ? "splot " : "plot ") : ", \\\n     ", quoted(figure_.name + ".dat"),
                 " index ", first_layer + static_cast<int>(i), " ", std::visit(PlotText(), panel.layers[i]));
    }
    line(plots);
    // One for all panels is drawn with the first.
    if (figure_.colour) line("unset colorbox");
    if (panel.colour || figure_.colour) line("unset label 3");
  }

  const Figure& figure_;
  Places places_;
  std::string text_;
};

}  // namespace

std::string script_text(const Figure& figure) {
  return Script(figure).text();
}

}  // namespace orrery::report
