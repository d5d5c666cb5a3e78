#include "orrery/model/dtype.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"

namespace orrery::model {

DType dtype_from(std::string_view name, std::string_view option) {
  if (name == "float32") return DType::float32;
  if (name == "bfloat16") return DType::bfloat16;
  if (name == "float64") return DType::float64;
  throw core::usage_error(core::concat("unknown number format for --", option), std::string(name),
                          "use float32, bfloat16 or float64");
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "float32";
    case DType::bfloat16:
      return "bfloat16";
    case DType::float64:
      break;
  }
  return "float64";
}

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return at::kFloat;
    case DType::bfloat16:
      return at::kBFloat16;
    case DType::float64:
      break;
  }
  return at::kDouble;
}

std::int64_t bytes_of(DType dtype) {
  return static_cast<std::int64_t>(c10::elementSize(scalar_type(dtype)));
}

}  // namespace orrery::model
