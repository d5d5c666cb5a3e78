"""End to end: every dataset of a trace file that keeps its rows is what the slow reference makes of those rows."""

from __future__ import annotations

import hashlib
import json
import shutil
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
from orrery_program import ProgramTest
from philox import Purpose, Random
from reference.files import SPECTRA, complaints, dataset_complaint, read_trace
from reference.headline import headline, headline_errors, headline_of_file
from reference.spectra import spectra_complaints
from reference.table import expected_numbers
from tiny_models import IN_DOUBLE, golden_streams, tiny, write_corpus
from trace_file import attributes, datasets

LAYERS = 6  # enough points for local turns
UNITS = 64
#: What a number is off by where no wrong one may pass, but for a millionth. The map from point 0, whose few distinct
#: rows barely span their scores, multiplies what the components in the file lost as float32.
LITTLE = {"geometry/flow_eigenvalue": 1e-4}


class Statistics(ProgramTest):
    """What all classes here have in common."""

    def kept(
        self, model: Path, corpus: Path, *words: str | Path, ranks: int = 0, out: str = "run.h5", draws: int = 60
    ) -> Path:
        fixed = ("--min-chars", "0", "--permutations", str(draws), "--moments", "rows")
        return self.trace(model, corpus, *fixed, *words, ranks=ranks, out=out, timeout=120)

    def rows(self, count: int) -> Path:
        return write_corpus(self.folder / f"{count}.txt", count)

    def check(self, path: Path) -> None:
        trace = read_trace(path)
        for wrong in complaints(trace):
            with self.subTest(wrong):
                self.fail(wrong)
        points = trace.x.shape[1]
        self.assertEqual(trace.found["points/layer"].tolist(), [s // 2 for s in range(points)])
        kinds = [b"pre_attention" if s % 2 == 0 else b"pre_mlp" for s in range(points - 1)] + [b"final"]
        self.assertEqual(trace.found["points/kind"].tolist(), kinds)
        self.assertEqual(trace.found["share"].tolist(), [50, 80, 90, 95, 99])


class EveryDataset(Statistics):
    def test_fewer_rows_than_units(self) -> None:
        path = self.kept(tiny("llama31"), self.rows(40), "--components", "12")
        self.check(path)
        found = datasets(path)
        self.assertEqual(found["pca/eigenvalue"].shape, (9, 39))
        self.assertEqual(found["pca/component"].shape, (9, 12, 64))
        self.assertEqual(found["pooled/component"].shape, (12, 64))
        self.assertEqual(found["geometry/flow_eigenvalue"].shape, (8, 12, 2))

    def test_more_rows_than_units(self) -> None:
        path = self.kept(tiny("llama31"), self.rows(150), ranks=2)
        self.check(path)
        found = datasets(path)
        self.assertEqual(found["pca/eigenvalue"].shape, (9, 64))
        self.assertEqual(found["pooled/score"].shape, (150, 9, 64))

    def test_rows_in_double_on_three_ranks(self) -> None:
        path = self.kept(tiny("llama-sharded"), self.rows(90), *IN_DOUBLE, ranks=3)
        self.assertEqual(datasets(path)["residual/last_token"].dtype, np.float64)
        self.check(path)

    def test_another_seed_and_number_of_draws(self) -> None:
        found = []
        for out, seed, draws in (("a.h5", "0", 60), ("b.h5", "12345678901", 25)):
            path = self.kept(tiny("llama-gqa"), self.rows(40), "--seed", seed, out=out, draws=draws)
            self.check(path)
            found.append(datasets(path))
        for name in ("rotation/null_mean", "rotation/p_more_sign", "control/sample_permuted/correlation",
                     "control/random_basis/turns"):  # fmt: skip
            self.assertFalse(np.array_equal(found[0][name], found[1][name]), name)
        np.testing.assert_array_equal(found[0]["rotation/turns"], found[1]["rotation/turns"])

    def test_one_sample(self) -> None:
        folder = tiny("llama31")
        path = self.kept(folder, folder / "corpus.txt", "--samples", "1", ranks=2)
        self.check(path)
        found = datasets(path)
        for name in ("trajectory/variance", "continuity/correlation", "continuity/mutual_information",
                     "rotation/sample_turns_std", "control/random_basis/correlation"):  # fmt: skip
            self.assertTrue(np.isnan(found[name]).all(), name)
        for name in ("continuity/velocity_mean", "rotation/turns", "geometry/straightness", "pooled/eigenvalue"):
            self.assertFalse(np.isnan(found[name]).any(), name)
        left_out = attributes(path)[("/", "not_computed")]
        for name in ("/pca/eigenvalue", "/pca/component", "/geometry/principal_angle", "/rotation/local_turns"):
            self.assertNotIn(name[1:], found)
            self.assertIn(name, left_out)

    def test_two_and_three_samples(self) -> None:
        folder = tiny("llama-gqa")
        for samples, ranks in (("2", 3), ("3", 0)):
            with self.subTest(samples=samples):
                words = ("--samples", samples)
                self.check(self.kept(folder, folder / "corpus.txt", *words, ranks=ranks, out=f"{samples}.h5"))

    def test_no_wrong_number_passes(self) -> None:
        """The comparison fails on any dataset with one number that is off by little."""
        trace = read_trace(self.kept(tiny("llama31"), self.rows(40), "--components", "12", *IN_DOUBLE))
        expected = expected_numbers(trace)
        self.assertGreater(len(expected), 80)
        for name in [*expected, *SPECTRA]:
            wrong = trace.found[name].copy()
            place = np.unravel_index(int(np.nanargmax(np.abs(wrong))), wrong.shape)
            wrong[place] = wrong[place] * (1 + LITTLE.get(name, 1e-6)) if wrong.dtype.kind == "f" else wrong[place] + 1
            with self.subTest(dataset=name):
                if name in SPECTRA:
                    said = spectra_complaints(replace(trace, found={**trace.found, name: wrong}))
                    self.assertTrue(any(one.startswith(name) for one in said), said)
                else:
                    self.assertEqual(dataset_complaint(name, trace.found[name], expected[name]), "")
                    self.assertIn(name, dataset_complaint(name, wrong, expected[name]))


class Headline(Statistics):
    def test_numbers_and_errors(self) -> None:
        for rows, words in ((40, ()), (150, IN_DOUBLE)):
            path = self.kept(tiny("llama31"), self.rows(rows), *words, out=f"{rows}.h5")
            trace = read_trace(path)
            found = {name: value for (item, name), value in attributes(path).items() if item == "headline"}
            how = (trace.permutations, trace.seed)
            errors = headline_errors(trace.x, *how)
            expected = headline(trace.x, *how) | {f"{name}_se": value for name, value in errors.items()}
            self.assertEqual(found.keys(), expected.keys())
            for name, value in expected.items():
                with self.subTest(rows=rows, headline=name):
                    np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12)
            for name, value in headline_of_file(trace.found).items():
                with self.subTest(rows=rows, headline_of_datasets=name):
                    np.testing.assert_allclose(found[name], value, rtol=1e-12)


class RandomTokens(Statistics):
    """`--tokens random`: a place of each sample drawn by its line in the corpus."""

    def position(self, seed: int, line: int, length: int) -> int:
        random = Random(seed, Purpose.token_position, line)
        return 8 + random.below(length - 8) if length > 8 else length - 1

    def test_every_dataset(self) -> None:
        path = self.kept(tiny("llama31"), self.rows(40), "--tokens", "random", "--seed", "3", ranks=2)
        self.check(path)
        found = datasets(path)
        samples = zip(found["samples/row"].tolist(), found["samples/length"].tolist(), strict=True)
        expected = [self.position(3, line, length) for line, length in samples]
        self.assertEqual(found["samples/position"].tolist(), expected)
        self.assertTrue((found["samples/position"] < found["samples/length"] - 1).any())

    def test_rows_are_the_streams_at_these_places(self) -> None:
        for model in ("llama-mha", "llama31"):
            folder = tiny(model)
            words = ("--tokens", "random", "--seed", "5", *IN_DOUBLE)
            path = self.kept(folder, folder / "corpus.txt", *words, out=f"{model}.h5")
            streams = golden_streams(model)
            places = [self.position(5, line, len(stream)) for line, stream in enumerate(streams)]
            self.assertEqual(datasets(path)["samples/position"].tolist(), places)
            golden = np.stack([stream[place] for stream, place in zip(streams, places, strict=True)])
            found = datasets(path)["residual/last_token"]
            distance = np.linalg.norm(found - golden, axis=2) / np.linalg.norm(golden, axis=2)
            self.assertLess(distance.max(), 1e-10, model)


class UntrainedModel(Statistics):
    """`--weights random`: a configuration and a tokenizer are all that it needs."""

    def deep_model(self) -> Path:
        folder = self.folder / "deep"
        folder.mkdir()
        config = json.loads((tiny("llama31") / "config.json").read_text(encoding="utf-8"))
        config |= {"num_hidden_layers": LAYERS, "initializer_range": 0.05}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(tiny("llama31") / name, folder / name)
        return folder

    def test_every_dataset_of_a_deeper_model(self) -> None:
        path = self.kept(self.deep_model(), self.rows(80), "--weights", "random", "--seed", "9", *IN_DOUBLE, ranks=2)
        self.check(path)
        found = datasets(path)
        self.assertEqual(found["rotation/local_turns"].shape, (2 * LAYERS - 9,))
        for row in (0, 50):
            token = int(found["samples/token"][found["samples/token_offset"][row + 1] - 1])
            np.testing.assert_allclose(found["residual/last_token"][row, 0], self.embedding(token), rtol=1e-14)

    def embedding(self, token: int) -> list[float]:
        """A row of the matrix `model.embed_tokens.weight`: 64 normals from `64 token` on, two a block."""
        name = hashlib.sha256(b"model.embed_tokens.weight").hexdigest()
        random = Random(9, Purpose.weight, int(name[:8], 16))
        random.seek(token * UNITS // 2)
        return [0.05 * random.normal() for _ in range(UNITS)]


if __name__ == "__main__":
    unittest.main()
