#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::report {

/// `text` as it may stand in HTML, between tags and in quoted attributes. Bytes that are no UTF-8 and control
/// characters become U+FFFD.
std::string escaped(std::string_view text);

using Attributes = std::vector<std::pair<std::string, std::string>>;

/// `<name …>content</name>`; the content is HTML, the attributes' values are plain text.
std::string element(const std::string& name, const Attributes& attributes, const std::string& content);

/// The same without attributes.
std::string element(const std::string& name, const std::string& content);

/// A box that scrolls sideways where its content is wider than the page; reached by keyboard.
std::string scrolling(const std::string& label, const std::string& content);

}  // namespace orrery::report
