#include "orrery/archive/inputs.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "work_names.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <string_view>
#include <system_error>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& problem, const fs::path& written, const Input& input,
                         const fs::path& file) {
  throw core::usage_error(problem, core::concat(written.string(), " is ", input.option, " ", file.string()),
                          "give another --out: an input is never written to");
}

/// Whether both names denote the same existing file or folder.
bool is_same(const fs::path& one, const fs::path& other) {
  std::error_code ignored;
  return fs::equivalent(one, other, ignored);
}

bool is_hdf5(const fs::path& path) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1A\n";
  std::array<char, signature.size()> first{};
  std::ifstream file(path, std::ios::binary);
  file.read(first.data(), first.size());
  return std::string_view(first.data(), static_cast<std::size_t>(file.gcount())) == signature;
}

void require_not(const fs::path& written, const Input& input) {
  constexpr const char* problem = "the output is an input";
  if (is_same(written, input.path)) refuse(problem, written, input, input.path);
  std::error_code ignored;
  // For a folder given as an output, only its own names are compared, not its contents.
  if (!fs::is_directory(input.path, ignored) || !fs::is_regular_file(written, ignored)) return;
  for (const std::string& name : names_in(input.path)) {
    const fs::path file = input.path / name;
    if (is_same(written, file) && !is_hdf5(file)) refuse(problem, written, input, file);
  }
}

/// Whether an input lies in `folder`, at any depth.
bool lies_in(const fs::path& path, const fs::path& folder) {
  std::error_code failure;
  const fs::path whole = fs::canonical(path, failure);
  if (failure) return false;
  for (fs::path above = whole.parent_path(); above != above.root_path(); above = above.parent_path()) {
    if (is_same(above, folder)) return true;
  }
  return false;
}

/// Names by which a model's files are found.
bool names_a_model_file(const fs::path& path) {
  constexpr std::array extensions = {".safetensors", ".json", ".model"};
  return std::ranges::find(extensions, path.extension().string()) != extensions.end();
}

}  // namespace

void require_no_input(const std::vector<fs::path>& written, const std::vector<Input>& inputs) {
  for (const Input& input : inputs) {
    if (input.path.empty()) continue;
    for (const fs::path& path : written) require_not(path, input);
  }
}

void require_no_input_at(const fs::path& out, const std::vector<Input>& inputs) {
  if (out.empty()) return;
  const fs::path folder = work_folder(out);
  std::vector<fs::path> written = {out, folder};
  for (const std::string& name : names_in(folder)) written.push_back(folder / name);
  require_no_input(written, inputs);
  const fs::path around = out.has_parent_path() ? out.parent_path() : fs::path(".");
  for (const Input& input : inputs) {
    if (input.path.empty()) continue;
    if (lies_in(input.path, folder)) {
      throw core::usage_error("an input lies in the folder for work in progress",
                              core::concat(input.option, " ", input.path.string(), " in ", folder.string()),
                              "give another --out, or move it");
    }
    if (names_a_model_file(out) && is_same(around, input.path)) {
      throw core::usage_error("the output would be taken for one of the input's files",
                              core::concat(out.string(), " in ", input.option, " ", input.path.string()),
                              "give another --out");
    }
  }
}

}  // namespace orrery::archive
