"""A family of models that the product does not know (toy_model.cpp): one point a layer, no attention, weights of its own
names. Every command takes it."""

from __future__ import annotations

import json
import math
import unittest
from pathlib import Path

import h5py
import numpy as np
from orrery_program import ProgramTest, run
from safetensors_file import write_tensors
from tiny_models import IN_DOUBLE, tiny, write_corpus

LAYERS, WIDTH, PLACES = 5, 16, 256


def write_toy(folder: Path) -> dict[str, np.ndarray]:
    """The model, with the tokenizer of a tiny Llama; returns its weights."""
    folder.mkdir()
    source = tiny("llama-mha")
    for file in source.glob("tokenizer*"):
        (folder / file.name).write_bytes(file.read_bytes())
    words = json.loads((source / "config.json").read_text())["vocab_size"]
    config = {"model_type": "toy", "depth": LAYERS, "size": WIDTH, "words": words, "places": PLACES}
    (folder / "config.json").write_text(json.dumps(config))
    draw = np.random.default_rng(1)
    weights = {
        "toy.word": draw.normal(size=(words, WIDTH)),
        "toy.place": draw.normal(size=(PLACES, WIDTH)),
        "toy.answer": draw.normal(size=(words, WIDTH)),
        **{f"toy.step.{layer}": draw.normal(size=(WIDTH, WIDTH)) / 4 for layer in range(LAYERS)},
    }
    write_tensors(folder / "model.safetensors", weights)
    return weights


class ToyModelTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.folder / "toy"
        self.weights = write_toy(self.model)
        self.corpus = write_corpus(self.folder / "corpus.txt", 30)

    def traced(self, *words: str, out: str = "run.h5", ranks: int = 0) -> Path:
        return self.trace(self.model, self.corpus, *IN_DOUBLE, "--permutations", "20", "--min-chars", "60",
                          "--max-chars", "200", *words, out=out, ranks=ranks)  # fmt: skip

    def assert_sound(self, path: Path) -> None:
        self.assert_done(run("verify", path))

    def expected_rows(self, file: h5py.File) -> np.ndarray:
        """(N, P, D) of the tokens in the file."""
        offset, token = file["samples/token_offset"][()], file["samples/token"][()]
        rows = []
        for n, place in enumerate(file["samples/position"][()]):
            x = self.weights["toy.word"][token[offset[n] + place]] + self.weights["toy.place"][place]
            stream = [x]
            for layer in range(LAYERS):
                stream.append(stream[-1] + self.weights[f"toy.step.{layer}"] @ np.tanh(stream[-1]))
            rows.append(stream)
        return np.array(rows)

    def test_trace_has_its_points_and_streams(self) -> None:
        path = self.traced()
        self.assert_sound(path)
        with h5py.File(path) as file:
            self.assertEqual(file["points/layer"][()].tolist(), list(range(LAYERS + 1)))
            self.assertEqual(file["points/kind"].asstr()[()].tolist(), ["pre_block"] * LAYERS + ["final"])
            self.assertEqual((file.attrs["architecture"], file.attrs["layers"]), ("Toy", LAYERS))
            np.testing.assert_allclose(file["residual/last_token"][()], self.expected_rows(file), rtol=1e-12)
            # Steps within a layer: there are none.
            headline = file["headline"].attrs
            self.assertTrue(math.isnan(headline["adjacent_correlation_within"]))
            between = file["continuity/correlation"][()].diagonal(1)[:-1]
            self.assertAlmostEqual(headline["adjacent_correlation_across"], between.mean(), 12)
            # The null of permuted layers: of one point each.
            shown = file["control/layer_permuted/point"][()].tolist()
            self.assertEqual(sorted(shown), list(range(LAYERS + 1)))
            self.assertEqual(shown[-1], LAYERS)

    def test_ranks_orders_and_moments_agree(self) -> None:
        alone = self.traced()
        for words, ranks in ((("--order", "layers"), 0), ((), 2)):
            other = self.traced(*words, out="other.h5", ranks=ranks)
            self.assert_done(run("verify", alone, other))
            other.unlink()
        streamed = self.traced("--moments", "streaming", out="streamed.h5")
        self.assert_sound(streamed)
        with h5py.File(alone) as kept, h5py.File(streamed) as moments:
            np.testing.assert_allclose(moments["trajectory/mean"][()], kept["trajectory/mean"][()], atol=1e-6)
        self.assert_sound(self.traced("--tokens", "all", out="all.h5"))
        self.assert_sound(self.traced("--weights", "random", out="random.h5"))

    def test_plan_inspect_and_figures_take_it(self) -> None:
        planned = self.assert_done(run("plan", "trace", "--model", self.model, "--corpus", self.corpus, "--min-chars",
                                       "60", "--max-chars", "200"))  # fmt: skip
        self.assertIn(f"{LAYERS} layers, {WIDTH} units, 0 heads", planned.output)
        path = self.traced()
        self.assertIn("adjacent correlation", self.assert_done(run("inspect", path)).output)
        self.assert_done(run("figures", path, "--out", self.folder / "figures", "--format", "svg", timeout=250))
        page = (self.folder / "figures" / "index.html").read_text(encoding="utf-8")
        self.assertNotIn("attention reads at l", page)

    def test_statistics_are_whole(self) -> None:
        path, two = self.traced(), self.traced(out="two.h5", ranks=2)
        self.assert_done(run("verify", path, two))
        with h5py.File(path) as file:
            rows = file["residual/last_token"][()]
            share, farthest = (rows >= 0).mean(0), np.abs(rows).max(2)
            np.testing.assert_allclose(file["toy/share"][()], share, atol=1e-15)
            np.testing.assert_allclose(file["toy/farthest_mean"][()], farthest.mean(0), rtol=1e-14)
            self.assertEqual(file["toy/rows"][()].tolist(), [len(rows)])
            self.assertAlmostEqual(file["headline"].attrs["toy_share"], share.mean(), 14)
            self.assertEqual(file["toy/share"].attrs["long_name"], "share of rows in which x[:,s,d] is not negative")
        self.assertRegex(self.assert_done(run("inspect", path)).output, r"other numbers\s+toy_share +0\.\d+")
        planned = self.assert_done(run("plan", "trace", "--model", self.model, "--corpus", self.corpus, "--min-chars",
                                       "60", "--max-chars", "200"))  # fmt: skip
        self.assertIn("statistics      1e+18 FLOP", planned.output)
        streamed = self.traced("--moments", "streaming", out="streamed.h5")
        with h5py.File(streamed) as file:
            self.assertEqual(sorted(file["toy"]), ["farthest_mean", "farthest_std"])
            self.assertIn("/toy/share: rows are streamed", file.attrs["not_computed"])

    def test_statistics_are_verified(self) -> None:
        for name, change, told in (
            ("share", lambda x: x + 0.01 / len(x), "toy shares of whole rows"),
            ("share", lambda x: x + 2, "ranges"),
            ("share", lambda x: x * 0, "headline"),
        ):
            path = self.traced(out=f"{told[:3]}.h5")
            with h5py.File(path, "r+") as file:
                file[f"toy/{name}"][...] = change(file[f"toy/{name}"][()])
            self.assertRegex(run("verify", path).output, f"(?m)^.*FAILED.*{told}|^.*{told}.*wrong")

    def test_a_command_of_its_own(self) -> None:
        out = self.folder / "squares.h5"
        self.assertRegex(self.assert_done(run("help")).output, r"orrery toy +squares numbers")
        self.assertIn("--units N (=11)", self.assert_done(run("toy", "--help")).output)
        self.assert_fails(run("toy", "--out", out, "--units", "0"), 64, "--units is out of range")
        self.assert_done(run("toy", "--out", out, "--units", "20", ranks=2))
        with h5py.File(out) as file:
            self.assertEqual(file["toy/square"][()].tolist(), [unit * unit for unit in range(20)])
            self.assertEqual(file.attrs["config"].splitlines()[-1], "units = 20")
        self.assert_sound(out)
        self.assertIn("/toy/square", self.assert_done(run("inspect", out)).output)
        self.assert_fails(run("toy", "--out", out), 64, "exists")

    def test_sweep(self) -> None:
        path, sweep = self.traced(), self.folder / "sweep.h5"
        words = ("--trace", path, "--prompts", "0-1", "--layers", "0,2", "--grid", "2", "--directions", "2",
                 "--epsilon", "0.1", "--kinds", "teleport,noise")  # fmt: skip
        self.assert_done(run("plan", "perturb", *words))
        self.assert_done(run("perturb", *words, "--out", sweep))
        self.assert_sound(sweep)
        with h5py.File(sweep) as file:
            distance = file["noise/distance"][()]  # (Q, M, E, R, P)
            self.assertTrue(np.isnan(distance[:, 1, ..., :2]).all())
            self.assertFalse(np.isnan(distance[:, 1, ..., 2:]).any())
        self.assert_fails(run("perturb", "--trace", path, "--out", self.folder / "none.h5", "--kinds", "ablate"), 64,
                          "no attention heads", "--kinds ablate")  # fmt: skip
        self.assert_done(
            run("figures", path, sweep, "--out", self.folder / "figures", "--format", "svg", timeout=250)
        )


if __name__ == "__main__":
    unittest.main()
