#include "orrery/text/tokenizer_json.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/text/added_tokens.hpp"
#include "orrery/text/byte_pair_encoding.hpp"
#include "orrery/text/json.hpp"
#include "orrery/text/normalizer.hpp"
#include "orrery/text/pre_tokenizer.hpp"
#include "orrery/text/printable.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace orrery::text {
namespace {

/// A text has a few special tokens around it; a hostile template may list the same many again and again.
constexpr std::size_t longest_frame = 1000;

/// `single` of a TemplateProcessing: special tokens before and behind one sequence A. Adds them to `frame`.
void add_template(const JsonValue& json, Frame& frame) {
  Frame added;
  bool text_seen = false;
  const JsonValue single = json.at("single");
  for (const JsonValue& element : single.elements()) {
    if (const auto special = element.find("SpecialToken")) {
      const JsonValue ids = json.at("special_tokens").at(special->at("id").string()).at("ids");
      for (const JsonValue& id : ids.elements()) {
        (text_seen ? added.suffix : added.prefix)
            .push_back(core::narrow<std::int32_t>(id.integer(0, largest_token_id)));
      }
      if (frame.prefix.size() + frame.suffix.size() + added.prefix.size() + added.suffix.size() >
          longest_frame)
        throw single.error(core::concat("puts more than ", longest_frame, " tokens around a text"));
      continue;
    }
    if (text_seen || element.at("Sequence").at("id").string() != "A") {
      throw element.error("is a second text in the template of one");
    }
    text_seen = true;
  }
  if (!text_seen) throw single.error("has no place for the text");
  frame.prefix.insert(frame.prefix.begin(), added.prefix.begin(), added.prefix.end());
  frame.suffix.insert(frame.suffix.end(), added.suffix.begin(), added.suffix.end());
}

/// `is_framed`: whether a template has given the frame already.
void add_post_processor(const JsonValue& json, Frame& frame, bool& is_framed) {
  const JsonValue type = json.at("type");
  if (type.string() == "Sequence") {
    for (const JsonValue& element : json.at("processors").elements())
      add_post_processor(element, frame, is_framed);
  } else if (type.string() == "TemplateProcessing") {
    // The library passes over a second one.
    if (is_framed) throw type.error("is there twice", "leave one of them in a copy of the file");
    is_framed = true;
    add_template(json, frame);
  } else if (type.string() != "ByteLevel") {  // ByteLevel moves offsets, no ids
    throw type.error(
        "is not supported",
        "supported are TemplateProcessing, ByteLevel and Sequence; use the model's tokenizer.model, if "
        "it has one");
  }
}

std::pair<std::string, std::string> read_merge(const JsonValue& json) {
  if (json.json().is_string()) {
    const std::string& both = json.string();
    const std::size_t space = both.find(' ');
    if (space == std::string::npos || both.find(' ', space + 1) != std::string::npos) {
      throw json.error("must be two tokens with one space between");
    }
    return {both.substr(0, space), both.substr(space + 1)};
  }
  const auto elements = json.elements();
  if (elements.size() != 2) throw json.error("must have two tokens");
  return {elements[0].string(), elements[1].string()};
}

/// A string that says "none" when it is absent, null or empty; anything else is not supported.
void require_none(const JsonValue& model, std::string_view key) {
  const auto found = model.find(key);
  if (found && !found->string().empty())
    throw found->error("is not supported", "use the model's tokenizer.model, if it has one");
}

BytePairRules read_rules(const JsonValue& model) {
  const JsonValue type = model.at("type");
  if (type.string() != "BPE") {
    throw type.error("is not supported", "supported is BPE; use the model's tokenizer.model, if it has one");
  }
  if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0.0) {
    throw dropout->error("makes ids random, which is not supported", "set it to null in a copy of the file");
  }
  require_none(model, "continuing_subword_prefix");
  require_none(model, "end_of_word_suffix");

  BytePairRules rules;
  const auto flag = [&model](std::string_view key) {
    const auto found = model.find(key);
    return found && found->boolean();
  };
  rules.fuse_unknown = flag("fuse_unk");
  rules.byte_fallback = flag("byte_fallback");
  rules.ignore_merges = flag("ignore_merges");
  if (const auto unknown = model.find("unk_token")) rules.unknown_token = unknown->string();

  const JsonValue vocabulary = model.at("vocab");
  vocabulary.require_object();
  if (vocabulary.json().empty()) throw vocabulary.error("is empty");
  rules.vocabulary.reserve(vocabulary.json().size());
  std::unordered_map<std::int32_t, std::string_view> tokens;
  tokens.reserve(vocabulary.json().size());
  for (const auto& [token, id_json] : vocabulary.json().items()) {
    const JsonValue value(id_json, model.file(), core::concat(vocabulary.key(), ".", token));
    const auto id = core::narrow<std::int32_t>(value.integer(0, largest_token_id));
    const auto [known, is_new] = tokens.emplace(id, token);
    if (!is_new) throw value.error(core::concat("is the id of \"", printable(known->second), "\", too"));
    rules.vocabulary.emplace(token, id);
  }
  for (const JsonValue& merge : model.at("merges").elements()) rules.merges.push_back(read_merge(merge));
  return rules;
}

std::int32_t largest_id(const BytePairRules& rules, const AddedTokens& added, const Frame& frame) {
  std::int32_t largest = added.largest_id();
  for (const auto& [token, id] : rules.vocabulary) largest = std::max(largest, id);
  for (const std::int32_t id : frame.prefix) largest = std::max(largest, id);
  for (const std::int32_t id : frame.suffix) largest = std::max(largest, id);
  return largest;
}

/// Other versions may mean something else by the same keys.
void require_version(const JsonValue& json) {
  const auto version = json.find("version");
  if (version && version->string() != "1.0")
    throw version->error("is a version that is not supported", "supported is 1.0");
}

/// What the file asks and encoding a whole text never does, in transformers either unless it is asked to.
void warn_of_what_is_left_out(const JsonValue& json) {
  for (const std::string_view key : {"truncation", "padding"}) {
    if (!json.find(key)) continue;
    core::log_warn(
        core::concat(json.file(), ": ", key,
                     " is not applied: a text is measured as it is, as transformers does by default"));
  }
}

class JsonTokenizer final : public Tokenizer {
 public:
  explicit JsonTokenizer(const JsonValue& json) : JsonTokenizer(json, read_rules(json.at("model"))) {}

  std::vector<std::int32_t> encode(std::string_view text) const override {
    require_utf8(text);
    std::vector<std::int32_t> ids = frame_.prefix;
    MergeWorkspace workspace;
    for (AddedTokens::Section& section : added_.split(text, normalizer_)) {
      if (section.id) {
        ids.push_back(*section.id);
        continue;
      }
      Pieces pieces(std::move(section.text), section.begins_text);
      for (const auto& step : pre_tokenizers_) {
        step->apply(pieces);
        require_bounded(text.size(), pieces.text.size());
      }
      for (std::size_t i = 0; i < pieces.size(); ++i) encoding_.encode(pieces.piece(i), workspace, ids);
    }
    ids.insert(ids.end(), frame_.suffix.begin(), frame_.suffix.end());
    return ids;
  }

  const Frame& frame() const override { return frame_; }
  std::optional<std::int32_t> id_of(std::string_view token) const override {
    const auto found = std::ranges::find(added_names_, token, &std::pair<std::string, std::int32_t>::first);
    return found != added_names_.end() ? found->second : encoding_.id_of(token);
  }
  std::optional<std::string> token_of(std::int32_t id) const override {
    const auto found = std::ranges::find(added_names_, id, &std::pair<std::string, std::int32_t>::second);
    return found != added_names_.end() ? found->first : encoding_.token_of(id);
  }
  std::int64_t vocabulary_size() const override { return vocabulary_size_; }

 private:
  JsonTokenizer(const JsonValue& json, BytePairRules rules) : encoding_(BytePairRules(), json.file()) {
    require_version(json);
    if (const auto normalizer = json.find("normalizer")) normalizer_ = Normalizer(*normalizer);
    if (const auto added = json.find("added_tokens"))
      added_ = AddedTokens(*added, rules.vocabulary, normalizer_);
    if (const auto added = json.find("added_tokens")) {
      for (const JsonValue& one : added->elements()) {
        added_names_.emplace_back(one.at("content").string(),
                                  core::narrow<std::int32_t>(one.at("id").integer(0, largest_token_id)));
      }
    }
    if (const auto pre_tokenizer = json.find("pre_tokenizer"))
      pre_tokenizers_ = make_pre_tokenizers(*pre_tokenizer, begins_are_known());
    bool is_framed = false;
    if (const auto post_processor = json.find("post_processor"))
      add_post_processor(*post_processor, frame_, is_framed);
    warn_of_what_is_left_out(json);
    vocabulary_size_ = std::int64_t{largest_id(rules, added_, frame_)} + 1;
    encoding_ = BytePairEncoding(std::move(rules), json.file());
  }

  /// Whether the piece at a text's beginning is known as the library knows it, by its offset in the text as
  /// it was: what normalizing put in front has none of its own, and what it took away had one.
  bool begins_are_known() const {
    return normalizer_.empty() || (!added_.reads_normalized() && !normalizer_.shortens());
  }

  AddedTokens added_;
  std::vector<std::pair<std::string, std::int32_t>> added_names_;  // special ones too
  Normalizer normalizer_;
  std::vector<std::unique_ptr<PreTokenizer>> pre_tokenizers_;
  BytePairEncoding encoding_;
  Frame frame_;
  std::int64_t vocabulary_size_ = 0;
};

}  // namespace

std::unique_ptr<Tokenizer> read_tokenizer_json(const std::filesystem::path& path) {
  const nlohmann::json json = read_json(path);
  return std::make_unique<JsonTokenizer>(JsonValue(json, path.filename().string()));
}

}  // namespace orrery::text
