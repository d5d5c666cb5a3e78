#include "orrery/model/weight_check.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/text/printable.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isnan.h>

#include <set>

namespace orrery::model {
namespace {

using core::concat;

at::ScalarType type_of(const std::string& format) {
  if (format == "F32") return at::kFloat;
  if (format == "F16") return at::kHalf;
  return format == "BF16" ? at::kBFloat16 : at::kDouble;
}

}  // namespace

std::vector<std::string> unread_weights(const Description& model, const Checkpoint& checkpoint) {
  std::set<std::string> needed, unread;
  for (const auto& [name, shape] : model.needed_weights()) needed.insert(name);
  for (const std::string& name : checkpoint.names()) {
    if (needed.contains(name) || model.makes_anew(name)) continue;
    unread.insert(text::printable(model.pattern_of(name)));
  }
  return {unread.begin(), unread.end()};
}

std::optional<NotFinite> weight_not_finite(const Description& model, const Checkpoint& checkpoint,
                                           DType dtype) {
  std::vector<std::byte> room;
  for (const auto& [name, shape] : model.needed_weights()) {
    const at::ScalarType type = type_of(checkpoint.number_format(name));
    std::optional<NotFinite> fault;
    checkpoint.read(name, shape, 1, room, [&](std::int64_t, std::int64_t, std::span<const std::byte> bytes) {
      core::beat();
      if (fault) return;
      const auto count = static_cast<std::int64_t>(bytes.size() / c10::elementSize(type));
      // from_blob takes no const; nothing here writes.
      const at::Tensor numbers =
          at::from_blob(const_cast<std::byte*>(bytes.data()), {count}, at::TensorOptions().dtype(type));
      if (at::isfinite(numbers.to(scalar_type(dtype))).all().item<bool>()) return;
      const bool nan = at::isnan(numbers).any().item<bool>();
      const bool is_finite = at::isfinite(numbers).all().item<bool>();
      const std::string what = nan         ? "NaN"
                               : is_finite ? concat("a number beyond ", name_of(dtype))
                                           : "infinity";
      fault = NotFinite{concat(what, " in ", name, " of ", checkpoint.file_of(name)), is_finite};
    });
    if (fault) return fault;
  }
  return std::nullopt;
}

}  // namespace orrery::model
