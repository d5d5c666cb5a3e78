"""tokenizer.json as the library tokenizers reads it: the faults that users met, and their neighbours."""

from __future__ import annotations

import json
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
from field_faults import PLAIN, copy_of, fault
from library_tokenizers import TEXTS, AgainstTheLibrary, added, of_library, of_orrery, sequence, small
from orrery_program import Outcome, ProgramTest, run, shared_data

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
            self.program,
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
    AgainstTheLibrary.program = Path(sys.argv.pop(1))
    unittest.main()
