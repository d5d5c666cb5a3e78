#include "page.hpp"

#include "html.hpp"
#include "orrery/core/concat.hpp"
#include "page_figures.hpp"
#include "page_style.hpp"
#include "page_tables.hpp"
#include "run_text.hpp"

#include <array>

namespace orrery::report {
namespace {

using core::concat;

struct Section {
  const char* id;
  const char* heading;
  std::string html;
};

std::string page_title(const FigureInput& input) {
  if (input.overlays()) {
    std::string all;
    for (const Run& run : input.traces) all += (all.empty() ? "" : ", ") + run.label();
    return all;
  }
  const Run& run = input.traces.empty() ? *input.sweep : input.trace();
  return concat(model_of(run), " on ", corpus_of(run));
}

std::string head(const FigureInput& input) {
  return concat(
      "<head>\n<meta charset=\"utf-8\">\n",
      // Nothing of the page can be run, and nothing be loaded: all that it shows is in it.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:\">\n",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
      "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n",
      element("title", concat("Residual streams of ", escaped(page_title(input)), " – orrery")), "\n",
      element("style", page_style), "\n</head>\n");
}

}  // namespace

std::string page_text(const FigureInput& input, const std::vector<Figure>& figures,
                      const std::vector<std::string>& left_out, const std::filesystem::path& folder) {
  const std::array<Section, 4> all = {
      {{"headline", "Headline numbers", headline_section(input)},
       {"claims", "What agrees with the paper’s claims", claims_section(input)},
       {"figures", "Figures", figures_section(input, figures, left_out, folder)},
       {"provenance", "Provenance", provenance_section(input)}}};
  std::string contents, sections;
  for (const Section& section : all) {
    contents += element("li", element("a", {{"href", concat("#", section.id)}}, section.heading)) + "\n";
    const std::string heading = concat(section.id, "-heading");
    sections += element("section", {{"id", section.id}, {"aria-labelledby", heading}},
                        element("h2", {{"id", heading}}, section.heading) + "\n" + section.html) +
                "\n";
  }
  std::string runs;
  for (const Run* run : runs_of(input))
    runs += element("p", {{"class", "run"}}, escaped(run_text(*run))) + "\n";
  const std::string header = element("p", {{"class", "kind"}}, "Residual streams, measured by orrery") +
                             "\n" + element("h1", escaped(page_title(input))) + "\n" + runs +
                             element("nav", {{"aria-label", "Parts of the page"}}, element("ul", contents)) +
                             "\n";
  return concat("<!DOCTYPE html>\n<html lang=\"en\">\n", head(input), "<body>\n",
                "<a class=\"skip\" href=\"#main\">Skip to the numbers</a>\n", element("header", header), "\n",
                element("main", {{"id", "main"}, {"tabindex", "-1"}}, "\n" + sections),
                "\n</body>\n</html>\n");
}

}  // namespace orrery::report
