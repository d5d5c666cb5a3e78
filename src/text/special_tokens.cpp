#include "orrery/text/special_tokens.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/json.hpp"
#include "orrery/text/printable.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <system_error>

namespace orrery::text {
namespace {

constexpr const char* tokenizer_config_name = "tokenizer_config.json";
constexpr const char* config_name = "config.json";

/// A JSON file of the folder; null where there is none.
nlohmann::json read_if_there(const std::filesystem::path& path) {
  std::error_code error;  // what can't be looked at is not there
  return std::filesystem::exists(path, error) ? read_json(path) : nlohmann::json();
}

/// What the model's files say of BOS or EOS.
struct Named {
  std::optional<bool> is_added;       ///< add_bos_token, add_eos_token
  std::optional<std::string> token;   ///< bos_token, eos_token
  std::vector<std::int32_t> ids;      ///< that token's; without it those that config.json gives
  std::optional<std::int32_t> other;  ///< what config.json gives where it is none of `ids`
};

/// A token in tokenizer_config.json: its text, or an object with it.
std::optional<std::string> token_text(const JsonValue& config, const std::string& key) {
  const auto found = config.find(key);
  if (!found) return std::nullopt;
  return found->json().is_object() ? found->at("content").string() : found->string();
}

/// Ids of config.json: one, or a list of them. What is no id names no token.
std::vector<std::int32_t> ids_in(const nlohmann::json& config, const std::string& key) {
  std::vector<std::int32_t> ids;
  const auto add = [&](const nlohmann::json& id) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > largest_token_id)
      return;
    ids.push_back(core::narrow<std::int32_t>(id.get<std::int64_t>()));
  };
  if (!config.is_object() || !config.contains(key)) return ids;
  const nlohmann::json& value = config.at(key);
  if (value.is_array()) {
    for (const nlohmann::json& id : value) add(id);
  } else {
    add(value);
  }
  return ids;
}

Named read_named(const std::filesystem::path& folder, const std::string& kind, const Tokenizer& tokenizer) {
  Named named;
  const nlohmann::json json = read_if_there(folder / tokenizer_config_name);
  if (!json.is_null()) {
    const JsonValue config(json, tokenizer_config_name);
    if (const auto added = config.find("add_" + kind + "_token")) named.is_added = added->boolean();
    named.token = token_text(config, kind + "_token");
  }
  const std::vector<std::int32_t> ids = ids_in(read_if_there(folder / config_name), kind + "_token_id");
  if (!named.token) {
    named.ids = ids;
    return named;
  }
  if (const auto id = tokenizer.id_of(*named.token)) {
    named.ids = {*id};
    if (!ids.empty() && std::ranges::find(ids, *id) == ids.end()) named.other = ids.front();
  }
  return named;
}

/// Whether BOS or EOS is among `tokens`. Where nobody says which token it is, any is taken for it.
bool stands_in(const Named& named, const std::vector<SpecialToken>& tokens) {
  if (named.ids.empty()) return !tokens.empty();
  return std::ranges::any_of(tokens, [&](const SpecialToken& token) {
    return std::ranges::find(named.ids, token.id) != named.ids.end();
  });
}

std::string described(const std::vector<SpecialToken>& tokens) {
  std::string text;
  for (const SpecialToken& token : tokens)
    text += core::concat(text.empty() ? "" : " ", printable(token.text), " (", token.id, ")");
  return text.empty() ? "nothing" : text;
}

/// "tokenizer_config.json says add_bos_token true, tokenizer.json's template puts nothing in front"
std::string disagreement(const char* key, bool is_added, const std::string& file,
                         const std::vector<SpecialToken>& tokens, const char* where) {
  return core::concat(tokenizer_config_name, " says ", key, is_added ? " true, " : " false, ", file,
                      file.ends_with(".json") ? "'s template puts " : " of its family puts ",
                      described(tokens), " ", where);
}

/// The BOS that is to be added.
SpecialToken bos_to_add(const Named& bos, const LoadedTokenizer& loaded) {
  const auto refuse = [](const std::string& problem, const std::string& seen) {
    return core::bad_input(problem, seen,
                           core::concat("name the token as bos_token in the model's ", tokenizer_config_name,
                                        ", or leave out --bos add"));
  };
  if (bos.ids.empty() && bos.token) {
    throw refuse(core::concat(tokenizer_config_name, ": bos_token is no token of ", loaded.file),
                 printable(*bos.token));
  }
  if (bos.ids.empty()) {
    throw refuse("--bos add finds no BOS", core::concat("neither bos_token in ", tokenizer_config_name,
                                                        " nor bos_token_id in ", config_name, " names one"));
  }
  const std::int32_t id = bos.ids.front();
  const auto text = loaded.tokenizer->token_of(id);
  if (!text)
    throw refuse(core::concat(config_name, ": bos_token_id is no token of ", loaded.file),
                 std::to_string(id));
  if (bos.other) {
    core::log_warn(core::concat("BOS is ", printable(*text), " (", id, "), ", tokenizer_config_name,
                                "'s bos_token; ", config_name, " has bos_token_id ", *bos.other));
  }
  return {id, *text};
}

std::vector<SpecialToken> with_texts(const std::vector<std::int32_t>& ids, const Tokenizer& tokenizer) {
  std::vector<SpecialToken> tokens;
  for (const std::int32_t id : ids) tokens.push_back({id, tokenizer.token_of(id).value_or("")});
  return tokens;
}

}  // namespace

SpecialTokens special_tokens(const std::filesystem::path& folder, const LoadedTokenizer& loaded, Bos choice) {
  const Tokenizer& tokenizer = *loaded.tokenizer;
  SpecialTokens tokens{with_texts(tokenizer.frame().prefix, tokenizer),
                       with_texts(tokenizer.frame().suffix, tokenizer)};
  const Named bos = read_named(folder, "bos", tokenizer);
  const Named eos = read_named(folder, "eos", tokenizer);
  if (choice == Bos::as_template && bos.is_added && *bos.is_added != stands_in(bos, tokens.leading)) {
    core::log_warn(
        core::concat(disagreement("add_bos_token", *bos.is_added, loaded.file, tokens.leading, "in front"),
                     ": so it is here; --bos ", *bos.is_added ? "add puts BOS there" : "none leaves it out"));
  }
  if (eos.is_added && *eos.is_added != stands_in(eos, tokens.trailing)) {
    core::log_warn(
        core::concat(disagreement("add_eos_token", *eos.is_added, loaded.file, tokens.trailing, "behind"),
                     ": so it is here, and changes no number, as nothing is measured behind the text"));
  }
  if (choice == Bos::none) tokens.leading.clear();
  if (choice == Bos::add && (bos.ids.empty() || !stands_in(bos, tokens.leading)))
    tokens.leading.insert(tokens.leading.begin(), bos_to_add(bos, loaded));
  return tokens;
}

std::vector<std::int32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                                 const SpecialTokens& special) {
  const std::vector<std::int32_t> framed = tokenizer.encode(text);
  std::vector<std::int32_t> ids;
  ids.reserve(framed.size() + special.leading.size());
  for (const SpecialToken& token : special.leading) ids.push_back(token.id);
  ids.insert(ids.end(), framed.begin() + std::ssize(tokenizer.frame().prefix),
             framed.end() - std::ssize(tokenizer.frame().suffix));
  for (const SpecialToken& token : special.trailing) ids.push_back(token.id);
  return ids;
}

std::string to_json(const std::vector<SpecialToken>& tokens) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SpecialToken& token : tokens)
    list.push_back(nlohmann::ordered_json{{"id", token.id}, {"token", token.text}});
  return list.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace);
}

std::vector<SpecialToken> special_tokens_from(const std::string& json, const std::string& where) {
  const std::string advice = "make the file again";
  const nlohmann::json list = parse_json(json, where, advice);
  std::vector<SpecialToken> tokens;
  for (const JsonValue& one : JsonValue(list, where, {}, advice).elements()) {
    tokens.push_back(
        {core::narrow<std::int32_t>(one.at("id").integer(0, largest_token_id)), one.at("token").string()});
  }
  return tokens;
}

std::string described(const SpecialTokens& tokens) {
  return core::concat(described(tokens.leading), " in front, ", described(tokens.trailing), " behind");
}

}  // namespace orrery::text
