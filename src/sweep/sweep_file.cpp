#include "sweep_file.hpp"

#include "orrery/archive/reader.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/provenance.hpp"
#include "sweep_summary.hpp"
#include "sweep_writer.hpp"

#include <map>
#include <utility>

namespace orrery::sweep {
namespace {

/// Rank 0 alone reads and writes: there is a number for each case and start layer.
void write_summary(const parallel::Communicator& ranks, run::ResultFile& file) {
  std::map<std::string, std::vector<double>> summary;
  parallel::agree(ranks, "the summary", [&] {
    if (!ranks.is_root()) return;
    summary = sweep_summary(
        archive::Reader(file.output().file(), archive::Incomplete::accept, archive::Origin::own));
  });
  file.open();
  parallel::agree(ranks, "writing the summary", [&] {
    for (const auto& [path, values] : summary) {
      const std::vector<std::int64_t> shape =
          archive::shape_of(file.layout(), archive::dataset_named(file.layout(), path));
      file.shared().write(path, {std::vector<std::int64_t>(shape.size()), shape},
                          std::span<const double>(values));
    }
  });
  file.close_and_read_back();
}

}  // namespace

archive::Layout sweep_file_layout(const Sweep& sweep, const std::vector<std::int64_t>& prompts,
                                  std::vector<archive::Attribute> attributes) {
  archive::Layout layout = layout_of(sweep, prompts);
  for (archive::Attribute& attribute : attributes) layout.attributes.push_back(std::move(attribute));
  return layout;
}

void finish_sweep(const parallel::Communicator& ranks, run::ResultFile& file,
                  const std::function<std::vector<archive::Attribute>()>& last) {
  file.close_and_read_back();
  write_summary(ranks, file);
  file.publish([&] { return run::FinalMetadata{last(), {}}; });
}

run::Identity identity_of(const Sweep& sweep) {
  run::Identity identity;
  run::add_options(identity, to_ini(sweep.options));
  identity[run::input_name("trace")] = sweep.trace.checksum;
  identity[run::input_name("model")] = sweep.trace.model_sha256;
  if (sweep.own_prompts) identity[run::input_name("prompts")] = sweep.own_prompts->sha256;
  return identity;
}

run::Identity identity_of_sweep(const archive::Reader& file) {
  run::Identity identity;
  run::add_options(identity, file.text("config"));
  identity[run::input_name("trace")] = file.text("trace_checksum");
  identity[run::input_name("model")] = file.text("model_sha256");
  if (file.attribute("/", "prompts_sha256"))
    identity[run::input_name("prompts")] = file.text("prompts_sha256");
  return identity;
}

std::vector<archive::Attribute> sweep_attributes(const Sweep& sweep, const model::LlamaConfig& config,
                                                 const run::Resources& resources, const std::string& command,
                                                 std::int64_t ranks) {
  const PerturbOptions& options = sweep.options;
  std::vector<archive::Attribute> all = run::run_attributes(to_ini(options), resources, command, ranks);
  for (archive::Attribute& one :
       run::model_attributes(options.model, config, *options.dtype, *options.residual))
    all.push_back(std::move(one));
  const auto add = [&](const char* name, archive::AttributeValue value) {
    all.push_back({"/", name, std::move(value)});
  };
  add("seed", options.seed);
  add("trace_checksum", sweep.trace.checksum);
  add("model_sha256", sweep.trace.model_sha256);
  add("tokenizer_sha256", sweep.trace.tokenizer_sha256);
  add("corpus_sha256", sweep.trace.corpus_sha256);
  add("corpus_name", sweep.trace.corpus_name);
  if (sweep.own_prompts) {
    add("prompts_name", sweep.own_prompts->name);
    add("prompts_sha256", sweep.own_prompts->sha256);
  }
  return all;
}

}  // namespace orrery::sweep
