#include "gnuplot.hpp"

#include "child_process.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/number_text.hpp"
#include "orrery/text/whole_file.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string_view>

namespace orrery::report {
namespace {

using core::concat;

std::vector<double> centres_of(const Histogram& histogram) {
  std::vector<double> centres;
  for (std::size_t bin = 0; bin < histogram.height.size(); ++bin)
    centres.push_back(histogram.first + (static_cast<double>(bin) + 0.5) * histogram.width);
  return centres;
}

std::string rows_of(const std::vector<const std::vector<double>*>& columns) {
  std::string text;
  for (std::size_t row = 0; row < columns.front()->size(); ++row) {
    const char* between = "";
    for (const std::vector<double>* column : columns) {
      const double value = column->at(row);
      text.append(between).append(std::isnan(value) ? "NaN" : core::number_text(value));
      between = " ";
    }
    text += '\n';
  }
  return text;
}

/// What stands in the data file, and what is said to gnuplot, of each kind of layer.
struct DataText {
  std::string operator()(const Curve& c) const { return "x y\n" + rows_of({&c.x, &c.y}); }
  std::string operator()(const Band& b) const { return "x low high\n" + rows_of({&b.x, &b.low, &b.high}); }
  std::string operator()(const Histogram& h) const {
    const std::vector<double> centres = centres_of(h);
    return "bin_centre height\n" + rows_of({&centres, &h.height});
  }
  std::string operator()(const Cloud& c) const { return "x y value\n" + rows_of({&c.x, &c.y, &c.value}); }
  std::string operator()(const Path& p) const {
    return "x y z value\n" + rows_of({&p.x, &p.y, &p.z, &p.value});
  }
  std::string operator()(const HeatMap& map) const {
    std::string text = "x y value\n";
    for (std::size_t row = 0; row < map.y.size(); ++row) {
      const std::vector<double> y(map.x.size(), map.y[row]);
      const auto begin = map.value.begin() + static_cast<std::ptrdiff_t>(row * map.x.size());
      const std::vector<double> value(begin, begin + std::ssize(map.x));
      text += rows_of({&map.x, &y, &value});
    }
    return text;
  }
  std::string operator()(const Arrows& a) const {
    return "x y dx dy value\n" + rows_of({&a.x, &a.y, &a.dx, &a.dy, &a.value});
  }
};

std::string in_one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

std::string bytes_of(const std::filesystem::path& path) {
  return text::read_whole_file(path, std::int64_t{1} << 30);
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), std::ssize(bytes));
  file.close();
  if (!file) throw core::system_error("a picture can't be written", path.string(), "see to the disk's space");
}

/// Browsers blur an image that they enlarge, unless they are told not to.
void sharpen_images(const std::filesystem::path& svg) {
  constexpr std::string_view image = "<image ", sharp = "<image style='image-rendering:pixelated' ";
  std::string bytes = bytes_of(svg);
  for (std::size_t place = bytes.find(image); place != std::string::npos;
       place = bytes.find(image, place + sharp.size()))
    bytes.replace(place, image.size(), sharp);
  write(svg, bytes);
}

/// cairo writes the time into a PDF, and nothing keeps it from that: it becomes 1970.
void take_date_away(const std::filesystem::path& pdf) {
  std::string bytes = bytes_of(pdf);
  constexpr std::string_view key = "/CreationDate (D:", date = "19700101000000";
  const std::size_t place = bytes.find(key);
  if (place == std::string::npos || place + key.size() + date.size() > bytes.size()) {
    throw core::internal_error("a PDF of gnuplot's has no date where it is expected", pdf.string(),
                               "please report it with the version of gnuplot");
  }
  std::ranges::copy(date, bytes.begin() + static_cast<std::ptrdiff_t>(place + key.size()));
  write(pdf, bytes);
}

}  // namespace

std::string data_text(const Figure& figure) {
  std::string text;
  int panel = 0;
  for (const Panel& one : figure.panels) {
    ++panel;
    for (const Layer& layer : one.layers) {
      if (!text.empty()) text += "\n\n";
      text += concat("# panel ", panel, ": ", std::visit(DataText(), layer));
    }
  }
  return text;
}

void draw(const std::filesystem::path& folder, const Figure& figure,
          const std::vector<std::string>& formats) {
  std::string commands;
  for (const std::string& format : formats)
    commands += concat("format='", format, "'; load '", figure.name, ".gp'; reset; ");
  const ChildOutcome outcome = run_child({"gnuplot", "--default-settings", "-e", commands}, folder,
                                         {{"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}});
  if (outcome.code == child_missing) {
    throw core::Error(core::ExitCode::helper_missing, "gnuplot is missing", "not in PATH",
                      "install it (Debian: gnuplot-nox); the data and the scripts are written");
  }
  if (outcome.code != 0 || !outcome.errors.empty()) {
    throw core::internal_error("gnuplot could not draw " + figure.name, in_one_line(outcome.errors),
                               concat("look at ", figure.name, ".gp, and report it"));
  }
  for (const std::string& format : formats) {
    const std::filesystem::path picture = folder / concat(figure.name, ".", format);
    if (format == "svg") sharpen_images(picture);
    if (format == "pdf") take_date_away(picture);
  }
}

}  // namespace orrery::report
