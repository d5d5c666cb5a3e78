#include "orrery/report/summary.hpp"

#include "columns.hpp"
#include "orrery/archive/sweep_layout.hpp"
#include "orrery/core/concat.hpp"
#include "sweep_summary.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <iomanip>
#include <sstream>
#include <string>
#include <vector>

namespace orrery::report {
namespace {

using archive::AttributeValue;
using archive::Reader;
using core::concat;

/// One line of the headline's table: two numbers of the same kind, named as in /headline, and what the paper
/// says of Llama 3.1 8B.
struct Line {
  const char* label;
  const char* left;
  const char* right;
  const char* paper = "";
};
struct Block {
  const char* left;
  const char* right;
  std::vector<Line> lines;
};

/// The paper draws most of these as curves; what its text gives stands here.
const std::array<Block, 3>& table() {
  static const std::array<Block, 3> blocks = {{
      {"within a layer",
       "across layers",
       {{"adjacent correlation of a unit", "adjacent_correlation_within", "adjacent_correlation_across",
         "strong"},
        {"  of independent steps (null)", "residual_null_within", "residual_null_across"}}},
      {"first step",
       "last step",
       {{"cosine of successive streams", "cosine_first", "cosine_last"},
        {"velocity", "velocity_first", "velocity_last", "grows with depth"},
        {"  relative to the norm", "relative_velocity_first", "relative_velocity_last"}}},
      {"early",
       "late",
       {{"components for 90 % of variance", "components_90_early", "components_90_late"},
        {"participation ratio", "participation_ratio_early", "participation_ratio_late"},
        {"  corrected for N", "participation_ratio_corrected_early", "participation_ratio_corrected_late"}}},
  }};
  return blocks;
}

/// A line of the rotations: turns, and the units beyond chance in both tails.
struct TurnsLine {
  const char* label;
  const char* suffix;  ///< of the null's numbers in /headline
};
constexpr std::array<TurnsLine, 4> nulls = {{{"  points permuted (null)", ""},
                                             {"  layers permuted (null)", "_layer"},
                                             {"  steps permuted (null)", "_step"},
                                             {"  signs of steps drawn (null)", "_sign"}}};

double real_attribute(const Reader& file, const std::string& object, const std::string& name) {
  const auto value = file.attribute(object, name);
  if (value && std::holds_alternative<double>(*value)) return std::get<double>(*value);
  if (value && std::holds_alternative<std::int64_t>(*value))
    return static_cast<double>(std::get<std::int64_t>(*value));
  return std::nan("");
}

std::string measured(const Reader& file, const std::string& name) {
  const double value = real_attribute(file, "/headline", name);
  const double error = real_attribute(file, "/headline", name + "_se");
  if (std::isnan(value)) return "not defined";
  std::ostringstream out;
  out << std::setprecision(4) << value;
  if (!std::isnan(error)) out << " ± " << std::setprecision(2) << error;
  return out.str();
}

/// A share as "12.3 %"; its error is in the file.
std::string percent(const Reader& file, const std::string& name) {
  const double value = real_attribute(file, "/headline", name);
  if (std::isnan(value)) return "not defined";
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << 100 * value << " %";
  return out.str();
}

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
    std::string all = padded(name, label) + padded(left, column) + padded(right, column) + last;
    text += all.substr(0, all.find_last_not_of(' ') + 1) + "\n";
  };
  for (const Block& block : table()) {
    line("", block.left, block.right, &block == table().data() ? "Llama 3.1 8B in the paper" : "");
    for (const Line& one : block.lines) {
      line(one.label, measured(file, one.left), measured(file, one.right), one.paper);
    }
  }
  line("", "mean |R|", "units that turn more, fewer (p < 0.05; q < 0.05)", "");
  line("turns of a unit's phase portrait", measured(file, "turns"), "", "about 10.7 over 64 points");
  for (const TurnsLine& null : nulls) {
    const auto share = [&](const char* stem) { return percent(file, concat(stem, null.suffix)); };
    line(null.label, measured(file, concat("turns_null", null.suffix)),
         concat(share("turns_more"), ", ", share("turns_fewer"), "; ", share("turns_more_q"), ", ",
                share("turns_fewer_q")),
         "");
  }
  return text;
}

}  // namespace

std::string headline_text(const Reader& file) {
  return file.format() == archive::sweep_format ? sweep_headline_text(file) : trace_headline_text(file);
}

std::string summary_text(const Reader& file, const std::string& name) {
  std::string text =
      concat(name, ": ", file.format(), ", ", file.complete() ? "complete" : "not complete", "\n");
  for (const std::string& attribute : file.attribute_names("/")) {
    if (attribute == "config" || attribute == "not_computed" || attribute == "format" ||
        attribute == "complete")
      continue;
    text += concat("  ", padded(attribute, 18), value_text(*file.attribute("/", attribute)), "\n");
  }
  const bool sweep = file.format() == archive::sweep_format;
  text += concat("\nheadline (± ", sweep ? "standard error over prompts" : "jackknife standard error", ")\n",
                 headline_text(file), "\ndatasets\n");
  std::vector<std::vector<std::string>> lines;
  for (const archive::DatasetInfo& info : file.datasets()) {
    if (info.is_scale) continue;
    lines.push_back({"  " + info.path, concat(archive::name_of(info.type), " ", shape_text(info)),
                     info.units == "1" ? "" : info.units});
  }
  text += table_text(lines);
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
