"""End to end: runs that keep no rows agree with those that do, and are the same bits however they are shared out."""

from __future__ import annotations

import os
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from orrery_program import ProgramTest, memory_limit, program, run, shared_data
from reference.files import complaints, read_trace, streaming_complaints
from reference.headline import headline_of_file
from tiny_models import IN_DOUBLE, golden_streams, tiny, write_corpus
from trace_file import attributes, datasets, differences

#: What needs all rows at once.
NOT_STREAMED = {
    "residual/last_token",
    "continuity/mutual_information",
    "continuity/mutual_information_mean",
    "control/sample_permuted/sample_turns_mean",
    *(f"control/sample_permuted/{name}" for name in ("correlation", "cosine_mean", "velocity_mean")),
}
#: What has one entry a row, or goes through every row once more.
NOT_OF_EVERY_TOKEN = {
    "pooled/score",
    "geometry/straightness",
    "rotation/sample_turns_mean",
    "rotation/sample_turns_std",
    *(f"control/random_basis/{name}" for name in ("correlation", "cosine_mean", "velocity_mean", "turns")),
}
#: Rows of a golden run in double precision are within this of the reference's (README of the models).
GOLDEN = 1e-11


class Streaming(ProgramTest):
    def run_of(self, moments: str, model: Path, corpus: Path, *words: str, ranks: int = 0, out: str = "") -> Path:
        fixed = ("--min-chars", "0", "--permutations", "40", "--moments", moments)
        return self.trace(model, corpus, *fixed, *words, ranks=ranks, out=out or f"{moments}.h5", timeout=240)

    def assert_none(self, wrong: list[str]) -> None:
        for one in wrong:
            with self.subTest(one):
                self.fail(one)

    def assert_left_out(self, path: Path, names: set[str]) -> None:
        found, said = datasets(path), attributes(path)[("/", "not_computed")]
        for name in sorted(names):
            self.assertNotIn(name, found)
            group = name.rsplit("/", 1)[0]  # one line for a group of which nothing is there
            self.assertTrue(f"/{name}" in said or f"/{group}:" in said, f"{name}: {said}")

    def assert_headline(self, path: Path) -> None:
        """As the datasets have it; no standard errors, which need the rows."""
        found = {name: value for (item, name), value in attributes(path).items() if item == "headline"}
        expected = headline_of_file(datasets(path))
        self.assertEqual(found.keys(), expected.keys())
        for name, value in expected.items():
            with self.subTest(headline=name):
                np.testing.assert_allclose(found[name], value, rtol=1e-12)


class Agreement(Streaming):
    """Kept rows and streaming, of the same samples."""

    def compare(self, *words: str, rows: int, model: str = "llama31", ranks: int = 0) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", rows)
        kept = self.run_of("rows", tiny(model), corpus, *words)
        streamed = self.run_of("streaming", tiny(model), corpus, *words, ranks=ranks)
        self.assert_none(streaming_complaints(kept, streamed))
        self.assert_left_out(streamed, NOT_STREAMED)
        self.assert_headline(streamed)

    def test_fewer_rows_than_units(self) -> None:
        self.compare(rows=40, ranks=2)

    def test_more_rows_than_units(self) -> None:
        self.compare(rows=150, ranks=3)

    def test_few_components(self) -> None:
        self.compare("--components", "5", rows=90, model="llama-sharded")

    def test_in_double(self) -> None:
        self.compare(*IN_DOUBLE, rows=90, model="llama-gqa")

    def test_random_tokens(self) -> None:
        self.compare("--tokens", "random", "--seed", "2", rows=150, ranks=2)

    def test_few_samples(self) -> None:
        for rows in (1, 2, 3):
            with self.subTest(rows=rows):
                self.compare("--overwrite", rows=rows)


class EveryToken(Streaming):
    """`--tokens all`: rows are every token but BOS."""

    def test_golden_streams(self) -> None:
        for model in ("llama31", "llama-gqa"):
            for ranks in (0, 2):
                folder = tiny(model)
                words, out = ("--tokens", "all", *IN_DOUBLE), f"{model}-{ranks}.h5"
                path = self.run_of("auto", folder, folder / "corpus.txt", *words, ranks=ranks, out=out)
                x = np.concatenate([stream[1:] for stream in golden_streams(model)])
                with self.subTest(model=model, ranks=ranks):
                    self.assertEqual(len(x), 1 + 16 + 39 + 69)
                    self.assert_none(complaints(read_trace(path, x, streamed=True, rows=GOLDEN)))
                    self.assert_left_out(path, NOT_STREAMED | NOT_OF_EVERY_TOKEN)
                    self.assert_headline(path)
                    samples = datasets(path)["samples/length"]
                    self.assertEqual(samples.tolist(), [len(stream) for stream in golden_streams(model)])

    def test_a_token_more_is_seen(self) -> None:
        """The comparison above fails with BOS among the rows, or without the last token of one sample."""
        folder = tiny("llama-mha")
        path = self.run_of("auto", folder, folder / "corpus.txt", "--tokens", "all", *IN_DOUBLE)
        streams = golden_streams("llama-mha")
        with_bos = [streams[0], *(stream[1:] for stream in streams[1:])]
        without_last = [*(stream[1:] for stream in streams[:3]), streams[3][1:-1]]
        for rows in (with_bos, without_last):
            wrong = complaints(read_trace(path, np.concatenate(rows), streamed=True, rows=GOLDEN))
            self.assertGreater(len(wrong), 20)

    def test_memory_does_not_grow(self) -> None:
        """The rows of the longer run would take 80 MB."""
        peaks, rows = [], []
        for samples in (60, 400):
            words = ("--tokens", "all", "--samples", str(samples), "--permutations", "40")
            corpus = shared_data("wikitext-2/wiki.test.raw")
            path = self.trace(tiny("llama31"), corpus, *words, out=f"{samples}.h5", timeout=240)
            peaks.append(datasets(path)["timing/peak_bytes"].max())
            rows.append(attributes(path)[("/", "rows")])
        self.assertGreater((rows[1] - rows[0]) * 5 * 64 * 4, 80e6)
        self.assertLess(peaks[1], 1.05 * peaks[0] + memory_limit(16 * 2**20))


class SameBits(Streaming):
    """Neither ranks nor threads nor order change a bit, whichever way the moments are made."""

    def compare_all(self, moments: str, *words: str) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", 60)

        def file(out: str, threads: int, order: str, ranks: int = 0) -> Path:
            how = ("--threads", str(threads), "--order", order)
            return self.run_of(moments, tiny("llama31"), corpus, *words, *how, ranks=ranks, out=out)

        alone = file("alone.h5", 1, "tiles")
        for ranks, threads, order in (
            (0, 2, "tiles"),
            (0, 1, "layers"),
            (1, 1, "tiles"),
            (2, 2, "layers"),
            (3, 1, "tiles"),
            (4, 2, "tiles"),
            (8, 1, "layers"),
        ):
            with self.subTest(ranks=ranks, threads=threads, order=order):
                other = file(f"{ranks}-{threads}-{order}.h5", threads, order, ranks)
                self.assertEqual(differences(alone, other), [])
                self.assert_done(run("verify", alone, other))

    def test_rows(self) -> None:
        self.compare_all("rows")

    def test_streaming(self) -> None:
        self.compare_all("streaming")

    def test_streaming_in_bfloat16(self) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", 60)
        words = ("--dtype", "bfloat16", "--tile-tokens", "128")
        one, three = (
            self.run_of("streaming", tiny("llama31"), corpus, *words, ranks=ranks, out=f"{ranks}.h5")
            for ranks in (0, 3)
        )
        self.assertEqual(differences(one, three), [])

    def test_every_token(self) -> None:
        self.compare_all("auto", "--tokens", "all")

    def test_plain_sums_are_seen(self) -> None:
        """The comparison has teeth: with sums in floating point another number of ranks gives other bits."""
        plain = os.environ.get("ORRERY_PLAIN_SUMS_PROGRAM") or str(program().with_name("orrery_plain_sums"))
        self.assertTrue(Path(plain).is_file(), f"{plain} is missing: build the target orrery_plain_sums")
        corpus = write_corpus(self.folder / "corpus.txt", 60)
        with mock.patch.dict(os.environ, {"ORRERY_PROGRAM": plain}):
            words = ("--threads", "1", "--tile-tokens", "128")
            alone, *others = (
                self.run_of("streaming", tiny("llama31"), corpus, *words, ranks=ranks, out=f"{ranks}.h5")
                for ranks in (1, 2, 3)
            )
        for other in others:
            self.assertEqual(run("verify", alone, other).code, 1)
            found = differences(alone, other)
            for name in ("continuity/correlation", "pca/eigenvalue"):
                self.assertIn(f"dataset {name} differs", found)


if __name__ == "__main__":
    unittest.main()
