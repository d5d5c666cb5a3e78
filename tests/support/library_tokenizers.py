"""tokenizer.json files to order, and what of them orrery and the library tokenizers make of the same texts."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

Json = dict[str, Any]
#: Ids of a text, or why there are none.
Answer = list[int] | str

#: What tokenizers tell apart: spaces of several kinds, letters and digits of several scripts, marks, controls.
PARTS = (
    *" \u2581abAB012.,'-_<>|\n\t\r\x00\x1c\x85\xa0\u1680\u180e\u2003\u200b\u2028\u3000\ufeff",
    *("  ", "   ", "\u2581\u2581", "ab", "BAR", "<|BAR|>", "<s>", "</s>", "[UNK]", "FOO", "'s", "'\u017f", "'LL", "\r\n"),
    *("\u00e4", "e\u0301", "\u00df", "\u0130", "\u0345", "\u0660\u0661", "\u00bd", "\u2167", "\u6771\u4eac", "\uac00"),
    *("\U0001e4f0", "\U00011f51", "\U00010d41", "\U00031350", "\U0001f600", "\U0001f468\u200d\U0001f469", "\U000e0001"),
)


def random_texts(seed: int, count: int, longest: int = 12) -> list[str]:
    """Difficult texts first, then random ones of the parts above."""
    chance = random.Random(seed)
    fixed = ["", " ", "  ", "a", " a", "  a", "a ", "\u2581", "\u2581a", " \u2581a", "ab a", "a  b", "BAR", " BAR", "BAR a", "a BAR b"]
    return fixed + ["".join(chance.choices(PARTS, k=chance.randint(1, longest))) for _ in range(count)]


def added(content: str, number: int, **flags: bool) -> Json:
    """An entry of added_tokens."""
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return {"id": number, "content": content, **dict.fromkeys(names, False), **flags}


def byte_characters() -> list[str]:
    """GPT-2's visible character of each byte."""
    shown = {byte: chr(byte) for byte in (*range(33, 127), *range(161, 173), *range(174, 256))}
    others = iter(range(256, 512))
    return [shown.get(byte) or chr(next(others)) for byte in range(256)]


def small(**changes: Any) -> Json:
    """A tokenizer.json of a few characters with "\u2581" for spaces, changed at the top or, as `model_KEY`, in its model."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += [*"\u2581abABR<>|0123.", "\u2581a", "ab", "\u2581ab", "\u2581\u2581", "BA", "12"]
    merges = ["\u2581 a", "a b", "\u2581 ab", "\u2581a b", "\u2581 \u2581", "B A", "1 2"]
    return _changed(_file(tokens, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True), changes)


def byte_level(**changes: Any) -> Json:
    """The same of a byte-level one."""
    space = byte_characters()[32]
    tokens = ["<unk>", "<s>", "</s>", *byte_characters(), "ab", f"{space}a", f"{space}ab", space * 2, "12", "123"]
    merges = ["a b", f"{space} a", f"{space} ab", f"{space} {space}", "1 2", "12 3"]
    file = _file(tokens, merges)
    file["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return _changed(file, changes)


def _file(tokens: list[str], merges: list[str], **model: Any) -> Json:
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(content, number, special=True) for number, content in enumerate(tokens[:3])],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)}, "merges": merges, **model,
        },
    }  # fmt: skip


def _changed(file: Json, changes: Json) -> Json:
    file = copy.deepcopy(file)
    for key, value in changes.items():
        if key.startswith("model_"):
            file["model"][key.removeprefix("model_")] = value
        elif key == "more_tokens":
            file["added_tokens"] += value
        else:
            file[key] = value
    return file


def of_library(file: Json | str, texts: list[str]) -> list[Answer] | str:
    """What the library makes of them when special tokens are not read from a text and nothing is cut or padded."""
    try:
        tokenizer = Tokenizer.from_str(file if isinstance(file, str) else json.dumps(file))
    except Exception as error:  # the library raises bare ones
        return str(error)
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    answers: list[Answer] = []
    for text in texts:
        try:
            answers.append(tokenizer.encode(text).ids)
        except BaseException as error:  # it may panic, which is no Exception
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            answers.append(str(error))
    return answers


def of_orrery(program: Path, files: list[Json | str], texts: list[str]) -> list[list[Answer] | str]:
    """What orrery makes of them, file by file; `program` is encode_texts."""
    with tempfile.TemporaryDirectory(prefix="orrery-test-") as scratch:
        questions = []
        for number, file in enumerate(files):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            text = file if isinstance(file, str) else json.dumps(file)
            (folder / "tokenizer.json").write_text(text, encoding="utf-8")
            questions.append(json.dumps([str(folder), texts]))
        done = subprocess.run([program], input="\n".join(questions), capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(files):
        raise AssertionError(f"{len(answers)} answers to {len(files)} questions: {done.stderr}")
    return answers


def sequence(key: str, *steps: Json) -> Json:
    """A component of several steps, which lie under `key`."""
    return {"type": "Sequence", key: list(steps)}


#: The texts of most comparisons.
TEXTS = random_texts(seed=16, count=400)


class AgainstTheLibrary(unittest.TestCase):
    """Compares what orrery makes of texts with what the library makes of them."""

    program: Path  #: encode_texts

    def compare(self, files: dict[str, Json | str], texts: list[str] = TEXTS) -> dict[str, str]:
        """The files that orrery refuses, each with its message. What it reads has the library's ids: an error of the one
        for a text is one of the other."""
        refused = {}
        for name, ours in zip(files, of_orrery(self.program, list(files.values()), texts), strict=True):
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
