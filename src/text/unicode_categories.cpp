#include "orrery/text/unicode_categories.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace orrery::text {
namespace {

constexpr char32_t last_code_point = 0x10FFFF;
constexpr CodePointRange surrogates{0xD800, 0xDFFF};

constexpr std::string_view category_runs =
#include "category_runs.inc"
    ;

/// A stretch of code points of one category.
struct Run {
  std::string_view category;  ///< "Lu"
  CodePointRange range;
};

std::vector<Run> read_runs() {
  std::vector<Run> runs;
  char32_t first = 0;
  for (std::size_t at = 0; at < category_runs.size();) {
    const std::string_view category = category_runs.substr(at, 2);
    char32_t count = 0;
    for (at += 2; at < category_runs.size() && category_runs[at] >= '0' && category_runs[at] <= '9'; ++at)
      count = 10 * count + static_cast<char32_t>(category_runs[at] - '0');
    count = std::max(count, char32_t{1});
    runs.push_back({category, {first, first + count - 1}});
    first += count;
  }
  return runs;
}

/// Long names, as engines take them: without regard to case, spaces, hyphens and underscores.
constexpr std::array<std::pair<std::string_view, std::string_view>, 37> long_names{
    {{"letter", "l"},
     {"casedletter", "lc"},
     {"uppercaseletter", "lu"},
     {"lowercaseletter", "ll"},
     {"titlecaseletter", "lt"},
     {"modifierletter", "lm"},
     {"otherletter", "lo"},
     {"mark", "m"},
     {"nonspacingmark", "mn"},
     {"spacingmark", "mc"},
     {"enclosingmark", "me"},
     {"number", "n"},
     {"decimalnumber", "nd"},
     {"letternumber", "nl"},
     {"othernumber", "no"},
     {"punctuation", "p"},
     {"connectorpunctuation", "pc"},
     {"dashpunctuation", "pd"},
     {"openpunctuation", "ps"},
     {"closepunctuation", "pe"},
     {"initialpunctuation", "pi"},
     {"finalpunctuation", "pf"},
     {"otherpunctuation", "po"},
     {"symbol", "s"},
     {"mathsymbol", "sm"},
     {"currencysymbol", "sc"},
     {"modifiersymbol", "sk"},
     {"othersymbol", "so"},
     {"separator", "z"},
     {"spaceseparator", "zs"},
     {"lineseparator", "zl"},
     {"paragraphseparator", "zp"},
     {"other", "c"},
     {"control", "cc"},
     {"format", "cf"},
     {"unassigned", "cn"},
     {"privateuse", "co"}}};

/// In lower case: "l", "lu", "lc", "any".
std::string short_name(std::string_view name) {
  std::string plain;
  for (const char byte : name) {
    if (byte != ' ' && byte != '-' && byte != '_')
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  }
  const auto* found =
      std::ranges::find(long_names, plain, &std::pair<std::string_view, std::string_view>::first);
  return found == long_names.end() ? plain : std::string(found->second);
}

bool belongs(std::string_view category, std::string_view name) {
  const auto lower = [](char letter) { return static_cast<char>(letter - 'A' + 'a'); };
  if (name == "any") return true;
  if (name == "lc") return category == "Lu" || category == "Ll" || category == "Lt";
  if (name.empty() || name.size() > 2 || name[0] != lower(category[0])) return false;
  return name.size() == 1 || name[1] == category[1];
}

}  // namespace

std::optional<std::vector<CodePointRange>> category_ranges(std::string_view name) {
  static const std::vector<Run> runs = read_runs();
  const std::string wanted = short_name(name);
  std::vector<CodePointRange> ranges;
  for (const Run& run : runs) {
    if (run.category != "Cs" && belongs(run.category, wanted)) ranges.push_back(run.range);
  }
  if (ranges.empty()) return std::nullopt;
  return joined(std::move(ranges));
}

std::vector<CodePointRange> joined(std::vector<CodePointRange> ranges) {
  std::ranges::sort(ranges, {}, &CodePointRange::first);
  std::vector<CodePointRange> result;
  for (const CodePointRange range : ranges) {
    if (!result.empty() && range.first <= result.back().last + 1) {
      result.back().last = std::max(result.back().last, range.last);
    } else {
      result.push_back(range);
    }
  }
  return result;
}

std::vector<CodePointRange> complement(const std::vector<CodePointRange>& ranges) {
  std::vector<CodePointRange> result;
  char32_t next = 0;
  const auto add = [&result](char32_t first, char32_t last) {
    if (first <= last) result.push_back({first, last});
  };
  std::vector<CodePointRange> taken = ranges;
  taken.push_back(surrogates);
  for (const CodePointRange range : joined(std::move(taken))) {
    if (range.first > next) add(next, range.first - 1);
    next = range.last + 1;
  }
  add(next, last_code_point);
  return result;
}

}  // namespace orrery::text
