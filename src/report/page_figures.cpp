#include "page_figures.hpp"

#include "html.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/text/whole_file.hpp"
#include "recipe.hpp"
#include "run_text.hpp"
#include "svg.hpp"

#include <algorithm>
#include <array>

namespace orrery::report {
namespace {

using core::concat;
namespace fs = std::filesystem;

/// Whose numbers a figure shows.
std::string runs_text(const FigureInput& input, const std::string& name) {
  const auto recipe = std::ranges::find_if(recipes(), [&](const Recipe& one) { return one.name == name; });
  if (recipe != recipes().end() && recipe->source == Source::sweep && input.sweep)
    return run_text(*input.sweep);
  std::string all;
  for (const Run& run : input.traces) all += (all.empty() ? "" : "; ") + run_text(run);
  return all;
}

/// Links to the files of a figure, as far as they are there.
std::string links(const std::string& name, const fs::path& folder) {
  constexpr std::array<std::pair<const char*, const char*>, 5> kinds = {{{"dat", "numbers (.dat)"},
                                                                         {"gp", "gnuplot script (.gp)"},
                                                                         {"svg", "SVG"},
                                                                         {"pdf", "PDF"},
                                                                         {"png", "PNG"}}};
  std::string all;
  for (const auto& [ending, words] : kinds) {
    const std::string file = concat(name, ".", ending);
    if (!fs::exists(folder / file)) continue;
    all += element("li", element("a", {{"href", file}}, words)) + "\n";
  }
  return element("ul", {{"class", "files"}, {"aria-label", "Files of the figure " + name}}, all) + "\n";
}

std::string figure_html(const FigureInput& input, const Figure& figure, std::size_t number,
                        const fs::path& folder) {
  const fs::path svg = folder / (figure.name + ".svg");
  const bool is_drawn = fs::exists(svg);
  std::string html = element("h3", {{"id", figure.name + "-heading"}},
                             concat("Figure ", number, ". ", escaped(figure.title))) +
                     "\n";
  if (is_drawn) {
    html += element("div",
                    {{"class", "picture"},
                     {"role", "group"},
                     {"aria-label", concat("Picture of figure ", number)},
                     {"tabindex", "0"}},
                    svg_in_page(text::read_whole_file(svg, std::int64_t{1} << 30), figure)) +
            "\n";
  }
  std::string caption = element("p", escaped(figure.caption)) + "\n";
  if (!is_drawn) caption += element("p", escaped(figure.seen)) + "\n";
  caption += element("p", {{"class", "run"}}, escaped(runs_text(input, figure.name))) + "\n";
  html += element("figcaption", caption + links(figure.name, folder)) + "\n";
  return element("figure",
                 {{"id", "figure-" + figure.name},
                  {"class", figure.width > 100 ? "wide" : "narrow"},
                  {"aria-labelledby", figure.name + "-heading"}},
                 html) +
         "\n";
}

}  // namespace

std::string figures_section(const FigureInput& input, const std::vector<Figure>& figures,
                            const std::vector<std::string>& left_out, const fs::path& folder) {
  std::string contents, html;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    contents +=
        element("li", element("a", {{"href", "#figure-" + figures[i].name}}, escaped(figures[i].title))) +
        "\n";
    html += figure_html(input, figures[i], i + 1, folder);
  }
  std::string missing;
  for (const std::string& line : left_out) missing += element("li", escaped(line)) + "\n";
  if (!missing.empty())
    missing = element("h3", "Not drawn") + "\n" + element("ul", {{"id", "not-drawn"}}, missing) + "\n";
  if (figures.empty()) return element("p", "No figure could be drawn.") + "\n" + missing;
  return element("ol", {{"class", "contents"}}, contents) + "\n" + html + missing;
}

}  // namespace orrery::report
