#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace orrery::model {

/// Number formats of weights, products and the residual stream.
enum class DType { float32, bfloat16, float64 };

/// "float32", "bfloat16" or "float64" as a DType; throws usage_error, naming `option`, on another word.
DType dtype_from(std::string_view name, std::string_view option);
const char* name_of(DType dtype);
at::ScalarType scalar_type(DType dtype);
/// Bytes of one number.
std::int64_t bytes_of(DType dtype);

}  // namespace orrery::model
