#include "orrery/text/pre_tokenizer.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/text/split_pattern.hpp"
#include "orrery/text/utf8.hpp"

#include <array>
#include <optional>
#include <utility>

namespace orrery::text {
namespace {

void split_each(const SplitPattern& pattern, Pieces& pieces) {
  std::vector<std::size_t> ends;
  ends.reserve(pieces.ends.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    pattern.split(pieces.piece(i), begin, ends);
    begin = pieces.ends[i];
  }
  pieces.ends = std::move(ends);
}

/// Each match of a pattern, and each stretch between, is a piece.
class SplitPreTokenizer final : public PreTokenizer {
 public:
  explicit SplitPreTokenizer(SplitPattern pattern) : pattern_(std::move(pattern)) {}
  void apply(Pieces& pieces) const override { split_each(pattern_, pieces); }

 private:
  SplitPattern pattern_;
};

/// Every space as another character, that character in front of the text, and each one the beginning of a
/// piece.
class MetaspacePreTokenizer final : public PreTokenizer {
 public:
  enum class Prepend { always, first, never };

  MetaspacePreTokenizer(std::string replacement, Prepend prepend, bool splits)
      : replacement_(std::move(replacement)), prepend_(prepend), splits_(splits) {}

  void apply(Pieces& pieces) const override {
    Pieces replaced;
    replaced.begins_text = pieces.begins_text;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      add(pieces.piece(i),
          prepend_ == Prepend::always || (prepend_ == Prepend::first && i == 0 && pieces.begins_text),
          replaced);
    }
    pieces = std::move(replaced);
  }

 private:
  void add(std::string_view piece, bool prepends, Pieces& replaced) const {
    const std::size_t begin = replaced.text.size();
    if (prepends && !piece.starts_with(' ') && !piece.starts_with(replacement_))
      replaced.text += replacement_;
    for (const char byte : piece) {
      if (byte == ' ') {
        replaced.text += replacement_;
      } else {
        replaced.text += byte;
      }
    }
    if (splits_) {
      for (std::size_t found = replaced.text.find(replacement_, begin + 1); found != std::string::npos;
           found = replaced.text.find(replacement_, found + 1))
        replaced.ends.push_back(found);
    }
    replaced.ends.push_back(replaced.text.size());
  }

  std::string replacement_;
  Prepend prepend_;
  bool splits_;
};

/// A visible character for each byte, as GPT-2 has it: printable Latin-1 stands for itself, the other 68
/// bytes are U+0100 and following, in order.
std::array<std::string, 256> make_byte_characters() {
  std::array<std::string, 256> characters;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
    append_utf8(printable ? byte : next++, characters[byte]);
  }
  return characters;
}

/// Rewrites each byte as a visible character, so that any text is made of 256 symbols.
class ByteLevelPreTokenizer final : public PreTokenizer {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, std::optional<SplitPattern> pattern)
      : add_prefix_space_(add_prefix_space), pattern_(std::move(pattern)) {}

  void apply(Pieces& pieces) const override {
    if (add_prefix_space_) add_spaces(pieces);
    if (pattern_) split_each(*pattern_, pieces);
    static const std::array<std::string, 256> characters = make_byte_characters();
    Pieces mapped;
    mapped.text.reserve(pieces.text.size() * 2);
    mapped.ends.reserve(pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      for (const char byte : pieces.piece(i)) mapped.text += characters[static_cast<unsigned char>(byte)];
      mapped.ends.push_back(mapped.text.size());
    }
    pieces = std::move(mapped);
  }

 private:
  static void add_spaces(Pieces& pieces) {
    Pieces spaced;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::string_view piece = pieces.piece(i);
      if (!piece.starts_with(' ')) spaced.text += ' ';
      spaced.text += piece;
      spaced.ends.push_back(spaced.text.size());
    }
    pieces = std::move(spaced);
  }

  bool add_prefix_space_;
  std::optional<SplitPattern> pattern_;
};

bool flag(const JsonValue& json, std::string_view key, bool otherwise) {
  const auto found = json.find(key);
  return found ? found->boolean() : otherwise;
}

/// A pattern that matches `text` and nothing else.
std::string literal_pattern(std::string_view text) {
  std::string pattern;
  for (const char byte : text) {
    if (std::string_view(R"(\^$.[]|()?*+{}-&)").find(byte) != std::string_view::npos) pattern += '\\';
    pattern += byte;
  }
  return pattern;
}

SplitPattern read_split(const JsonValue& json) {
  const JsonValue behavior = json.at("behavior");
  if (behavior.string() != "Isolated") {
    throw behavior.error("is not supported",
                         "supported is Isolated; use the model's tokenizer.model, if it has one");
  }
  const JsonValue pattern = json.at("pattern");
  const std::string where = core::concat(json.file(), ": ", pattern.key());
  if (const auto text = pattern.find("String")) return {literal_pattern(text->string()), where};
  return {pattern.at("Regex").string(), where};
}

std::unique_ptr<PreTokenizer> read_metaspace(const JsonValue& json, bool begins_are_known) {
  using Prepend = MetaspacePreTokenizer::Prepend;
  const JsonValue replacement = json.at("replacement");
  if (count_code_points(replacement.string()) != 1) throw replacement.error("must be one character");
  // Older files say add_prefix_space, where the newer have prepend_scheme.
  const bool adds_prefix_space = flag(json, "add_prefix_space", true);
  Prepend prepend = adds_prefix_space ? Prepend::always : Prepend::never;
  if (const auto scheme = json.find("prepend_scheme")) {
    const std::string& name = scheme->string();
    if (name == "always") {
      prepend = Prepend::always;
    } else if (name == "first") {
      prepend = Prepend::first;
    } else if (name == "never") {
      prepend = Prepend::never;
    } else {
      throw scheme->error("must be always, first or never");
    }
    if (!adds_prefix_space && prepend != Prepend::never)
      throw scheme->error("contradicts add_prefix_space, which is false");
    if (prepend == Prepend::first && !begins_are_known) {
      throw scheme->error(
          "behind another pre-tokenizer, or with a normalizer that shortens or that added tokens are matched "
          "behind, is not supported",
          "use the model's tokenizer.model, if it has one");
    }
  }
  return std::make_unique<MetaspacePreTokenizer>(replacement.string(), prepend, flag(json, "split", true));
}

void add_steps(const JsonValue& json, bool begins_are_known,
               std::vector<std::unique_ptr<PreTokenizer>>& steps) {
  const JsonValue type = json.at("type");
  const std::string where = core::concat(json.file(), ": ", json.key());
  if (type.string() == "Sequence") {
    for (const JsonValue& element : json.at("pretokenizers").elements())
      add_steps(element, begins_are_known, steps);
  } else if (type.string() == "ByteLevel") {
    std::optional<SplitPattern> pattern;
    if (flag(json, "use_regex", true)) pattern.emplace(gpt2_pattern, where);
    steps.push_back(
        std::make_unique<ByteLevelPreTokenizer>(flag(json, "add_prefix_space", true), std::move(pattern)));
  } else if (type.string() == "Digits") {
    const bool one_by_one = flag(json, "individual_digits", false);
    steps.push_back(
        std::make_unique<SplitPreTokenizer>(SplitPattern(one_by_one ? R"(\p{N})" : R"(\p{N}+)", where)));
  } else if (type.string() == "Metaspace") {
    steps.push_back(read_metaspace(json, begins_are_known && steps.empty()));
  } else if (type.string() == "Split") {
    steps.push_back(std::make_unique<SplitPreTokenizer>(read_split(json)));
  } else {
    throw type.error("is not supported",
                     "supported are ByteLevel, Digits, Metaspace, Split and Sequence; use the model's "
                     "tokenizer.model, if it has one");
  }
}

}  // namespace

Pieces::Pieces(std::string whole, bool begins) : text(std::move(whole)), begins_text(begins) {
  if (!text.empty()) ends.push_back(text.size());
}

std::string_view Pieces::piece(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : ends[index - 1];
  return std::string_view(text).substr(begin, ends[index] - begin);
}

std::vector<std::unique_ptr<PreTokenizer>> make_pre_tokenizers(const JsonValue& json, bool begins_are_known) {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  add_steps(json, begins_are_known, steps);
  return steps;
}

}  // namespace orrery::text
