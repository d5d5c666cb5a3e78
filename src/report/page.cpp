#include "page.hpp"

#include "html.hpp"
#include "orrery/core/concat.hpp"
#include "page_parts.hpp"

#include <array>
#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

std::string text_attribute(const Run& run, const std::string& name) {
  const auto value = run.file().attribute("/", name);
  return value && std::holds_alternative<std::string>(*value) ? std::get<std::string>(*value) : "";
}

/// "N = 200 rows", "8 prompts"; nothing where the file does not say.
std::string count_of(const Run& run) {
  if (run.is_sweep())
    return run.has("/prompts/row") ? concat(run.file().info("/prompts/row").shape.at(0), " prompts") : "";
  const double rows = run.number("/", "rows");
  return std::isnan(rows) ? "" : concat("N = ", static_cast<std::int64_t>(rows), " rows");
}

struct Part {
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

std::string model_of(const Run& run) {
  const std::string name = text_attribute(run, "model_name");
  return name.empty() ? run.label() : name;
}

std::string corpus_of(const Run& run) {
  const std::string name = text_attribute(run, "corpus_name");
  return name.empty() ? "an unnamed corpus" : name;
}

std::string run_text(const Run& run) {
  std::string text = count_of(run);
  text += concat(text.empty() ? "" : ", ", run.label(), ", ", corpus_of(run));
  const std::string created = text_attribute(run, "created_utc");
  return text + (created.empty() ? "" : concat(", ", run.is_sweep() ? "sweep" : "run", " of ", created));
}

std::vector<const Run*> runs_of(const FigureInput& input) {
  std::vector<const Run*> runs;
  for (const Run& run : input.traces) runs.push_back(&run);
  if (input.sweep) runs.push_back(&*input.sweep);
  return runs;
}

std::string run_heading(const FigureInput& input, const Run& run, const std::string& level) {
  if (runs_of(input).size() < 2) return "";
  const std::string kind = run.is_sweep() ? "Sweep" : "Trace";
  return element(level, escaped(input.overlays() ? concat(kind, ": ", run_text(run)) : kind)) + "\n";
}

std::string page_text(const FigureInput& input, const std::vector<Figure>& figures,
                      const std::vector<std::string>& left_out, const std::filesystem::path& folder) {
  const std::array<Part, 4> parts = {{{"headline", "Headline numbers", headline_part(input)},
                                      {"claims", "What agrees with the paper’s claims", claims_part(input)},
                                      {"figures", "Figures", figures_part(input, figures, left_out, folder)},
                                      {"provenance", "Provenance", provenance_part(input)}}};
  std::string contents, sections;
  for (const Part& part : parts) {
    contents += element("li", element("a", {{"href", concat("#", part.id)}}, part.heading)) + "\n";
    const std::string heading = concat(part.id, "-heading");
    sections += element("section", {{"id", part.id}, {"aria-labelledby", heading}},
                        element("h2", {{"id", heading}}, part.heading) + "\n" + part.html) +
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
