#include "page_tables.hpp"

#include "claims.hpp"
#include "headline.hpp"
#include "html.hpp"
#include "numbers.hpp"
#include "orrery/core/concat.hpp"
#include "run_text.hpp"
#include "sweep_claims.hpp"
#include "sweep_summary.hpp"
#include "trace_claims.hpp"

namespace orrery::report {
namespace {

using core::concat;

std::string head_cell(const char* scope, const std::string& text) {
  return text.empty() ? "<td></td>" : element("th", {{"scope", scope}}, escaped(text));
}

std::string cell(const std::string& text) {
  return element("td", escaped(text));
}

std::string row(const std::string& cells) {
  return element("tr", cells) + "\n";
}

/// A row of headings.
std::string head_row(const std::vector<std::string>& headings) {
  std::string cells;
  for (const std::string& heading : headings) cells += head_cell("col", heading);
  return row(cells);
}

std::string table(const std::string& caption, const std::string& rows) {
  return scrolling(caption, element("table", element("caption", escaped(caption)) + "\n" + rows));
}

std::string trace_table(const Run& trace) {
  std::string rows, last = paper_model;
  for (const HeadlineBlock& block : trace_headline(trace.file())) {
    std::string lines = head_row({"", block.left, block.right, last});
    last = "";
    for (const HeadlineLine& line : block.lines) {
      const Attributes look = {{"scope", "row"}, {"class", line.is_beside ? "beside" : "measure"}};
      lines += row(element("th", look, escaped(line.label)) + cell(line.left) + cell(line.right) +
                   cell(line.paper));
    }
    rows += element("tbody", lines) + "\n";
  }
  return table("Headline of the trace (± jackknife standard error)", rows);
}

std::string sweep_table(const Run& sweep) {
  const auto lines = sweep_headline(sweep.file());
  if (lines.empty()) return element("p", "The sweep has ablations alone.") + "\n";
  std::string rows;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::string cells = head_cell("row", lines[i].front());
    for (std::size_t column = 1; column < lines[i].size(); ++column) cells += cell(lines[i][column]);
    rows += row(cells);
  }
  std::string notes;
  for (const std::string& note : sweep_notes(sweep.file())) notes += element("li", escaped(note)) + "\n";
  return table("Headline of the sweep (± standard error over prompts)",
               element("thead", head_row(lines.front())) + "\n" + element("tbody", rows)) +
         element("ul", {{"class", "notes"}}, notes) + "\n";
}

std::string heading_of(const FigureInput& input, const Run& run) {
  const std::string text = run_heading(input, run);
  return text.empty() ? "" : element("h3", escaped(text)) + "\n";
}

std::string verdict_html(Verdict verdict) {
  const auto [look, sign] = [&]() -> std::pair<const char*, const char*> {
    switch (verdict) {
      case Verdict::agrees:
        return {"agrees", "✓"};
      case Verdict::does_not:
        return {"does-not", "✗"};
      case Verdict::undecided:
        return {"undecided", "?"};
      case Verdict::not_measured:
        break;
    }
    return {"not-measured", "–"};
  }();
  return element("span", {{"class", concat("verdict ", look)}},
                 element("span", {{"aria-hidden", "true"}}, sign) + " " + verdict_text(verdict));
}

std::string basis_text(Basis basis) {
  switch (basis) {
    case Basis::paper:
      return "the paper’s";
    case Basis::scale_free:
      return "free of scale";
    case Basis::null:
      return "null";
    case Basis::control:
      break;
  }
  return "control";
}

std::string claimed_text(Claimed claimed) {
  switch (claimed) {
    case Claimed::greater:
      return "more than";
    case Claimed::less:
      return "less than";
    case Claimed::different:
      break;
  }
  return "other than";
}

std::string measured_html(const std::string& name, const Measured& measured) {
  // An error of 0 is that of a number which is not measured.
  const double error = measured.error == 0 ? std::nan("") : measured.error;
  return element("td", element("span", {{"class", "name"}}, escaped(name)) + " " +
                           escaped(shown_with_error(measured.value, error, 4)));
}

std::string claim_html(const Claim& claim, std::size_t number) {
  std::string rows;
  for (const Comparison& one : claim.comparisons) {
    rows += row(head_cell("row", one.measure) + element("td", verdict_html(verdict_of(one))) +
                cell(basis_text(one.basis)) + measured_html(one.first_name, one.first) +
                cell(claimed_text(one.claimed)) + measured_html(one.second_name, one.second));
  }
  return element("h4", concat(number, ". ", escaped(claim.title))) + "\n" +
         element("p", escaped(claim.explanation)) + "\n" +
         table(concat("Claim ", number, ": ", claim.title),
               element("thead",
                       head_row({"measure", "verdict", "kind", "first number", "claimed", "second number"})) +
                   "\n" + element("tbody", rows));
}

std::string claims_of(const std::vector<Claim>& claims) {
  std::string rows, details;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const Claim& claim = claims[i];
    rows += row(head_cell("row", concat(i + 1, ". ", claim.title)) +
                element("td", verdict_html(verdict_of(claim, true))) +
                element("td", verdict_html(verdict_of(claim, false))));
    details += claim_html(claim, i + 1);
  }
  return table("The claims in short",
               element("thead", head_row({"claim", "by the paper’s measure",
                                          "by its scale-free form, null or control"})) +
                   "\n" + element("tbody", rows)) +
         details;
}

std::string origin_html(const Run& run) {
  std::string list;
  for (const auto& [name, value] : origin_of(run.file()))
    list += element("dt", escaped(name)) + element("dd", value.empty() ? "–" : escaped(value)) + "\n";
  std::string html = element("dl", list) + "\n";
  const auto add = [&](const char* attribute, const char* words) {
    const auto value = run.file().attribute("/", attribute);
    if (!value || !std::holds_alternative<std::string>(*value)) return;
    const std::string& text = std::get<std::string>(*value);
    if (text.empty()) return;
    html +=
        element("details", element("summary", words) +
                               element("pre", {{"tabindex", "0"}, {"aria-label", words}}, escaped(text))) +
        "\n";
  };
  add("config", "Options");
  add("not_computed", "Not computed");
  return html;
}

}  // namespace

std::string headline_section(const FigureInput& input) {
  std::string html;
  for (const Run* run : runs_of(input))
    html += heading_of(input, *run) + (run->is_sweep() ? sweep_table(*run) : trace_table(*run));
  return html;
}

std::string claims_section(const FigureInput& input) {
  std::string html = element("p", {{"id", "rule"}}, escaped(verdict_rule)) + "\n";
  // A trace's claims and the sweep's are one list where there is one of each.
  if (input.traces.size() <= 1) {
    std::vector<Claim> claims;
    if (!input.traces.empty()) claims = trace_claims(input.trace());
    if (input.sweep) {
      for (Claim& claim : sweep_claims(*input.sweep)) claims.push_back(std::move(claim));
    }
    return html + element("h3", "Verdicts") + "\n" + claims_of(claims);
  }
  for (const Run* run : runs_of(input))
    html += heading_of(input, *run) + claims_of(run->is_sweep() ? sweep_claims(*run) : trace_claims(*run));
  return html;
}

std::string provenance_section(const FigureInput& input) {
  std::string html;
  for (const Run* run : runs_of(input)) {
    html += element("h3", escaped(run->is_sweep() ? "Sweep" : concat("Trace of ", run->label()))) + "\n" +
            origin_html(*run);
  }
  return html;
}

}  // namespace orrery::report
