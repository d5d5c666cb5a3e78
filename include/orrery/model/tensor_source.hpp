#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace orrery::model {

/// Where a model's weights come from: a checkpoint's files, or random numbers in their place.
class TensorSource {
 public:
  /// Gets a block of whole rows: the first row's place in the tensor, how many, and their numbers.
  using Take =
      std::function<void(std::int64_t first_row, std::int64_t rows, std::span<const std::byte> bytes)>;

  virtual ~TensorSource() = default;

  /// The numbers of `name`, as safetensors calls them: F32, F16, BF16 or F64.
  virtual std::string number_format(const std::string& name) const = 0;
  /// Hands `name`, which has `shape`, to `take` in order, in blocks of a multiple of `rows_at_once` rows.
  /// `room` is where a block lies meanwhile: it grows as needed, and given again it spares the next tensor
  /// that.
  virtual void read(const std::string& name, std::span<const std::int64_t> shape, std::int64_t rows_at_once,
                    std::vector<std::byte>& room, const Take& take) const = 0;
};

}  // namespace orrery::model
