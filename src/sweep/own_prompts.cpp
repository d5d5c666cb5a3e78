#include "own_prompts.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/sha256.hpp"
#include "orrery/run/recorded_tokens.hpp"
#include "orrery/text/prompts.hpp"
#include "orrery/text/special_tokens.hpp"
#include "orrery/text/tokenizer.hpp"

#include <system_error>
#include <utility>

namespace orrery::sweep {
namespace {

using core::concat;

/// Throws where there is nothing of that name. A name with neither folder nor ending may have been meant as a
/// list.
void require_file(const std::string& name) {
  std::error_code error;  // what can't be looked at is not there
  if (std::filesystem::exists(name, error)) return;
  const std::string problem = "--prompts is neither a list of numbers nor a file";
  const std::string advice =
      "give numbers and ranges such as 0-3,7, or all, of the trace's samples, or a file of prompts";
  if (name.find_first_of("./") == std::string::npos) throw core::usage_error(problem, name, advice);
  throw core::bad_input(problem, name, advice);
}

/// What stands in front of the trace's samples. Files that don't say were made by the tokenizer's template.
std::vector<text::SpecialToken> leading_tokens(const archive::Reader& trace,
                                               const text::Tokenizer& tokenizer) {
  if (const auto recorded = run::recorded_tokens(trace)) return recorded->leading;
  std::vector<text::SpecialToken> leading;
  for (const std::int32_t id : tokenizer.frame().prefix) leading.push_back({id, ""});
  return leading;
}

}  // namespace

void require_tokenizer(const std::filesystem::path& folder, const TraceFacts& trace) {
  const std::filesystem::path path = folder / text::tokenizer_file(folder);
  const std::string hash = core::sha256_of_file(path);
  if (hash == trace.tokenizer_sha256) return;
  throw core::bad_input(
      "the tokenizer is not that of the trace",
      concat(path.string(), ": SHA-256 ", hash, ", the trace's was ", trace.tokenizer_sha256),
      "give --model the folder that the trace was made of");
}

void read_own_prompts(const archive::Reader& trace, Sweep& sweep) {
  const std::filesystem::path path = sweep.options.prompts;
  require_file(path.string());
  require_tokenizer(sweep.options.model, sweep.trace);
  const std::vector<text::PromptText> texts = text::read_prompts(path);
  sweep.own_prompts = OwnPrompts{path.filename().string(), core::sha256_of_file(path)};
  const text::LoadedTokenizer loaded = text::load_tokenizer(sweep.options.model);
  const text::SpecialTokens around{leading_tokens(trace, *loaded.tokenizer), {}};
  for (const text::PromptText& one : texts) {
    Prompt prompt{std::ssize(sweep.prompts), one.line, text::encode(*loaded.tokenizer, one.text, around),
                  one.text};
    core::beat();
    if (prompt.tokens.size() == around.leading.size()) {
      throw core::bad_input("a prompt has no tokens of its own",
                            concat(path.string(), ", line ", one.line, " from 0"), "check the tokenizer");
    }
    sweep.prompts.push_back(std::move(prompt));
  }
}

}  // namespace orrery::sweep
