"""End to end: which tokens are measured (`--tokens`), and a model drawn from a seed (`--weights random`)."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import unittest
from pathlib import Path

import h5py
import numpy as np
from orrery_program import ProgramTest, run, shared_data
from philox import Purpose, Random, philox
from safetensors_file import read_header, read_tensors, write_tensors
from trace_file import attributes, datasets, differences

LLAMAS = ("llama-mha", "llama-gqa", "llama31", "llama-bf16", "llama-sharded", "llama-bias")
IN_DOUBLE = ("--dtype", "float64", "--residual", "float64")
BAD_INPUT = 65


def tiny(name: str) -> Path:
    return shared_data(f"models/{name}")


def position_of(seed: int, line: int, length: int) -> int:
    """The place that `--tokens random` measures in a sample of `length` tokens, BOS counted."""
    if length <= 8:
        return length - 1
    return 8 + Random(seed, Purpose.token_position, line).below(length - 8)


def drawn(seed: int, name: str, shape: list[int], spread: float) -> np.ndarray:
    """A weight of an untrained model."""
    if len(shape) == 1:
        return np.zeros(shape) if name.endswith(".bias") else np.ones(shape)
    key = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    blocks = np.arange((np.prod(shape) + 1) // 2, dtype=np.uint64)
    of_all = np.zeros_like(blocks)
    words = philox((blocks, of_all + int(Purpose.weight), of_all + key, of_all), (seed & (2**32 - 1), seed >> 32))
    u, v = (((high >> 5) * 2**26 + (low >> 6)) / 2**53 for high, low in (words[:2], words[2:]))
    radius, angle = np.sqrt(-2 * np.log(1 - u)), 2 * np.pi * v
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
    return spread * normal[: np.prod(shape)].reshape(shape)


class Generator(unittest.TestCase):
    def test_known_answers(self) -> None:
        """Random123's, for the generator that the other tests rest on."""
        zeros = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
        self.assertEqual(philox((0, 0, 0, 0), (0, 0)), zeros)
        ones = (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
        self.assertEqual(philox((2**32 - 1,) * 4, (2**32 - 1,) * 2), ones)
        many = philox(tuple(np.array([0, 2**32 - 1], dtype=np.uint64) for _ in range(4)), (0, 0))
        self.assertEqual(tuple(int(word[0]) for word in many), zeros)


class RandomTokens(ProgramTest):
    """One token a sample, at a place that seed and line choose."""

    def setUp(self) -> None:
        super().setUp()
        self.prompts = json.loads((tiny("llama31") / "prompts.json").read_text(encoding="utf-8"))[1:]
        self.corpus = self.folder / "corpus.txt"

    def write_corpus(self, model: str, copies: int) -> list[int]:
        """The prompts of a model several times over, blank lines between; the prompt of each sample."""
        lines = (tiny(model) / "corpus.txt").read_text(encoding="utf-8").splitlines()
        self.corpus.write_text("\n\n".join(lines * copies) + "\n", encoding="utf-8")
        return list(range(1, len(lines) + 1)) * copies

    def trace_random(self, model: str, *words: str, out: str = "run.h5", ranks: int = 0) -> Path:
        return self.trace(
            tiny(model), self.corpus, "--min-chars", "0", "--tokens", "random", *words, out=out, ranks=ranks
        )

    def test_rows_are_the_reference_at_the_place_drawn(self) -> None:
        for seed, model in enumerate(LLAMAS):
            seed += 2**33 * (seed % 2)
            with self.subTest(model=model):
                prompts = self.write_corpus(model, 6)
                found = datasets(self.trace_random(model, *IN_DOUBLE, "--seed", str(seed), out=f"{model}.h5"))
                expected = read_tensors(tiny(model) / "expected.safetensors")
                lengths = [len(expected[f"ids.{prompt}"]) for prompt in prompts]
                positions = [position_of(seed, 2 * n, length) for n, length in enumerate(lengths)]
                self.assertEqual(found["samples/row"].tolist(), [2 * n for n in range(len(prompts))])
                self.assertEqual(found["samples/position"].tolist(), positions)
                self.assertEqual(found["samples/length"].tolist(), lengths)
                ids = np.concatenate([expected[f"ids.{prompt}"] for prompt in prompts])
                self.assertEqual(found["samples/token"].tolist(), ids.tolist(), "samples stand there whole")
                golden = np.stack([expected[f"residual.{p}"][s] for p, s in zip(prompts, positions, strict=True)])
                rows = found["residual/last_token"]
                distance = np.linalg.norm(rows - golden, axis=2) / np.linalg.norm(golden, axis=2)
                self.assertLess(distance.max(), 1e-10)
                self.assertGreater(len(set(positions)), 8, "places differ")
                self.assertTrue(all(p >= 8 for p, t in zip(positions, lengths, strict=True) if t > 8))

    def test_same_bits(self) -> None:
        self.write_corpus("llama31", 8)
        alone = self.trace_random("llama31", "--threads", "1", "--seed", "3")
        for ranks, words in ((2, ["--threads", "2"]), (3, ["--threads", "1", "--order", "layers"])):
            with self.subTest(ranks=ranks):
                other = self.trace_random("llama31", "--seed", "3", *words, out=f"{ranks}.h5", ranks=ranks)
                self.assertEqual(differences(alone, other), [])
        other_seed = self.trace_random("llama31", "--seed", "4", out="seed.h5")
        self.assertIn("dataset samples/position differs", differences(alone, other_seed))

    def test_less_runs(self) -> None:
        """What stands behind the measured token costs nothing."""
        self.write_corpus("llama31", 8)
        words = ("plan", "trace", "--model", tiny("llama31"), "--corpus", self.corpus, "--min-chars", "0")

        def tokens_and_rows(tokens: str) -> tuple[int, int]:
            text = self.assert_done(run(*words, "--tokens", tokens)).output
            numbers = re.search(r"(?m)^samples +32 of (\d+) tokens .*, (\d+) rows$", text)
            return int(numbers[1]), int(numbers[2])

        lengths = [len(prompt["ids"]) for prompt in self.prompts] * 8
        places = [position_of(0, 2 * n, length) for n, length in enumerate(lengths)]
        self.assertEqual(tokens_and_rows("last"), (sum(lengths), 32))
        self.assertEqual(tokens_and_rows("random"), (sum(places) + 32, 32))
        self.assertEqual(tokens_and_rows("all"), (sum(lengths), sum(lengths) - 32))

    def test_nothing_to_measure(self) -> None:
        """Samples of BOS alone have no row with `--tokens all`."""
        folder = self.folder / "wordless"
        shutil.copytree(tiny("llama31"), folder)
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        # Without a token for it, a character vanishes.
        tokenizer["pre_tokenizer"] = None
        tokenizer["normalizer"] = None
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
        self.corpus.write_text("\u0416\u0416\n\u0416\n", encoding="utf-8")
        words = ("--model", folder, "--corpus", self.corpus, "--min-chars", "0")
        for tokens in ("last", "random"):
            self.assert_done(run("plan", "trace", *words, "--tokens", tokens))
        self.assert_fails(run("plan", "trace", *words, "--tokens", "all"), BAD_INPUT, "no sample", "2 samples")
        out = self.folder / "run.h5"
        self.assert_fails(run("trace", *words, "--tokens", "all", "--out", out, ranks=2), BAD_INPUT, "no sample")
        self.assert_nothing_at(out)
        self.corpus.write_text("\u0416\u0416\na\n", encoding="utf-8")
        plan = self.assert_done(run("plan", "trace", *words, "--tokens", "all")).output
        self.assertRegex(plan, r"(?m)^samples +2 of 3 tokens .*, 1 rows$")


class KeptOrStreamed(ProgramTest):
    """`--moments auto` keeps up to 2^30 numbers."""

    def setUp(self) -> None:
        super().setUp()
        self.model = self.folder / "deep"
        self.model.mkdir()
        config = json.loads((tiny("llama31") / "config.json").read_text(encoding="utf-8"))
        config |= {"num_hidden_layers": 4096, "hidden_size": 4096, "intermediate_size": 2, "num_attention_heads": 1,
                   "num_key_value_heads": 1, "head_dim": 2}  # fmt: skip
        (self.model / "config.json").write_text(json.dumps(config), encoding="utf-8")
        shutil.copy(tiny("llama31") / "tokenizer.json", self.model)
        self.corpus = self.folder / "corpus.txt"
        self.corpus.write_text("a word\n" * 32, encoding="utf-8")

    def moments(self, *words: str) -> str:
        model = ("--model", self.model, "--corpus", self.corpus, "--min-chars", "0", "--weights", "random")
        text = run("plan", "trace", *model, *words).output  # more than this machine may have: the exit code is not 0
        return re.search(r"(?m)^moments +(\w+):", text)[1]

    def test_auto(self) -> None:
        self.assertLessEqual(31 * 8193 * 4096, 2**30)
        self.assertGreater(32 * 8193 * 4096, 2**30)
        for ranks in ("1", "64"):
            self.assertEqual(self.moments("--samples", "31", "--ranks", ranks), "rows")
            self.assertEqual(self.moments("--samples", "32", "--ranks", ranks), "streaming")

    def test_as_asked(self) -> None:
        self.assertEqual(self.moments("--samples", "32", "--moments", "rows"), "rows")
        self.assertEqual(self.moments("--samples", "2", "--moments", "streaming"), "streaming")
        self.assertEqual(self.moments("--samples", "2", "--tokens", "all"), "streaming")


class Untrained(ProgramTest):
    """`--weights random`: config.json and a tokenizer are all that is needed."""

    def bare(self, model: str, **changes: object) -> Path:
        """A model's folder without weights."""
        folder = self.folder / f"{model}-bare"
        folder.mkdir(exist_ok=True)
        config = json.loads((tiny(model) / "config.json").read_text(encoding="utf-8")) | changes
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        shutil.copy(tiny(model) / "tokenizer.json", folder)
        return folder

    def untrained(self, folder: Path, *words: str, out: str = "run.h5", ranks: int = 0) -> Path:
        corpus = tiny("llama31") / "corpus.txt"
        return self.trace(folder, corpus, "--min-chars", "0", "--weights", "random", *words, out=out, ranks=ranks)

    def rows(self, path: Path) -> np.ndarray:
        with h5py.File(path) as file:
            return file["residual/last_token"][()]

    def test_every_weight_is_as_drawn_again(self) -> None:
        """A checkpoint of the same numbers, drawn in Python, gives the same rows."""
        for model, seed in (("llama-bias", 11), ("llama31", 2**35 + 1), ("llama-gqa", 0)):
            with self.subTest(model=model):
                folder = self.bare(model, initializer_range=0.3)
                shards = tiny(model).glob("*.safetensors")
                header = next(read_header(path)[0] for path in shards if path.name == "model.safetensors")
                spread = 0.3
                weights = {
                    name: drawn(seed, name, entry["shape"], spread)
                    for name, entry in header.items()
                    if entry["dtype"] in {"F32", "BF16", "F16", "F64"}
                }
                words = (*IN_DOUBLE, "--seed", str(seed))
                found = self.rows(self.untrained(folder, *words, out=f"{model}.h5"))
                write_tensors(folder / "model.safetensors", weights)
                corpus = tiny("llama31") / "corpus.txt"
                other = self.trace(folder, corpus, "--min-chars", "0", *words, out=f"{model}-file.h5")
                expected = self.rows(other)
                distance = np.linalg.norm(found - expected, axis=2) / np.linalg.norm(expected, axis=2)
                self.assertLess(distance.max(), 1e-12)

    def test_same_bits(self) -> None:
        folder = self.bare("llama-bias")
        alone = self.untrained(folder, "--threads", "1")
        for ranks, words in ((2, []), (3, ["--order", "layers"]), (4, ["--threads", "2"])):
            with self.subTest(ranks=ranks):
                other = self.untrained(folder, *words, out=f"{ranks}.h5", ranks=ranks)
                self.assertEqual(differences(alone, other), [])
        other = self.untrained(folder, "--seed", "1", out="seed.h5")
        self.assertIn("dataset residual/last_token differs", differences(alone, other))

    def test_formats_differ_by_rounding(self) -> None:
        folder = self.bare("llama31")
        double = self.rows(self.untrained(folder, *IN_DOUBLE, out="double.h5"))
        single = self.rows(self.untrained(folder, out="single.h5"))
        distance = np.linalg.norm(single - double, axis=2) / np.linalg.norm(double, axis=2)
        self.assertLess(distance.max(), 1e-5)
        self.assertGreater(distance.max(), 1e-9)

    def test_provenance(self) -> None:
        folder = self.bare("llama31")
        path = self.untrained(folder)
        line = f"{hashlib.sha256((folder / 'config.json').read_bytes()).hexdigest()}  config.json\n"
        self.assertEqual(attributes(path)[("/", "model_sha256")], hashlib.sha256(line.encode()).hexdigest())
        # Weights that lie there are not read.
        (folder / "model.safetensors").write_bytes(b"of no use")
        again = self.untrained(folder, out="again.h5")
        self.assertEqual(differences(path, again), [])

    def test_errors(self) -> None:
        folder = self.bare("llama31")
        words = ("trace", "--model", folder, "--corpus", tiny("llama31") / "corpus.txt", "--min-chars", "0")
        words += ("--out", self.folder / "run.h5")
        self.assert_fails(run(*words), BAD_INPUT, "model.safetensors")
        for wrong in (0, -0.02):
            self.bare("llama31", initializer_range=wrong)
            for ranks in (0, 2):
                with self.subTest(wrong=wrong, ranks=ranks):
                    outcome = run(*words, "--weights", "random", ranks=ranks)
                    self.assert_fails(outcome, BAD_INPUT, "initializer_range", str(wrong))
        self.bare("llama31", initializer_range="wide")
        self.assert_fails(run(*words, "--weights", "random"), BAD_INPUT, "initializer_range", "wide")
        self.assert_nothing_at(self.folder / "run.h5")


if __name__ == "__main__":
    unittest.main()
