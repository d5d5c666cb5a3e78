#include "orrery/model/model_folder.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/text/printable.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace orrery::model {
namespace {

using core::concat;

/// Files whose names begin and end so, and what they are.
struct Layout {
  std::string_view begin, end;
  const char* what;
  const char* advice;
};

constexpr const char* write_safetensors =
    "write them as safetensors: in Python, "
    "transformers.AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(NEW_DIR)";
constexpr const char* from_meta =
    "give the model in Hugging Face's layout: transformers' convert_llama_weights_to_hf.py writes it";

// The first that matches is named; an adapter may come with other files.
constexpr std::array layouts = std::to_array<Layout>({
    {"adapter_", "", "only an adapter",
     "merge it into its base model (in Python, peft's merge_and_unload, then save_pretrained) and give that "
     "folder"},
    {"", ".gguf", "GGUF files", "give the folder that they were converted from: config.json, *.safetensors"},
    {"consolidated", "", "Meta's own files (consolidated)", from_meta},
    {"", ".pth", "Meta's own files (.pth)", from_meta},
    {"", ".bin", "weights as PyTorch pickles them (.bin)", write_safetensors},
    {"", ".pt", "weights as PyTorch pickles them (.pt)", write_safetensors},
    {"model", ".safetensors", "safetensors under other names",
     "name a single file model.safetensors; shards need their model.safetensors.index.json"},
    {"", ".safetensors", "safetensors under other names",
     "name a single file model.safetensors; shards need their model.safetensors.index.json"},
    {"tf_model", "", "TensorFlow weights", write_safetensors},
    {"flax_model", "", "Flax weights", write_safetensors},
    {"", ".msgpack", "Flax weights", write_safetensors},
    {"", ".onnx", "ONNX files", "give the model that they were exported from"},
});

std::vector<std::string> files_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::optional<core::Error> other_layout(const std::filesystem::path& folder) {
  constexpr std::size_t shown = 3;
  const std::vector<std::string> names = files_in(folder);
  for (const char* ours : {"model.safetensors", "model.safetensors.index.json"}) {
    if (std::ranges::binary_search(names, ours)) return std::nullopt;
  }
  for (const Layout& layout : layouts) {
    std::vector<std::string> found;
    std::ranges::copy_if(names, std::back_inserter(found), [&](const std::string& name) {
      return name.starts_with(layout.begin) && name.ends_with(layout.end);
    });
    if (found.empty()) continue;
    std::string seen;
    for (std::size_t i = 0; i < std::min(shown, found.size()); ++i)
      seen += (i > 0 ? ", " : "") + text::printable(found[i]);
    if (found.size() > shown) seen += concat(", and ", found.size() - shown, " more");
    return core::bad_input(concat("the model folder holds ", layout.what, ", and no model.safetensors"),
                           concat(folder.string(), ": ", seen), layout.advice);
  }
  return std::nullopt;
}

}  // namespace orrery::model
