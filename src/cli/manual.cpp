#include "manual.hpp"

#include "orrery/core/columns.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/hex.hpp"
#include "orrery/core/version.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace orrery::cli {
namespace {

using core::concat;

/// The words of `text` in lines behind `indent` blanks.
std::string filled(const std::string& text, std::size_t indent) {
  constexpr std::size_t width = 100;
  std::string all, line(indent, ' ');
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool is_first = core::columns_of(line) == indent;
    if (!is_first && core::columns_of(line) + 1 + core::columns_of(word) > width) {
      all += line + "\n";
      line.assign(indent, ' ');
    } else if (!is_first) {
      line += ' ';
    }
    line += word;
  }
  return core::columns_of(line) > indent ? all + line + "\n" : all;
}

/// Lines that have no empty one between them.
std::vector<std::string> paragraphs(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find("\n\n", begin), text.size());
    all.push_back(text.substr(begin, end - begin));
    begin = end + 2;
  }
  return all;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

/// Text in which the roff language finds nothing of its own, in ASCII.
std::string escaped(const std::string& text) {
  std::string all;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = text::next_code_point(text, at);
    if (c == U'\\') {
      all += "\\e";
    } else if (c == U'-') {
      all += "\\-";
    } else if (c >= 0x80) {
      all += concat("\\[u", upper(core::hex(c, 4)), "]");
    } else {
      if ((c == U'.' || c == U'\'') && (all.empty() || all.back() == '\n')) all += "\\&";
      all += static_cast<char>(c);
    }
  }
  return all;
}

}  // namespace

std::string as_text(const Manual& manual) {
  std::string text;
  for (const ManualSection& section : manual.sections) {
    text += concat(text.empty() ? "" : "\n", section.title, "\n");
    for (const std::string& paragraph : paragraphs(section.text))
      text += concat("\n", paragraph.starts_with("  ") ? paragraph + "\n" : filled(paragraph, 2));
    for (const ManualEntry& entry : section.entries)
      text += concat("\n  ", entry.term, "\n", filled(entry.text, 6));
  }
  return text;
}

std::string as_roff(const Manual& manual) {
  std::string text = concat(".TH \"", escaped(upper(manual.name)), "\" ", manual.chapter, " \"\" \"orrery ",
                            core::program_version(), "\" \"orrery\"\n.SH NAME\n", escaped(manual.name),
                            " \\- ", escaped(manual.summary), "\n");
  for (const ManualSection& section : manual.sections) {
    text += concat(".SH \"", escaped(upper(section.title)), "\"\n");
    for (const std::string& paragraph : paragraphs(section.text)) {
      if (paragraph.starts_with("  ")) {
        text += concat(".PP\n.nf\n", escaped(paragraph), "\n.fi\n");
      } else {
        text += concat(".PP\n", escaped(paragraph), "\n");
      }
    }
    for (const ManualEntry& entry : section.entries)
      text += concat(".TP\n\\fB", escaped(entry.term), "\\fR\n", escaped(entry.text), "\n");
  }
  return text;
}

}  // namespace orrery::cli
