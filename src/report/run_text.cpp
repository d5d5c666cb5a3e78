#include "run_text.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/text/printable.hpp"

#include <cmath>

namespace orrery::report {
namespace {

using core::concat;

std::string text_attribute(const Run& run, const std::string& name) {
  const auto value = run.file().attribute("/", name);
  return value && std::holds_alternative<std::string>(*value) ? std::get<std::string>(*value) : "";
}

/// "N = 200 rows", "8 prompts", "the prompt “…”" where it is one of one's own; nothing where the file does
/// not say.
std::string count_of(const Run& run) {
  if (run.is_sweep()) {
    if (!run.has("/prompts/row")) return "";
    const std::int64_t count = run.file().info("/prompts/row").shape.at(0);
    const std::string name = text_attribute(run, "prompts_name");
    if (!run.has("/prompts/text") || name.empty()) return concat(count, " prompts");
    if (count > 1) return concat(count, " prompts of ", name);
    return concat("the prompt “", text::printable(run.file().read_texts("/prompts/text").front()), "”");
  }
  const double rows = run.number("/", "rows");
  return std::isnan(rows) ? "" : concat("N = ", static_cast<std::int64_t>(rows), " rows");
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

std::string run_heading(const FigureInput& input, const Run& run) {
  if (runs_of(input).size() < 2) return "";
  const std::string kind = run.is_sweep() ? "Sweep" : "Trace";
  return input.overlays() ? concat(kind, ": ", run_text(run)) : kind;
}

}  // namespace orrery::report
