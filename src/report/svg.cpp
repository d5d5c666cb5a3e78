#include "svg.hpp"

#include "html.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <array>
#include <cmath>
#include <set>

namespace orrery::report {
namespace {

using core::concat;

/// Pixels a millimetre, as the figure is printed.
constexpr double pixels = 96 / 25.4;

core::Error strange(const Figure& figure, const std::string& seen) {
  return core::internal_error("a picture of gnuplot's can't be put into the page",
                              concat(figure.name, ".svg: ", seen),
                              "please report it with the version of gnuplot");
}

/// Reads markup from its svg element on, tag by tag.
class Markup {
 public:
  Markup(std::string_view svg, const Figure& figure) : rest_(svg), figure_(figure) {
    const std::size_t begin = svg.find("<svg");
    if (begin == std::string_view::npos) throw strange(figure, "no svg element");
    rest_.remove_prefix(begin);
  }

  bool ended() const { return rest_.empty(); }
  /// What stands before the next tag.
  std::string_view text() { return take(rest_.find('<')); }
  /// "<name …>", a '>' in a quoted value being none.
  std::string_view tag() {
    char quote = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return take(i + 1);
      }
    }
    throw strange(figure_, "a tag without an end");
  }
  void skip_behind(std::string_view end) {
    const std::size_t place = rest_.find(end);
    if (place == std::string_view::npos) throw strange(figure_, concat("no ", end));
    rest_.remove_prefix(place + end.size());
  }

 private:
  std::string_view take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  const Figure& figure_;
};

std::string_view name_of(std::string_view tag) {
  return tag.substr(1, tag.find_first_of(" \t\n\r/>", 2) - 1);
}

/// Puts `prefix` behind each `before` of the tag.
void insert_behind(std::string& tag, std::string_view before, const std::string& prefix) {
  for (std::size_t place = tag.find(before); place != std::string::npos; place = tag.find(before, place)) {
    place += before.size();
    tag.insert(place, prefix);
    place += prefix.size();
  }
}

std::string with_own_ids(std::string_view tag, const std::string& prefix) {
  std::string all(tag);
  constexpr std::array<std::string_view, 9> places = {" id='",    " id=\"", "\nid='", "\nid=\"", "href='#",
                                                      "href=\"#", "url(#",  "url('#", "url(\"#"};
  for (const std::string_view place : places) insert_behind(all, place, prefix);
  return all;
}

/// The first tag anew: of gnuplot's own, only the viewBox stays.
std::string opening(std::string_view tag, const Figure& figure) {
  constexpr std::string_view key = "viewBox=\"";
  const std::size_t begin = tag.find(key);
  const std::size_t end = tag.find('"', begin == std::string_view::npos ? begin : begin + key.size());
  if (begin == std::string_view::npos || end == std::string_view::npos) throw strange(figure, "no viewBox");
  const std::string box(tag.substr(begin + key.size(), end - begin - key.size()));
  // Larger on a screen than in print, and never too small to be read: a wide one scrolls in its box then.
  const std::string size = concat("max-width:", std::lround(1.5 * pixels * figure.width),
                                  "px;min-width:", std::lround(0.87 * pixels * figure.width), "px");
  const std::string seen = figure.name + "-seen";
  std::string all = "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"";
  const Attributes attributes = {{"viewBox", box},
                                 {"role", "img"},
                                 {"aria-labelledby", concat(figure.name, "-heading ", seen)},
                                 {"style", size}};
  for (const auto& [name, value] : attributes) all += concat(" ", name, "=\"", escaped(value), "\"");
  return all + ">" + element("desc", {{"id", seen}}, escaped(figure.seen));
}

}  // namespace

std::string svg_in_page(std::string_view svg, const Figure& figure) {
  // Of scripts there are none: text is text to gnuplot, and this holds it to that.
  static const std::set<std::string_view> forbidden = {"script", "foreignObject", "style", "a", "iframe"};
  Markup markup(svg, figure);
  std::string all = opening(markup.tag(), figure);
  while (!markup.ended()) {
    all += markup.text();
    if (markup.ended()) break;
    const std::string_view tag = markup.tag(), name = name_of(tag);
    if (forbidden.contains(name)) throw strange(figure, concat("an element ", name));
    if (name == "title" || name == "desc") {
      markup.skip_behind(name == "title" ? "</title>" : "</desc>");
    } else {
      all += with_own_ids(tag, figure.name + "-");
    }
  }
  return all;
}

}  // namespace orrery::report
