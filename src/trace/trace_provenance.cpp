#include "trace_provenance.hpp"

#include "orrery/core/sha256.hpp"
#include "orrery/run/model_input.hpp"
#include "orrery/run/provenance.hpp"
#include "orrery/run/recorded_tokens.hpp"
#include "orrery/text/tokenizer.hpp"

#include <optional>
#include <utility>

namespace orrery::trace {

std::map<std::string, std::string> hashes_of_inputs(const TraceOptions& options) {
  const bool untrained = options.weights == WeightChoice::random;
  const run::ModelInput model =
      run::read_model(options.model, untrained ? std::optional(options.seed) : std::nullopt);
  return {{"model", run::hash_model(options.model, model)},
          {"tokenizer", core::sha256_of_file(options.model / text::tokenizer_file(options.model))},
          {"corpus", core::sha256_of_file(options.corpus)}};
}

run::Identity identity_of(const TraceOptions& options) {
  run::Identity identity;
  run::add_options(identity, to_ini(options), free_options());
  return identity;
}

run::Identity identity_of_trace(const archive::Reader& file) {
  run::Identity identity;
  run::add_options(identity, file.text("config"), free_options());
  for (const char* input : {"model", "tokenizer", "corpus"}) {
    identity[run::input_name(input)] = file.text(std::string(input) + "_sha256");
  }
  if (const auto tokens = run::recorded_tokens(file))
    identity[run::input_name(run::special_tokens_input)] = text::described(*tokens);
  return identity;
}

std::vector<archive::Attribute> input_attributes(const TraceOptions& options, const TraceInput& input) {
  std::vector<archive::Attribute> all =
      run::model_attributes(options.model, *input.model, {*options.dtype, options.residual});
  all.push_back({"/", "seed", options.seed});
  all.push_back({"/", "corpus_name", options.corpus.filename().string()});
  all.push_back({"/samples", "leading", text::to_json(input.special.leading)});
  all.push_back({"/samples", "trailing", text::to_json(input.special.trailing)});
  return all;
}

}  // namespace orrery::trace
