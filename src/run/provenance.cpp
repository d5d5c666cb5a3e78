#include "orrery/run/provenance.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/machine.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/core/version.hpp"
#include "orrery/run/libraries.hpp"
#include "orrery/run/model_input.hpp"

#include <algorithm>
#include <utility>

namespace orrery::run {
namespace {

/// "a, b, …", in order of ranks.
std::string joined(const std::vector<std::string>& parts, const char* between = ", ") {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

/// "a 0,1; b 0,1": the GPUs that a job has on each of its hosts; "" outside Slurm, or without any.
std::string gpus_of_job(const Resources& resources) {
  std::vector<std::string> parts;
  for (std::size_t rank = 0; rank < resources.gpus.size(); ++rank) {
    if (resources.gpus[rank].empty()) continue;
    const std::string part = core::concat(resources.hosts[rank], " ", resources.gpus[rank]);
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
  }
  return joined(parts, "; ");
}

archive::Attribute root(const char* name, archive::AttributeValue value) {
  return {"/", name, std::move(value)};
}

}  // namespace

std::vector<archive::Attribute> run_attributes(const std::string& config, const Context& context) {
  const Resources& resources = context.resources;
  std::vector<archive::Attribute> all = {root("program_version", core::program_version()),
                                         root("git_commit", core::git_commit()),
                                         root("libraries", libraries()),
                                         root("config", config),
                                         root("command", context.command),
                                         root("created_utc", core::utc_now()),
                                         root("ranks", std::int64_t{context.ranks.size()}),
                                         root("threads", std::int64_t{resources.at_once.threads}),
                                         root("devices", joined(resources.devices)),
                                         root("hosts", joined(resources.hosts)),
                                         root("job_id", core::job_id())};
  const std::string gpus = gpus_of_job(resources);
  if (!gpus.empty()) all.push_back(root("job_gpus", gpus));
  return all;
}

std::vector<archive::Attribute> model_attributes(const std::filesystem::path& folder,
                                                 const model::Description& model,
                                                 const model::NumberFormats& formats) {
  const model::Shape& shape = model.shape();
  const std::filesystem::path named = folder.filename().empty() ? folder.parent_path() : folder;
  return {root("architecture", shape.architecture),
          root("layers", shape.layers()),
          root("hidden_size", shape.width),
          root("heads", shape.heads),
          root("kv_heads", shape.kv_heads),
          root("vocab_size", shape.vocabulary),
          root("dtype", model::name_of(formats.dtype)),
          root("residual_dtype", model::name_of(formats.residual)),
          root("config_unread", unread_keys_text(model)),
          root("model_name", named.filename().string())};
}

}  // namespace orrery::run
