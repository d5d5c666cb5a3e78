#pragma once

#include "orrery/model/tensor_source.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace orrery::model {

/// The weights of an untrained model (`--weights random`). Element i of a matrix, row by row as Hugging
/// Face's files have it, is `spread` times the i-th normal number of Random(seed, Purpose::weight, h), h the
/// first 32 bits of the SHA-256 of the tensor's name. Of the vectors, norms are 1 and biases 0. So a weight
/// depends on seed, name and place alone.
class RandomWeights final : public TensorSource {
 public:
  /// `spread` is `initializer_range` of config.json. Throws bad_input unless it is positive.
  RandomWeights(std::uint64_t seed, double spread);

  /// F64: drawn in double precision, rounded to the model's format as a checkpoint's numbers are.
  std::string number_format(const std::string& name) const override;
  /// Throws bad_input for a matrix of more than 2³³ numbers, which is as long as a stream is.
  void read(const std::string& name, std::span<const std::int64_t> shape, std::int64_t rows_at_once,
            std::vector<std::byte>& room, const Take& take) const override;

  /// Elements `first`, first + 1, … of matrix `name`, as many as `into` has.
  void draw(const std::string& name, std::int64_t first, std::span<double> into) const;

 private:
  std::uint64_t seed_;
  double spread_;
};

}  // namespace orrery::model
