#pragma once

#include "orrery/core/range.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace orrery::core {

/// What a dataset's elements are: little-endian numbers, or variable-length UTF-8 strings (`text`).
enum class ElementType { float32, float64, int32, int64, uint8, text };

/// Bytes of one element in the dataset itself; the characters of a `text` lie elsewhere, its entry is a
/// 16-byte reference.
std::int64_t size_of(ElementType type);
/// "float32", …: as users read it.
const char* name_of(ElementType type);

/// Contents that are known when the file is made. Numbers are converted to the dataset's type.
using Values =
    std::variant<std::monostate, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

using AttributeValue = std::variant<std::string, std::int64_t, double>;

/// Of what runs along the points from a start on: where it is NaN. Before its start it always is.
enum class Beginning {
  none,       ///< it has no start
  at_start,   ///< NaN before it, and nowhere else
  with_gaps,  ///< NaN before it, and elsewhere for another reason
};

/// An array, row-major; its shape is the lengths of the scales named.
struct Dataset {
  std::string path;  ///< absolute: "/pca/eigenvalue"
  ElementType type = ElementType::float64;
  std::vector<std::string> dimensions;  ///< names of scales, slowest first, none twice
  std::string long_name;                ///< what it is, with its definition
  std::string units = "1";
  std::vector<std::pair<std::string, AttributeValue>> attributes = {};
  Values values = {};          ///< all of it, where known beforehand; `text` must be
  std::string nan_where = {};  ///< which entries are NaN by right; empty: none. An attribute of that name
  std::string infinite_where = {};        ///< which are infinite by right, in the same manner
  std::optional<Range> range = {};        ///< none: any number; for `orrery verify`, not in the file
  Beginning beginning = Beginning::none;  ///< in the same manner
};

}  // namespace orrery::core
