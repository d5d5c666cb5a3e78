#include "sweep_file.hpp"

#include "orrery/archive/reader.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/provenance.hpp"
#include "sweep_summary.hpp"
#include "sweep_writer.hpp"

#include <map>
#include <utility>

namespace orrery::sweep {

// Rank 0 alone reads and writes: there is a number for each case and start layer.
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

run::Identity inputs_of(const Sweep& sweep) {
  run::Identity inputs;
  inputs[run::input_name("trace")] = sweep.trace.checksum;
  inputs[run::input_name("model")] = sweep.trace.model_sha256;
  if (sweep.own_prompts) inputs[run::input_name("prompts")] = sweep.own_prompts->sha256;
  return inputs;
}

run::Identity identity_of(const Sweep& sweep) {
  run::Identity identity = inputs_of(sweep);
  run::add_options(identity, to_ini(sweep.options), free_options());
  return identity;
}

run::Identity identity_of_sweep(const archive::Reader& file) {
  run::Identity identity;
  run::add_options(identity, file.text("config"), free_options());
  identity[run::input_name("trace")] = file.text("trace_checksum");
  identity[run::input_name("model")] = file.text("model_sha256");
  if (file.attribute("/", "prompts_sha256"))
    identity[run::input_name("prompts")] = file.text("prompts_sha256");
  return identity;
}

std::vector<archive::Attribute> input_attributes(const Sweep& sweep, const model::Description& model) {
  const PerturbOptions& options = sweep.options;
  std::vector<archive::Attribute> all =
      run::model_attributes(options.model, model, {*options.dtype, *options.residual});
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
