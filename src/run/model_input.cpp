#include "orrery/run/model_input.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/model/families.hpp"
#include "orrery/model/model_folder.hpp"
#include "orrery/model/weight_check.hpp"

#include <regex>
#include <system_error>
#include <utility>
#include <vector>

namespace orrery::run {
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

constexpr std::size_t longest_line = 2000;
constexpr std::size_t longest_attribute = 16000;  // HDF5 has room for 64 KB in a header

/// "a, b, c", as many as fit, and how many more there are.
std::string listed(const std::vector<std::string>& names, std::size_t longest) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (text.size() + names[i].size() > longest) return concat(text, " and ", names.size() - i, " more");
    text += (text.empty() ? "" : ", ") + names[i];
  }
  return text;
}

}  // namespace

const model::TensorSource& ModelInput::weights() const {
  if (untrained) return *untrained;
  return *checkpoint;
}

ModelInput read_model(const std::filesystem::path& folder, std::optional<std::int64_t> untrained) {
  require_folder(folder);
  std::error_code failure;
  if (!std::filesystem::exists(folder / "config.json", failure)) {
    if (const auto other = model::other_layout(folder)) throw *other;
  }
  ModelInput input;
  input.model = model::read_description(folder);
  if (untrained) {
    input.untrained.emplace(core::narrow<std::uint64_t>(*untrained), input.model->initial_spread());
    return input;
  }
  input.checkpoint.emplace(folder);
  input.model->settle(*input.checkpoint);
  return input;
}

void warn_of_unread(const ModelInput& input) {
  if (!input.model->unread_keys().empty()) {
    core::log_warn(concat("config.json has keys that neither orrery nor transformers reads: ",
                          listed(input.model->unread_keys(), longest_line)));
  }
  if (!input.checkpoint) return;
  const std::vector<std::string> weights = model::unread_weights(*input.model, *input.checkpoint);
  if (!weights.empty()) {
    core::log_warn(
        concat("the checkpoint has weights that config.json does not ask for, and that are not used: ",
               listed(weights, longest_line)));
  }
  for (const std::string& file : input.checkpoint->passed_over()) {
    core::log_warn(concat(file, " lies beside ", input.checkpoint->files().front(), " and is not read"));
  }
}

std::string unread_keys_text(const model::Description& model) {
  return listed(model.unread_keys(), longest_attribute);
}

core::Error stream_error(const ModelInput& input, model::DType dtype, model::DType residual,
                         const statistics::StreamFault& fault) {
  const auto& [is_finite, seen] = fault;
  if (is_finite) {
    return bad_input("the model gives streams too long to be measured", seen,
                     "check the model's weights; --dtype float64 --residual float64 goes farther");
  }
  const char* const problem = "the model gives numbers that are not finite";
  if (input.checkpoint) {
    if (const auto weight = model::weight_not_finite(*input.model, *input.checkpoint, dtype)) {
      return bad_input(problem, concat(seen, "; ", weight->text),
                       weight->is_finite ? "the weights need --dtype float64"
                                         : "the weights are damaged: get that file again");
    }
  }
  const auto is_any = [&](model::DType one) { return dtype == one || residual == one; };
  return bad_input(
      problem, seen + "; all weights are finite",
      is_any(model::DType::bfloat16) ? "try --dtype float32 --residual float32"
      : is_any(model::DType::float32)
          ? "check that config.json belongs to these weights, or try --dtype float64 --residual float64"
          : "check that config.json belongs to these weights");
}

std::string hash_model(const std::filesystem::path& folder, const ModelInput& input,
                       const std::stop_token& stop) {
  std::vector<std::string> names;
  if (input.checkpoint) names = input.checkpoint->files();
  names.emplace_back("config.json");
  return core::sha256_of_files(folder, std::move(names), stop);
}

}  // namespace orrery::run
