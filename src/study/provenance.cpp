#include "provenance.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/core/version.hpp"
#include "orrery/study/libraries.hpp"

namespace orrery::study {
namespace {

/// "a, b, …", in order of ranks.
std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace

InputHashes hash_inputs(const TraceOptions& options, const TraceInput& input) {
  std::vector<std::string> names;
  if (input.checkpoint) names = input.checkpoint->files();
  names.emplace_back("config.json");
  return {core::sha256_of_files(options.model, std::move(names)),
          core::sha256_of_file(options.model / input.tokenizer_file), core::sha256_of_file(options.corpus)};
}

std::vector<archive::Attribute> provenance(const TraceOptions& options, const TraceInput& input,
                                           const Resources& resources, const std::string& command,
                                           std::int64_t ranks) {
  const model::LlamaConfig& c = input.config;
  const auto root = [](const char* name, archive::AttributeValue value) {
    return archive::Attribute{"/", name, std::move(value)};
  };
  return {
      root("program_version", core::program_version()),
      root("git_commit", core::git_commit()),
      root("libraries", libraries()),
      root("config", to_ini(options)),
      root("command", command),
      root("created_utc", core::utc_now()),
      root("ranks", ranks),
      root("threads", std::int64_t{resources.threads}),
      root("devices", joined(resources.devices)),
      root("hosts", joined(resources.hosts)),
      root("job_id", core::job_id()),
      root("seed", options.seed),
      root("architecture", c.architecture),
      root("layers", c.layers),
      root("hidden_size", c.width),
      root("heads", c.heads),
      root("kv_heads", c.kv_heads),
      root("vocab_size", c.vocabulary),
      root("dtype", model::name_of(*options.dtype)),
      root("residual_dtype", model::name_of(options.residual)),
      root("model_name", options.model.filename().empty() ? options.model.parent_path().filename().string()
                                                          : options.model.filename().string()),
      root("corpus_name", options.corpus.filename().string())};
}

}  // namespace orrery::study
