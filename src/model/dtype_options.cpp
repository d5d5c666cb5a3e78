#include "orrery/model/dtype_options.hpp"

namespace orrery::model {
namespace {

constexpr const char* formats = "float32, bfloat16, float64";

}  // namespace

core::Option& add_dtype_option(core::OptionTable& table, const std::string& name, DType& into,
                               const std::string& help) {
  core::Option& one = table.add(
      name, "WORD", [&into, name](const std::string& text) { into = dtype_from(text, name); }, help);
  one.range = formats;
  one.otherwise = name_of(into);
  one.written = [&into] { return std::string(name_of(into)); };
  return one;
}

core::Option& add_dtype_option(core::OptionTable& table, const std::string& name, std::optional<DType>& into,
                               const std::string& help) {
  core::Option& one = table.add(
      name, "WORD", [&into, name](const std::string& text) { into = dtype_from(text, name); }, help);
  one.range = formats;
  one.written = [&into]() -> std::optional<std::string> {
    if (!into) return std::nullopt;
    return name_of(*into);
  };
  return one;
}

}  // namespace orrery::model
