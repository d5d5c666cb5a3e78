"""tokenizer.json as the library tokenizers reads it: the faults that users met, and each component and field of the
format: the library's ids, a warning or an error, never other ids without a word."""

from __future__ import annotations

import json
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
from field_faults import PLAIN, copy_of, fault
from library_tokenizers import Answer, Json, added, byte_level, of_library, of_orrery, random_texts, small
from orrery_program import Outcome, ProgramTest, run, shared_data

ENCODE_TEXTS = Path(sys.argv.pop(1) if len(sys.argv) > 1 else "")
TEXTS = random_texts(seed=16, count=400)
FIRST_FREE = 279  #: the id behind the vocabulary of small()

METASPACE = {"type": "Metaspace", "replacement": "\u2581"}
#: What transformers 4 wrote for Llama 2.
LEGACY = {
    "type": "Sequence",
    "normalizers": [
        {"type": "Prepend", "prepend": "\u2581"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
    ],
}
ADDED = [
    added("BAR", FIRST_FREE),
    added("FOO", FIRST_FREE + 1, normalized=True),
    added("<|BAR|>", FIRST_FREE + 2, special=True),
]


#: Bytes for visible characters, and no cuts.
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def sequence(key: str, *steps: Json) -> Json:
    return {"type": "Sequence", key: list(steps)}


class AgainstTheLibrary(unittest.TestCase):
    """Compares what orrery makes of texts with what the library makes of them."""

    def compare(self, files: dict[str, Json | str], texts: list[str] = TEXTS) -> dict[str, str]:
        """The files that orrery refuses, each with its message. What it reads has the library's ids: an error of the one
        for a text is one of the other."""
        refused = {}
        for name, ours in zip(files, of_orrery(ENCODE_TEXTS, list(files.values()), texts), strict=True):
            with self.subTest(name):
                if isinstance(ours, str):
                    self.assertRegex(ours, r"^tokenizer.json.* \(.+\): .+")
                    refused[name] = ours
                    continue
                librarys = of_library(files[name], texts)
                self.assertNotIsInstance(librarys, str, "the library refuses it")
                for text, answer, expected in zip(texts, ours, librarys, strict=True):
                    self.assert_alike(answer, expected, text)
        return refused

    def assert_alike(self, answer: Answer, expected: Answer, text: str) -> None:
        if isinstance(answer, str) and isinstance(expected, str):
            return
        self.assertEqual(answer, expected, f"ids of {text!r}, ours and the library's")

    def assert_read_alike(self, files: dict[str, Json | str], texts: list[str] = TEXTS) -> None:
        self.assertEqual(self.compare(files, texts), {})


class Metaspace(AgainstTheLibrary):
    def test_every_scheme_with_and_without_splits(self) -> None:
        files = {
            f"{scheme}, split {split}, {len(more)} added": small(
                pre_tokenizer={**METASPACE, "prepend_scheme": scheme, "split": split}, more_tokens=more
            )
            for scheme in ("always", "first", "never")
            for split in (True, False)
            for more in ([], ADDED)
        }
        self.assert_read_alike(files)

    def test_what_older_files_say_and_what_is_left_out(self) -> None:
        self.assert_read_alike(
            {
                "nothing": small(pre_tokenizer=METASPACE),
                "add_prefix_space": small(pre_tokenizer={**METASPACE, "add_prefix_space": True}),
                "both": small(pre_tokenizer={**METASPACE, "add_prefix_space": True, "prepend_scheme": "never"}),
                "both false": small(pre_tokenizer={**METASPACE, "add_prefix_space": False, "prepend_scheme": "never"}),
                "legacy": small(normalizer=LEGACY, more_tokens=ADDED),
                "legacy, and Metaspace": small(
                    normalizer=LEGACY, pre_tokenizer={**METASPACE, "prepend_scheme": "first"}, more_tokens=ADDED[::2]
                ),
            }
        )
        # The library has refused this for some years; before, it was "never".
        old, never = of_orrery(
            ENCODE_TEXTS,
            [
                small(pre_tokenizer={**METASPACE, "add_prefix_space": False}),
                small(pre_tokenizer={**METASPACE, "prepend_scheme": "never"}),
            ],
            TEXTS,
        )
        self.assertEqual(old, never)
        self.assertIsInstance(old, list)

    def test_other_replacements(self) -> None:
        self.assert_read_alike(
            {character: small(pre_tokenizer={**METASPACE, "replacement": character}) for character in "_a \u00e4"}
        )

    def test_among_other_steps(self) -> None:
        first = {**METASPACE, "prepend_scheme": "first"}
        digits = {"type": "Digits", "individual_digits": True}
        replace = {"type": "Replace", "pattern": {"String": "ab"}, "content": "b"}
        refused = self.compare(
            {
                "alone": small(pre_tokenizer=sequence("pretokenizers", first)),
                "first of two": small(pre_tokenizer=sequence("pretokenizers", first, digits)),
                "last of two": small(pre_tokenizer=sequence("pretokenizers", digits, METASPACE)),
                "first, last of two": small(pre_tokenizer=sequence("pretokenizers", digits, first)),
                "first, shortened": small(normalizer=replace, pre_tokenizer=first),
                "first, added normalized": small(
                    normalizer=LEGACY, pre_tokenizer=first, more_tokens=[added("FOO", FIRST_FREE, normalized=True)]
                ),
                "contradiction": small(pre_tokenizer={**first, "add_prefix_space": False}),
                "two characters": small(pre_tokenizer={**METASPACE, "replacement": "ab"}),
                "no such scheme": small(pre_tokenizer={**METASPACE, "prepend_scheme": "last"}),
            }
        )
        expected = ["first, last of two", "first, shortened", "first, added normalized"]
        self.assertEqual(list(refused), [*expected, "contradiction", "two characters", "no such scheme"])

    def test_what_transformers_writes_for_llama_2(self) -> None:
        from transformers import LlamaTokenizer

        model = small()["model"]
        for options in ({}, {"add_prefix_space": False}, {"legacy": True}):
            with self.subTest(options), tempfile.TemporaryDirectory(prefix="orrery-test-") as scratch:
                merges = [tuple(merge.split(" ")) for merge in model["merges"]]
                tokenizer = LlamaTokenizer(vocab=model["vocab"], merges=merges, **options)
                tokenizer.add_tokens(["BAR", "FOO"])
                tokenizer.save_pretrained(scratch)
                file = (Path(scratch) / "tokenizer.json").read_text(encoding="utf-8")
                self.assertIn("Metaspace", file)
                self.assert_read_alike({"saved": file})


class AddedTokens(AgainstTheLibrary):
    def test_special_ones_hide_what_is_in_them(self) -> None:
        number = FIRST_FREE
        self.assert_read_alike(
            {
                name: small(more_tokens=more, normalizer=normalizer)
                for name, more, normalizer in (
                    ("inside", [added("BAR", number), added("<|BAR|>", number + 1, special=True)], None),
                    ("across", [added("AR|", number), added("<|BA", number + 1, special=True)], None),
                    ("longest", [added("<|BAR|>", number), added("<|BAR", number + 1, special=True)], None),
                    ("other pass", [added("BAR", number, normalized=True), *ADDED[2:]], None),
                    (
                        "normalized",
                        [added("BAR", number, normalized=True), added("BARa", number + 1, special=True, normalized=True)],
                        LEGACY,
                    ),
                    ("joined", [added("a", 261, special=True)], None),
                )
            }
        )

    def test_white_space_beside_them(self) -> None:
        flags = [(before, behind, normalized) for before in (0, 1) for behind in (0, 1) for normalized in (0, 1)]
        self.assert_read_alike(
            {
                f"{flags}": small(
                    more_tokens=[
                        added("BAR", FIRST_FREE, lstrip=bool(before), rstrip=bool(behind), normalized=bool(normalized)),
                        added("FOO", FIRST_FREE + 1, lstrip=bool(behind), rstrip=True),
                        added("  ", FIRST_FREE + 2, rstrip=bool(before), lstrip=bool(behind)),
                    ]
                )
                for before, behind, normalized in flags
            }
        )

    def test_normalized_ones(self) -> None:
        more = [added("BAR", FIRST_FREE, normalized=True), added(" FOO", FIRST_FREE + 1, normalized=True)]
        self.assert_read_alike({"legacy": small(normalizer=LEGACY, more_tokens=more), "none": small(more_tokens=more)})

    def test_listed_twice_or_with_the_id_of_another(self) -> None:
        refused = self.compare(
            {
                "alike": small(more_tokens=[added("BAR", FIRST_FREE), added("BAR", FIRST_FREE + 5)]),
                "empty": small(more_tokens=[added("", FIRST_FREE + 7), added("BAR", FIRST_FREE)]),
                "not alike": small(more_tokens=[added("BAR", FIRST_FREE), added("BAR", FIRST_FREE, lstrip=True)]),
                "one id": small(more_tokens=[added("BAR", FIRST_FREE), added("FOO", FIRST_FREE)]),
                "id in the vocabulary": small(more_tokens=[added("BAR", 270)]),
                "another id in the vocabulary": small(more_tokens=[added("ab", FIRST_FREE)]),
                "single_word": small(more_tokens=[added("BAR", FIRST_FREE, single_word=True)]),
                "single_word, special": small(more_tokens=[added("BAR", FIRST_FREE, single_word=True, special=True)]),
            }
        )
        expected = ["not alike", "one id", "id in the vocabulary", "another id in the vocabulary", "single_word"]
        self.assertEqual(list(refused), expected)


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


class Faults(ProgramTest):
    """What users met."""

    def ids(self, name: str, model: Path | None = None) -> tuple[list[list[int]], Outcome]:
        """The ids of a fault's corpus, by its own model if none is given."""
        folder = fault(name)
        out = self.folder / "run.h5"
        corpus = folder / "corpus.txt"
        words = ("--weights", "random", "--model", model or folder / "model", "--corpus", corpus, *PLAIN, "--out", out)
        outcome = self.assert_done(run("trace", *words))
        with h5py.File(out) as file:
            offsets, tokens = (file["samples"][key][:].tolist() for key in ("token_offset", "token"))
        return [tokens[begin:end] for begin, end in zip(offsets, offsets[1:])], outcome

    def librarys(self, name: str, **changes: object) -> list[list[int]]:
        file = json.loads((fault(name) / "model" / "tokenizer.json").read_text(encoding="utf-8"))
        rows = (fault(name) / "corpus.txt").read_text(encoding="utf-8").splitlines()
        return of_library({**file, **changes}, rows)

    def test_tokenizer_metaspace(self) -> None:
        ids, _ = self.ids("tokenizer-metaspace")
        self.assertEqual(ids, [[1, 6, 5, 6], [1, 3, 5]])
        self.assertEqual(ids, self.librarys("tokenizer-metaspace"))

    def test_tokenizer_digits_of_unicode_15(self) -> None:
        model = copy_of(fault("tokenizer-digits-of-unicode-15") / "model", self.folder / "model")
        (model / "tokenizer.model").symlink_to(shared_data("llama3/tokenizer.model"))
        ids, _ = self.ids("tokenizer-digits-of-unicode-15", model)
        # A group of three digits, the first of which is of Unicode 15, and the one that is left.
        self.assertEqual(ids[0][-2:], [717, 18])

    def test_tokenizer_unknown_among_added(self) -> None:
        ids, _ = self.ids("tokenizer-unknown-among-added")
        self.assertEqual(ids, self.librarys("tokenizer-unknown-among-added"))

    def test_tokenizer_added_inside_special(self) -> None:
        ids, _ = self.ids("tokenizer-added-inside-special")
        self.assertNotIn(301, ids[0])
        self.assertEqual(ids, self.librarys("tokenizer-added-inside-special"))

    def test_tokenizer_added_id_with_a_gap(self) -> None:
        ids, outcome = self.ids("tokenizer-added-id-with-a-gap")
        self.assertIn(390, ids[0])
        self.assertEqual(
            [[300 if number == 390 else number for number in ids[0]]], self.librarys("tokenizer-added-id-with-a-gap")
        )
        self.assertRegex(outcome.errors, 'warning: tokenizer.json: .*"BAR" has id 390.*300')

    def test_what_is_not_applied_is_said(self) -> None:
        model = copy_of(fault("tokenizer-metaspace") / "model", self.folder / "model")
        file = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
        file["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
        # It has no row of the embedding, and no template puts it anywhere.
        file["added_tokens"].append(added("<pad>", 7, special=True))
        (model / "tokenizer.json").write_text(json.dumps(file), encoding="utf-8")
        ids, outcome = self.ids("tokenizer-metaspace", model)
        self.assertEqual(ids, [[1, 6, 5, 6], [1, 3, 5]])
        self.assertRegex(outcome.errors, "warning: tokenizer.json: truncation is not applied")


if __name__ == "__main__":
    unittest.main()
