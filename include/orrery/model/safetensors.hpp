#pragma once

#include "orrery/model/tensor_source.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace orrery::model {

/// One tensor of a safetensors file, as its header tells.
struct TensorEntry {
  std::string dtype;                ///< "F32", "BF16", "F16", "F64", …
  std::vector<std::int64_t> shape;  ///< outermost first
  std::int64_t begin = 0;           ///< first byte in the file, header counted
  std::int64_t bytes = 0;
};

/// "(8, 16)": a shape as messages show it.
std::string shape_text(std::span<const std::int64_t> shape);

/// Reads and checks a safetensors header, to the letter of the format as its reference library has it: names
/// once each, and tensors that fit their shapes and types and lie one behind the other, from the header to
/// the end of the file. Throws bad_input naming the file and the fault; allocates no more than the header's
/// bytes.
std::map<std::string, TensorEntry> read_safetensors_header(const std::filesystem::path& path);

/// The weights in a model folder, as transformers takes them: `model.safetensors`, or where that is missing
/// the shards that `model.safetensors.index.json` names (bare file names; links are followed).
class Checkpoint final : public TensorSource {
 public:
  /// Reads every header; no weights. Throws bad_input naming folder, file and fault.
  explicit Checkpoint(std::filesystem::path folder);

  bool has(const std::string& name) const { return tensors_.contains(name); }
  /// Throws bad_input where `name` is missing, is no floating-point tensor, or has another shape.
  void require(const std::string& name, std::span<const std::int64_t> shape) const;
  std::string number_format(const std::string& name) const override;
  /// Reads with pread, about 32 MiB at once. Throws what `require` throws, io_error where the file can't be
  /// read, bad_input where it became shorter.
  void read(const std::string& name, std::span<const std::int64_t> shape, std::int64_t rows_at_once,
            std::vector<std::byte>& room, const Take& take) const override;

  /// Names of all tensors, sorted.
  std::vector<std::string> names() const;
  /// The file that holds `name`, which must be there.
  const std::string& file_of(const std::string& name) const { return find(name).file; }
  /// Files of weights beside those read, which nobody reads.
  const std::vector<std::string>& passed_over() const { return passed_over_; }

  /// Names of the files read, index included, sorted: what a hash of the weights is taken of.
  const std::vector<std::string>& files() const { return files_; }
  const std::filesystem::path& folder() const { return folder_; }
  /// Bytes of all tensors.
  std::int64_t bytes() const;

 private:
  struct Located {
    std::string file;
    TensorEntry entry;
  };
  const Located& find(const std::string& name) const;
  void read_shards(const std::string& index_name);

  std::filesystem::path folder_;
  std::vector<std::string> files_, passed_over_;
  std::map<std::string, Located> tensors_;
};

}  // namespace orrery::model
