#include "orrery/text/normalizer.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/text/utf8.hpp"

#include <algorithm>

namespace orrery::text {
namespace {

/// Stops beyond `limit` bytes.
std::string replace_all(std::string_view text, std::string_view replaced, std::string_view content,
                        std::size_t limit) {
  std::string result;
  std::size_t begin = 0;
  for (std::size_t found = text.find(replaced); found != std::string_view::npos && result.size() <= limit;
       found = text.find(replaced, begin)) {
    result += text.substr(begin, found - begin);
    result += content;
    begin = found + replaced.size();
  }
  result += text.substr(begin);
  return result;
}

}  // namespace

std::size_t longest_result(std::size_t bytes) {
  return 64 * bytes + (std::size_t{1} << 16);
}

void require_bounded(std::size_t before, std::size_t after) {
  if (after <= longest_result(before)) return;
  throw core::bad_input("the tokenizer's normalizer makes a text very much longer",
                        core::concat(before, " bytes become ", after, " or more"),
                        "use the tokenizer that the model was published with");
}

Normalizer::Normalizer(const JsonValue& json) {
  add(json);
}

void Normalizer::add(const JsonValue& json) {
  const JsonValue type = json.at("type");
  const std::string advice =
      "supported are Prepend, Replace of a String, and Sequence; use the model's tokenizer.model, if it has "
      "one";
  if (type.string() == "Sequence") {
    for (const JsonValue& element : json.at("normalizers").elements()) add(element);
  } else if (type.string() == "Prepend") {
    const JsonValue prepend = json.at("prepend");
    if (prepend.string().empty()) throw prepend.error("must be a text", advice);
    steps_.push_back({"", prepend.string()});
  } else if (type.string() == "Replace") {
    const JsonValue pattern = json.at("pattern");
    const auto replaced = pattern.find("String");
    if (!replaced || replaced->string().empty()) throw pattern.error("is not supported", advice);
    steps_.push_back({replaced->string(), json.at("content").string()});
  } else {
    throw type.error("is not supported", advice);
  }
}

bool Normalizer::shortens() const {
  return std::ranges::any_of(steps_, [](const Step& step) {
    return !step.replaced.empty() && (step.content.empty() || count_code_points(step.replaced) > 1);
  });
}

std::string Normalizer::apply(std::string_view text) const {
  std::string result(text);
  for (const Step& step : steps_) {
    if (result.empty()) break;
    if (step.replaced.empty()) {
      result = step.content + result;
    } else {
      result = replace_all(result, step.replaced, step.content, longest_result(text.size()));
    }
    require_bounded(text.size(), result.size());
  }
  return result;
}

}  // namespace orrery::text
