#pragma once

#include "orrery/core/read_file.hpp"
#include "orrery/model/safetensors.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

namespace orrery::test {

/// The tensors of any safetensors file, by name.
class TensorFile {
 public:
  explicit TensorFile(const std::filesystem::path& path)
      : file_(path), entries_(model::read_safetensors_header(path)) {}

  at::Tensor operator[](const std::string& name) const {
    const model::TensorEntry& entry = entries_.at(name);
    static const std::map<std::string, at::ScalarType> types = {
        {"F64", at::kDouble}, {"F32", at::kFloat}, {"I64", at::kLong}};
    at::Tensor tensor = at::empty(entry.shape, types.at(entry.dtype));
    file_.read(entry.begin,
               {static_cast<std::byte*>(tensor.data_ptr()), static_cast<std::size_t>(entry.bytes)});
    return tensor;
  }
  bool has(const std::string& name) const { return entries_.contains(name); }

 private:
  core::ReadFile file_;
  std::map<std::string, model::TensorEntry> entries_;
};

}  // namespace orrery::test
