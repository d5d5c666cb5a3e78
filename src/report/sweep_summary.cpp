#include "sweep_summary.hpp"

#include "numbers.hpp"
#include "orrery/core/columns.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

#include <array>
#include <cmath>

namespace orrery::report {
namespace {

using archive::Reader;

/// What the columns mean, a note each.
constexpr std::array<const char*, 7> notes = {
    "A line: the streams that were replaced at the input of a layer, by kind; means over prompts.",
    "distance end/start: to the unperturbed stream, at the final point over that at the start; below 1 the "
    "stream comes back.",
    "distance/norm: over the length of the unperturbed stream; distance/spread: over the typical distance of "
    "two rows of the trace there;\n"
    "both at the start → at the final point. They fall too where the distance stays and the streams grow.",
    "half-life: points until the distance has halved, the median over perturbations and prompts; halved: "
    "share of those that halve.",
    "inward: share of them whose steps, less those of the unperturbed stream, lead towards it in the first "
    "two pooled components; mean over steps.",
    "KL: divergence of the next token from the unperturbed one's; top-1 kept: share whose most likely token "
    "stays.",
    "–: not defined, as over the spread of rows that are all equal, or over a distance of 0."};
constexpr const char* control_note =
    "random_direction is the control of teleport: displacements as long, in directions drawn at random.";

/// The numbers of /summary: one for each case and, fastest, each start layer.
class Summary {
 public:
  explicit Summary(const Reader& file)
      : file_(file), cases_(file.read_texts("/case")), layers_(file.read_integers("/start_layer")) {}

  const std::vector<std::string>& cases() const { return cases_; }
  const std::vector<std::int64_t>& layers() const { return layers_; }

  std::vector<double> numbers(const std::string& name) const {
    const std::string path = "/summary/" + name;
    std::vector<double> values = file_.read_reals(path);
    const std::size_t expected = cases_.size() * layers_.size();
    if (values.size() == expected) return values;
    throw core::bad_input("a dataset has an unexpected size",
                          core::concat(path, ": ", values.size(), " numbers, not ", expected),
                          "`orrery verify` tells what is wrong with the file");
  }

 private:
  const Reader& file_;
  std::vector<std::string> cases_;
  std::vector<std::int64_t> layers_;
};

constexpr const char* nothing = "–";  // where a number is not defined

/// Infinite are old files' distances over a spread or a length of 0, which is no number either.
std::string number(double value) {
  return std::isfinite(value) ? shown(value, 3) : nothing;
}

}  // namespace

std::vector<std::vector<std::string>> sweep_headline(const Reader& file) {
  if (!file.has("/summary/ratio_end")) return {};
  const Summary summary(file);
  // One column of the table: its entry for the i-th number of /summary.
  std::vector<std::vector<std::string>> columns;
  const auto add = [&](const char* heading, auto entry) {
    std::vector<std::string>& column = columns.emplace_back();
    column.emplace_back(heading);
    for (std::size_t i = 0; i < summary.cases().size() * summary.layers().size(); ++i)
      column.push_back(entry(i));
  };
  const auto add_measured = [&](const char* heading, const std::string& name) {
    const auto values = summary.numbers(name), errors = summary.numbers(name + "_se");
    add(heading, [&](std::size_t i) {
      return std::isfinite(values[i]) ? shown_with_error(values[i], errors[i], 3) : nothing;
    });
  };
  const auto add_ends = [&](const char* heading, const std::string& name) {
    const auto starts = summary.numbers(name + "_start"), ends = summary.numbers(name + "_end");
    add(heading, [&](std::size_t i) { return number(starts[i]) + " → " + number(ends[i]); });
  };
  const auto add_shares = [&](const char* heading, const std::string& name) {
    const auto values = summary.numbers(name);
    add(heading, [&](std::size_t i) { return std::isnan(values[i]) ? nothing : shown_percent(values[i]); });
  };
  add("case", [&](std::size_t i) { return summary.cases()[i / summary.layers().size()]; });
  add("layer", [&](std::size_t i) {
    return number(static_cast<double>(summary.layers()[i % summary.layers().size()]));
  });
  add_measured("distance end/start", "ratio_end");
  add_ends("distance/norm", "relative_distance");
  add_ends("distance/spread", "spread_distance");
  const std::vector<double> half_life = summary.numbers("half_life_median");
  // What takes forever does not happen.
  add("half-life", [&](std::size_t i) { return std::isinf(half_life[i]) ? "never" : number(half_life[i]); });
  add_shares("halved", "halved");
  add_shares("inward", "inward_fraction");
  add_measured("KL (nats)", "kl");
  add_shares("top-1 kept", "top1");

  std::vector<std::vector<std::string>> lines(columns[0].size());
  for (const auto& column : columns) {
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i].push_back(column[i]);
  }
  return lines;
}

std::vector<std::string> sweep_notes(const Reader& file) {
  std::vector<std::string> all(notes.begin(), notes.end());
  if (file.has("/control/random_direction/distance")) all.emplace_back(control_note);
  return all;
}

std::string sweep_headline_text(const Reader& file) {
  const auto lines = sweep_headline(file);
  if (lines.empty()) return "no perturbations ran: see /ablation\n";
  std::string text = core::table_text(lines) + "\n";
  for (const std::string& note : sweep_notes(file)) text += note + "\n";
  return text;
}

}  // namespace orrery::report
