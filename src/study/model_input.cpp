#include "orrery/study/model_input.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/model/weights.hpp"

#include <regex>
#include <system_error>
#include <utility>
#include <vector>

namespace orrery::study {
namespace {

using core::bad_input;
using core::concat;

void require_folder(const std::filesystem::path& folder) {
  std::error_code failure;  // of links in circles, or too long a name: no folder either
  if (std::filesystem::is_directory(folder, failure)) return;
  static const std::regex hub_name("[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+");
  const std::string name = folder.string();
  if (!std::filesystem::exists(folder, failure) && std::regex_match(name, hub_name)) {
    throw bad_input("--model is the name of a model, not a folder", name,
                    concat("orrery downloads nothing: `huggingface-cli download ", name,
                           " --local-dir DIR` gets it, then give --model DIR"));
  }
  throw bad_input("--model is no folder", failure ? concat(name, ": ", failure.message()) : name,
                  "give a folder with config.json, *.safetensors and a tokenizer");
}

}  // namespace

const model::TensorSource& ModelInput::weights() const {
  if (untrained) return *untrained;
  return *checkpoint;
}

ModelInput read_model(const std::filesystem::path& folder, std::optional<std::int64_t> untrained) {
  require_folder(folder);
  ModelInput input;
  input.config = model::read_llama_config(folder);
  if (untrained) {
    input.untrained.emplace(core::narrow<std::uint64_t>(*untrained), input.config.initializer_range);
    return input;
  }
  input.checkpoint.emplace(folder);
  model::check_weights(input.config, *input.checkpoint);
  return input;
}

std::string hash_model(const std::filesystem::path& folder, const ModelInput& input,
                       const std::stop_token& stop) {
  std::vector<std::string> names;
  if (input.checkpoint) names = input.checkpoint->files();
  names.emplace_back("config.json");
  return core::sha256_of_files(folder, std::move(names), stop);
}

}  // namespace orrery::study
