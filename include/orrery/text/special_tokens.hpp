#pragma once

#include "orrery/text/tokenizer.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery::text {

/// A token that stands beside every text, with the text that it has in the tokenizer.
struct SpecialToken {
  std::int32_t id = 0;
  std::string text;

  bool operator==(const SpecialToken&) const = default;
};

/// What stands in front of every text, and behind it, in order.
struct SpecialTokens {
  std::vector<SpecialToken> leading, trailing;

  bool operator==(const SpecialTokens&) const = default;
};

/// Whether BOS stands in front: as the tokenizer's template has it, always, or nothing at all.
enum class Bos { as_template, add, none };

/// What is put around each text of the model in `folder`: what the template of tokenizer.json adds (of
/// tokenizer.model, what its family does), but for `bos`. `add` puts BOS in front of the template's, unless
/// it is among them: bos_token of tokenizer_config.json, looked up in the tokenizer, or else bos_token_id of
/// config.json. `none` leaves out what the template has in front. Where add_bos_token or add_eos_token of
/// tokenizer_config.json says otherwise than the template, and `bos` doesn't decide it, logs a warning that
/// names both. Throws bad_input where a file is no JSON, one of these keys has a value of another kind, or
/// `add` finds no BOS.
SpecialTokens special_tokens(const std::filesystem::path& folder, const LoadedTokenizer& loaded, Bos bos);

/// Ids of `text` between those of `special`, in place of those that the tokenizer itself puts around it.
/// Throws as Tokenizer::encode.
std::vector<std::int32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                                 const SpecialTokens& special);

/// `[{"id": 1, "token": "<s>"}]`, as files record them; `[]` for none.
std::string to_json(const std::vector<SpecialToken>& tokens);
/// What `to_json` gave. Throws bad_input, naming `where`, for anything else.
std::vector<SpecialToken> special_tokens_from(const std::string& json, const std::string& where);

/// "<s> (1) in front, nothing behind": for people, on one line.
std::string described(const SpecialTokens& tokens);

}  // namespace orrery::text
