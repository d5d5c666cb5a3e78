"""Each component of a tokenizer.json and each of its fields at other values than the usual ones, and the patterns of
models: the library's ids, or an error, never other ids without a word."""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path

from library_tokenizers import TEXTS, AgainstTheLibrary, Json, byte_level, sequence, small

#: Bytes for visible characters, and no cuts.
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 3}}, {"Sequence": {"id": "A", "type_id": 2}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1, 2], "tokens": ["<s>", "</s>"]}},
}


def split(pattern: str, **changes: object) -> Json:
    """A byte-level file that cuts by `pattern`."""
    step = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False, **changes}
    return byte_level(pre_tokenizer=sequence("pretokenizers", step, BYTES))


class Patterns(AgainstTheLibrary):
    """Patterns that models have, and every general category, by the library's engine."""

    def test_those_of_models(self) -> None:
        contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        upper, lower = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
        spaces = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
        patterns = {
            "gpt-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            "llama 3": contractions + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + spaces,
            "qwen": contractions + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + spaces,
            "llama 4": rf"[^\r\n\p{{L}}\p{{N}}]?{upper}*{lower}+{contractions}?|[^\r\n\p{{L}}\p{{N}}]?{upper}+{lower}*"
            rf"{contractions}?|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*" + spaces,
            "deepseek": r"[!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*" + spaces,
        }
        steps = {f"digits {alone}": {"type": "Digits", "individual_digits": alone} for alone in (True, False)}
        files = {name: split(pattern) for name, pattern in patterns.items()}
        files |= {name: byte_level(pre_tokenizer=sequence("pretokenizers", step, BYTES)) for name, step in steps.items()}
        self.assert_read_alike(files)

    def test_classes_negated_in_sets_and_without_case(self) -> None:
        patterns = (r"[\P{L}x]+", r"\P{N}+", r"[^\P{L}\D]+", r"[\S]+", r"\D+", r"\p{^L}+", r"\P{^L}+", r"(?i:a|k|ill|\s|\d)")
        self.assert_read_alike({pattern: split(pattern) for pattern in patterns})
        # The library takes these otherwise than PCRE2 does, or for nothing.
        others = (r"\pL+", r"\p{Han}+", r"(?i:\p{Lu})", r"(?i:ss)", "(?i:\u00e4)", r"\p{L&}", r"\w+")
        self.assertEqual(list(self.compare({pattern: split(pattern) for pattern in others})), list(others))

    def test_categories_over_all_code_points(self) -> None:
        import unicodedata2

        points = [number for number in range(0x110000) if not 0xD800 <= number <= 0xDFFF]
        # All that are assigned but the many ideographs, and some of these and of the others; of two alike in a row a
        # match is each.
        kept = [n for n in points if n % 256 == 0 or unicodedata2.category(chr(n)) not in ("Cn", "Co", "Lo")]
        texts = ["".join(chr(n) * 2 for n in kept[begin : begin + 512]) for begin in range(0, len(kept), 512)]
        names = ("L", "uppercase-letter", "Ll", "Lo", "M", "Decimal_Number", "N", "punctuation", "S", "Cn")
        self.assert_read_alike({name: split(rf"\p{{{name}}}") for name in names}, texts)

    def test_every_category_by_its_names(self) -> None:
        names = """L Letter LC cased_letter Lu Ll Lt Lm Lo M mark Mn Mc Me N number Nd Nl No P punctuation Pc Pd Ps Pe Pi
        Pf Po S symbol Sm Sc Sk So Z separator Zs Zl Zp C other Cc Cf Cn Co Any""".split()
        self.assert_read_alike({name: split(rf"\p{{{name}}}") for name in names}, TEXTS[::4])


class Components(AgainstTheLibrary):
    """Each type of each component, and each field at other values than the usual ones: what is read has the library's
    ids, and what is refused is on the list."""

    def test_normalizers(self) -> None:
        bert = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
        replace = [
            {"pattern": {"String": string}, "content": content} for string in ("a", "ab", " ") for content in ("bb", "")
        ]
        read = [{"type": "Prepend", "prepend": "b"}, sequence("normalizers"), *({"type": "Replace", **r} for r in replace)]
        refused = [
            {"type": "BertNormalizer", **bert},
            {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Precompiled", "precompiled_charsmap": ""},
            {"type": "Prepend", "prepend": ""},
            {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"},
            {"type": "Replace", "pattern": {"String": ""}, "content": "b"},
            *({"type": name} for name in ("StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Nmt", "ByteLevel")),
            {"type": "NoSuchThing"},
        ]
        self.sweep("normalizer", read, refused)

    def test_pre_tokenizers(self) -> None:
        bytes_of = [
            {"type": "ByteLevel", "add_prefix_space": space, "trim_offsets": trim, "use_regex": regex}
            for space in (True, False)
            for trim in (True, False)
            for regex in (True, False)
        ]
        cut = {"type": "Split", "pattern": {"Regex": r"\s|\p{N}+"}, "behavior": "Isolated", "invert": False}
        patterns = ({"String": "a"}, {"String": "."}, {"Regex": "x*"}, {"Regex": "(?=b)"})
        cuts = [{**cut, "invert": True}, *({**cut, "pattern": pattern} for pattern in patterns)]
        read = [*bytes_of, *(sequence("pretokenizers", step, BYTES) for step in cuts), sequence("pretokenizers")]
        behaviors = ("Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
        refused = [
            *({**cut, "behavior": behavior, "invert": invert} for behavior in behaviors for invert in (True, False)),
            {"type": "Punctuation", "behavior": "Isolated"},
            {"type": "CharDelimiterSplit", "delimiter": "a"},
            {"type": "FixedLength", "length": 3},
            *({"type": name} for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts", "NoSuchThing")),
        ]
        self.sweep("pre_tokenizer", read, refused)

    def test_post_processors(self) -> None:
        bytes_of = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
        behind = {**TEMPLATE, "single": TEMPLATE["single"][::-1]}
        both = {**TEMPLATE, "single": [*TEMPLATE["single"], TEMPLATE["single"][0]]}
        read = [TEMPLATE, behind, both, bytes_of, sequence("processors", bytes_of, both), sequence("processors")]
        refused = [
            sequence("processors", TEMPLATE, behind),
            {**TEMPLATE, "single": TEMPLATE["single"][:1]},
            {**TEMPLATE, "single": TEMPLATE["single"][1:] * 2},
            {**TEMPLATE, "special_tokens": {}},
            {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]},
            {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True, "add_prefix_space": True},
        ]
        self.sweep("post_processor", read, refused)

    def sweep(self, key: str, read: list[Json], refused: list[Json]) -> None:
        files = {f"{number}: {step}": byte_level(**{key: step}) for number, step in enumerate([*read, *refused])}
        self.assertEqual(list(self.compare(files)), list(files)[len(read) :])

    def test_fields_of_the_model(self) -> None:
        read = {
            "dropout": [0.0, 0], "unk_token": [None, "<unk>", "a", "zz"], "continuing_subword_prefix": [""],
            "end_of_word_suffix": [""], "fuse_unk": [True, False], "byte_fallback": [True, False],
            "ignore_merges": [True, False], "no_such_key": [1],
        }  # fmt: skip
        files = {
            f"{key} {value!r} {make.__name__}": make(**{f"model_{key}": value})
            for key, values in read.items()
            for value in values
            for make in (small, byte_level)
        }
        self.assert_read_alike(files)
        refused = {
            "dropout": [0.5], "continuing_subword_prefix": ["##"], "end_of_word_suffix": ["</w>"],
            "type": [None, "WordPiece", "WordLevel", "Unigram"], "merges": [["a  b"], ["a zz"]],
        }  # fmt: skip
        files = {
            f"{key} {value!r}": small(**{f"model_{key}": value}) for key, values in refused.items() for value in values
        }
        self.assertEqual(list(self.compare(files)), list(files))

    def test_characters_without_a_token(self) -> None:
        files = {}
        for fuse in (True, False):
            for fallback in (True, False):
                for unknown in (None, "<unk>", "[UNK]"):
                    for some in ({}, {"<0xE2>": 900, "<0xC3>": 901, "<0xA4>": 902}):
                        file = small(model_fuse_unk=fuse, model_byte_fallback=fallback, model_unk_token=unknown)
                        vocabulary = file["model"]["vocab"].items()
                        kept = {token: number for token, number in vocabulary if not token.startswith("<0x")}
                        file["model"]["vocab"] = {**kept, **some}
                        files[f"{fuse} {fallback} {unknown} {len(some)}"] = file
        self.assert_read_alike(files)

    def test_ids_of_the_vocabulary(self) -> None:
        text = json.dumps(small())
        gap = small()
        gap["model"]["vocab"]["zz"] = 5000
        self.assert_read_alike({"doubled key": text.replace('"a": 260', '"a": 260, "a": 999'), "gap": gap})
        twice = small()
        twice["model"]["vocab"]["zz"] = 260
        refused = self.compare({"two tokens of one id": twice})
        self.assertIn('model.vocab.zz is the id of "a", too (260)', refused["two tokens of one id"])

    def test_the_whole_file(self) -> None:
        """Truncation and padding are not done, as transformers does them only when it is asked to."""
        right = {"direction": "Right"}
        fill = {"pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>"}
        truncation = {**right, "max_length": 2, "strategy": "LongestFirst", "stride": 0}
        without = byte_level()
        del without["version"]
        self.assert_read_alike(
            {
                "truncation": byte_level(truncation=truncation),
                "padding": byte_level(padding={**right, "strategy": {"Fixed": 8}, **fill}),
                "without version": without,
            }
        )
        self.assertEqual(list(self.compare({"version 2.0": byte_level(version="2.0")})), ["version 2.0"])


if __name__ == "__main__":
    AgainstTheLibrary.program = Path(sys.argv.pop(1))
    unittest.main()
