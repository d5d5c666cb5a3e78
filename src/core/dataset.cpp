#include "orrery/core/dataset.hpp"

#include "orrery/core/error.hpp"

namespace orrery::core {

std::int64_t size_of(ElementType type) {
  switch (type) {
    case ElementType::uint8:
      return 1;
    case ElementType::float32:
    case ElementType::int32:
      return 4;
    case ElementType::float64:
    case ElementType::int64:
      return 8;
    case ElementType::text:
      break;
  }
  return 16;
}

const char* name_of(ElementType type) {
  switch (type) {
    case ElementType::uint8:
      return "uint8";
    case ElementType::float32:
      return "float32";
    case ElementType::int32:
      return "int32";
    case ElementType::float64:
      return "float64";
    case ElementType::int64:
      return "int64";
    case ElementType::text:
      break;
  }
  return "text";
}

}  // namespace orrery::core
