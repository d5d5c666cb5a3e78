#include "orrery/report/summary.hpp"

#include "headline.hpp"
#include "numbers.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "orrery/core/columns.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/text/printable.hpp"
#include "sweep_summary.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace orrery::report {
namespace {

using archive::AttributeValue;
using archive::Reader;
using core::concat;

std::string value_text(const AttributeValue& value) {
  return std::visit([](const auto& v) { return concat(v); }, value);
}

std::string shape_text(const archive::DatasetInfo& info) {
  std::string text = "(";
  for (std::size_t i = 0; i < info.shape.size(); ++i) {
    text +=
        concat(i > 0 ? ", " : "", info.dimensions[i].empty() ? "" : info.dimensions[i] + " ", info.shape[i]);
  }
  return text + ")";
}

nlohmann::json json_of(const AttributeValue& value) {
  return std::visit([](const auto& v) { return nlohmann::json(v); }, value);
}

std::string trace_headline_text(const Reader& file) {
  constexpr std::size_t label = 34, column = 24;
  std::string text;
  const auto line = [&](const std::string& name, const std::string& left, const std::string& right,
                        const std::string& last) {
    std::string all =
        core::padded(name, label) + core::padded(left, column) + core::padded(right, column) + last;
    text += all.substr(0, all.find_last_not_of(' ') + 1) + "\n";
  };
  const char* last = paper_model;
  for (const HeadlineBlock& block : trace_headline(file)) {
    line("", block.left, block.right, last);
    last = "";
    for (const HeadlineLine& one : block.lines)
      line(concat(one.is_beside ? "  " : "", one.label), one.left, one.right, one.paper);
  }
  return text;
}

/// The first of the prompts that are not samples of the trace; "" where all are.
std::string own_prompts_text(const Reader& file) {
  constexpr std::size_t most = 8, width = 100;
  if (!file.has("/prompts/text") || !file.has("/prompt")) return "";
  const std::vector<std::string> texts = file.read_texts("/prompts/text");
  const std::vector<std::int64_t> numbers = file.read_integers("/prompt");
  std::string text = "\nprompts\n";
  for (std::size_t i = 0; i < std::min({most, texts.size(), numbers.size()}); ++i)
    text += concat("  ", core::padded(std::to_string(numbers[i]), 6), text::printable(texts[i], width), "\n");
  if (texts.size() > most) text += concat("  … and ", texts.size() - most, " more\n");
  return text;
}

}  // namespace

std::string headline_text(const Reader& file) {
  if (file.format() == archive::sweep_format) return sweep_headline_text(file);
  return file.format() == archive::trace_format ? trace_headline_text(file) : "";
}

std::string summary_text(const Reader& file, const std::string& name) {
  std::string text =
      concat(name, ": ", file.format(), ", ", file.complete() ? "complete" : "not complete", "\n");
  for (const auto& [attribute, value] : origin_of(file))
    text += concat("  ", core::padded(attribute, 18), value, "\n");
  const bool sweep = file.format() == archive::sweep_format;
  if (sweep) text += own_prompts_text(file);
  if (const std::string headline = headline_text(file); !headline.empty())
    text += concat("\nheadline (± ", sweep ? "standard error over prompts" : "jackknife standard error",
                   ")\n", headline);
  text += "\ndatasets\n";
  std::vector<std::vector<std::string>> lines;
  for (const archive::DatasetInfo& info : file.datasets()) {
    if (info.is_scale) continue;
    lines.push_back({"  " + info.path, concat(archive::name_of(info.type), " ", shape_text(info)),
                     info.units == "1" ? "" : info.units});
  }
  text += core::table_text(lines);
  if (const auto left_out = file.attribute("/", "not_computed")) {
    const std::string reasons = value_text(*left_out);
    if (!reasons.empty()) text += "\nnot computed\n" + reasons + "\n";
  }
  return text;
}

std::string summary_json(const Reader& file) {
  nlohmann::json all;
  for (const std::string& group : file.groups()) {
    for (const std::string& name : file.attribute_names(group)) {
      all["attributes"][group][name] = json_of(*file.attribute(group, name));
    }
  }
  for (const archive::DatasetInfo& info : file.datasets()) {
    nlohmann::json& one = all["datasets"][info.path];
    one = {{"shape", info.shape},
           {"type", archive::name_of(info.type)},
           {"dimensions", info.dimensions},
           {"long_name", info.long_name},
           {"units", info.units}};
    for (const std::string& name : file.attribute_names(info.path)) {
      if (name != "long_name" && name != "units")
        one["attributes"][name] = json_of(*file.attribute(info.path, name));
    }
  }
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string options_ini(const Reader& file) {
  return file.text("config");
}

}  // namespace orrery::report
