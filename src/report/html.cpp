#include "html.hpp"

#include "orrery/text/utf8.hpp"

namespace orrery::report {
namespace {

constexpr char32_t replacement = 0xFFFD;

/// What HTML has no place for: control characters, and code points that are none.
bool is_unfit(char32_t c) {
  const bool is_control = (c < 0x20 && c != U'\n' && c != U'\t') || (c >= 0x7F && c < 0xA0);
  return is_control || (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFEU) == 0xFFFEU;
}

void append_escaped(char32_t c, std::string& html) {
  switch (c) {
    case U'&':
      html += "&amp;";
      break;
    case U'<':
      html += "&lt;";
      break;
    case U'>':
      html += "&gt;";
      break;
    case U'"':
      html += "&quot;";
      break;
    case U'\'':
      html += "&#39;";
      break;
    default:
      text::append_utf8(is_unfit(c) ? replacement : c, html);
  }
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string html;
  while (!text.empty()) {
    const auto fault = text::find_utf8_fault(text);
    const std::string_view sound = text.substr(0, fault ? fault->offset : text.size());
    for (std::size_t offset = 0; offset < sound.size();)
      append_escaped(text::next_code_point(sound, offset), html);
    if (!fault) break;
    text::append_utf8(replacement, html);
    text.remove_prefix(fault->offset + 1);
  }
  return html;
}

std::string element(const std::string& name, const Attributes& attributes, const std::string& content) {
  std::string html = "<" + name;
  for (const auto& [key, value] : attributes) html += " " + key + "=\"" + escaped(value) + "\"";
  return html + ">" + content + "</" + name + ">";
}

std::string element(const std::string& name, const std::string& content) {
  return element(name, {}, content);
}

std::string scrolling(const std::string& label, const std::string& content) {
  return element("div", {{"class", "scroll"}, {"role", "region"}, {"aria-label", label}, {"tabindex", "0"}},
                 content) +
         "\n";
}

}  // namespace orrery::report
