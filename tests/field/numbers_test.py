"""Numbers and their checks at few samples, equal rows and the ends of what float32 holds: what users met, a test for
each fault, and what lies beside it."""

from __future__ import annotations

import math
import os
import re
import shutil
import stat
import unittest
from pathlib import Path

import h5py
import numpy as np
from checksums import refresh
from field_faults import IN_DOUBLE, PLAIN, fault
from orrery_program import Outcome, ProgramTest, run
from safetensors_file import read_tensors, write_tensors
from tiny_models import tiny
from tiny_traces import TinyTrace, failures, write_dead_model

BAD_INPUT, DAMAGED, INTERNAL = 65, 1, 70
SWEPT = ("--grid", "2", "--directions", "1", "--pc-directions", "1", "--epsilon", "0.1,1")
GNUPLOT = shutil.which("gnuplot")


def mean_score_bound(file: h5py.File) -> np.ndarray:
    """(P, k'): what a streamed mean score may be off by, from what the file says. A unit's quantum is at most 2^-23
    sqrt(N - 1) standard deviations; roundings of rows whose scores differ at the final point average out."""
    rows = file["pooled/score"].shape[0]
    weight = np.abs(file["pooled/component"][()])
    mean, centre = file["trajectory/mean"][()], file["pooled/mean"][()]
    deviation = np.sqrt(file["trajectory/variance"][()]) if rows > 1 else np.zeros_like(mean)
    _, counts = np.unique(file["pooled/score"][:, -1], axis=0, return_counts=True)
    averaged = min(1.0, 4 * math.sqrt(float(np.sum((counts / rows) ** 2))))
    quanta = 1.01 * 2.0**-23 * math.sqrt(rows - 1) * averaged * (deviation @ weight.T)
    rounding = (mean.shape[1] + 16) * 2.0**-52 * ((np.abs(mean - centre) + np.abs(mean) + deviation) @ weight.T)
    size = np.abs(file["pooled/score"][()].astype(np.float64)).mean(axis=0)
    return quanta + rounding + (1.01 * 2.0**-24 + (rows + 8) * 2.0**-52) * size + 2.0**-149


class FieldTest(ProgramTest):
    def assert_sound(self, path: Path) -> Outcome:
        outcome = self.assert_done(run("verify", path))
        self.assertNotIn("FAILED", outcome.output)
        return outcome

    def words(self, *lines: str, name: str = "corpus.txt") -> Path:
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def sweep(self, trace: Path, *words: str, out: str = "sweep.h5") -> Path:
        path = self.folder / out
        self.assert_done(run("perturb", "--trace", trace, *words, "--out", path))
        return path


class VerifyTest(FieldTest):
    def test_verify_streamed_mean_scores(self) -> None:
        corpus = fault("verify-streamed-mean-scores") / "corpus.txt"
        words = (*PLAIN, "--permutations", "20")
        self.assert_sound(self.trace(tiny("llama31"), corpus, *words, out="kept.h5"))
        self.assert_sound(self.trace(tiny("llama31"), corpus, *words, "--moments", "streaming"))

    def test_verify_flow_of_equal_samples(self) -> None:
        corpus = fault("verify-flow-of-equal-samples") / "corpus.txt"
        path = self.trace(tiny("llama-mha"), corpus, *PLAIN)
        self.assert_sound(path)
        # A number where there can be none, and none where there should be one.
        for entry, value in ((-1, 0.0), (0, math.nan)):
            damaged = Path(shutil.copy(path, self.folder / "damaged.h5"))
            with h5py.File(damaged, "r+") as file:
                file["geometry/flow_eigenvalue"][1, entry] = value
            refresh(damaged)
            outcome = run("verify", damaged)
            self.assertEqual(outcome.code, DAMAGED, str(outcome))
            self.assertRegex(outcome.output, "FAILED  flow eigenvalues descending")

    def test_tiny_traces(self) -> None:
        """Of 1 to 12 samples streamed, the rest kept and of every token; `tiny_traces.py 200` tries many of each."""
        self.assertEqual(failures(range(12), self.folder, ("streamed",)), [])
        self.assertEqual(failures(range(12, 20), self.folder, ("kept",)), [])
        self.assertEqual(failures(range(20, 24), self.folder, ("all",)), [])

    def test_an_error_beyond_the_bound(self) -> None:
        """Ten times what is allowed is found in streamed mean scores, however few the samples, and nothing else is."""
        for count in range(1, 13):
            corpus = self.words(*(f"{line} {number}" for number, line in enumerate(TinyTrace.drawn(count - 1).lines)))
            path = self.trace(tiny("llama-gqa"), corpus, *PLAIN, "--permutations", "10", "--moments", "streaming",
                              out=f"{count}.h5")  # fmt: skip
            with h5py.File(path, "r+") as file:
                self.assertEqual(file.attrs["rows"], count)
                bound = mean_score_bound(file)
                known = np.argwhere(np.isfinite(bound))
                places = [tuple(place) for place in known[:: max(1, len(known) // 3)]]
                self.assertGreater(len(places), 2)
                for number, place in enumerate(places):
                    file["pooled/mean_score"][place] += (-1) ** number * 10 * bound[place]
            refresh(path)
            outcome = run("verify", path)
            self.assertEqual(outcome.code, DAMAGED, f"{count}: {outcome}")
            self.assertEqual(re.findall("(?m)^FAILED *(.*) wrong", outcome.output),
                             [f"mean scores: {len(places)} of {bound.size}"])  # fmt: skip


class SweepTest(FieldTest):
    def equal_at_the_start(self) -> Path:
        corpus = fault("sweep-spread-infinite") / "corpus.txt"
        return self.trace(tiny("llama-mha"), corpus, *PLAIN, "--permutations", "20")

    def assert_finite(self, path: Path) -> None:
        """No infinity but in half-lives that never end, and `verify` agrees."""
        with h5py.File(path) as file:
            found: list[str] = []

            def look(name: str, item: object) -> None:
                if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and "half_life" not in name:
                    if item.shape and np.isinf(item[()]).any():
                        found.append(name)

            file.visititems(look)
        self.assertEqual(found, [])
        self.assert_sound(path)

    def test_sweep_spread_infinite(self) -> None:
        path = self.sweep(self.equal_at_the_start(), "--grid", "2", "--prompts", "0")
        self.assert_finite(path)
        with h5py.File(path) as file:
            self.assertEqual(file["points/spread"][0], 0)
            spread = file["recovery/spread_distance"]
            self.assertTrue(np.isnan(spread[:, :, 0, 0]).all())
            self.assertTrue(np.isfinite(spread[:, :, 0, 1:]).all())
            self.assertIn("rows at s are equal", spread.attrs["nan_where"])
            start = file["summary/spread_distance_start"][()]
            self.assertTrue(np.isnan(start[:, 0]).all())
            self.assertTrue(np.isfinite(start[:, 1:]).all())
        outcome = self.assert_done(run("inspect", path))
        line = next(line for line in outcome.output.splitlines() if line.startswith("teleport "))
        self.assertRegex(line, r" – → \d")
        self.assertNotIn("infinite", outcome.output)
        self.assert_done(run("figures", path, "--out", self.folder / "figures", "--format", "svg"))

    def test_nothing_divided_by_nothing(self) -> None:
        """Noise of no length, one prompt, one sample, and a stream that is 0: NaN, never infinite."""
        self.assert_finite(self.sweep(self.equal_at_the_start(), *SWEPT[:6], "--prompts", "0", "--epsilon", "0"))
        alone = self.trace(tiny("llama-mha"), self.words("one two"), *PLAIN, "--permutations", "10", out="alone.h5")
        path = self.sweep(alone, *SWEPT, "--kinds", "teleport,noise,ablate", out="of_alone.h5")
        self.assert_finite(path)
        with h5py.File(path) as file:
            self.assertTrue(np.isnan(file["recovery/spread_distance"][()]).all())
            self.assertTrue(np.isnan(file["summary/ratio_end_se"][()]).all())

    def test_a_stream_of_zeros(self) -> None:
        folder = self.folder / "zeros"
        shutil.copytree(tiny("llama-mha"), folder, ignore=shutil.ignore_patterns("*.safetensors"))
        folder.chmod(0o755)
        weights = dict(read_tensors(tiny("llama-mha") / "model.safetensors"))
        weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"].copy()
        trace = self.trace(tiny("llama-mha"), self.words("one two", "four five six", "a b"), *PLAIN, out="all.h5")
        with h5py.File(trace) as file:
            last = int(file["samples/token"][file["samples/token_offset"][1] - 1])
        weights["model.embed_tokens.weight"][last] = 0
        write_tensors(folder / "model.safetensors", weights)
        trace = self.trace(folder, self.words("one two", "four five six", "a b"), *PLAIN)
        self.assert_sound(trace)
        path = self.sweep(trace, *SWEPT)
        with h5py.File(path) as file:
            self.assertEqual(file["baseline/norm"][0, 0], 0)
            self.assertTrue(np.isnan(file["recovery/relative_distance"][0, :, 0, 0]).all())
        self.assert_finite(path)

    def test_what_float32_does_not_hold(self) -> None:
        trace = self.trace(tiny("llama-mha"), self.words("one two", "four five six"), *PLAIN, "--permutations", "10")
        out = self.folder / "sweep.h5"
        for epsilon in ("1e30", "1e38", "1e200"):
            outcome = run("perturb", "--trace", trace, *SWEPT[:6], "--kinds", "noise", "--epsilon", epsilon, "--out", out)
            self.assert_fails(outcome, BAD_INPUT, "sample ", "perturbed in layer 0", "point 0")
            self.assert_nothing_at(out)
        # In double precision such a stream has a square, and a length that float32 holds.
        doubled = ("--dtype", "float64", "--residual", "float64")
        path = self.sweep(trace, *SWEPT[:6], "--kinds", "noise", "--epsilon", "1e30", *doubled)
        self.assert_finite(path)

    def test_weights_that_are_too_large(self) -> None:
        """Of the model that a trace was made of, and of the trace itself: sample, layer and point are named."""
        model = self.folder / "large"
        source = tiny("llama-mha")
        shutil.copytree(source, model, ignore=shutil.ignore_patterns("*.safetensors"))
        model.chmod(0o755)
        weights = {name: values.astype(np.float64) for name, values in read_tensors(source / "model.safetensors").items()}
        write_tensors(model / "model.safetensors", {**weights, "model.layers.1.mlp.down_proj.weight": 1e25
                                                    * weights["model.layers.1.mlp.down_proj.weight"]})  # fmt: skip
        corpus = self.words("one two", "four five six")
        for more in ((), ("--moments", "streaming"), ("--tokens", "all")):
            outcome = run("trace", "--model", model, "--corpus", corpus, *PLAIN, *more, "--out", self.folder / "run.h5")
            self.assert_fails(outcome, BAD_INPUT, "sample 0, point 4", "too long")
            self.assert_nothing_at(self.folder / "run.h5")

    def test_parts_that_are_not_finite(self) -> None:
        """Heads whose outputs double precision holds and float32 does not: before ablation takes their means."""
        model = self.folder / "large"
        source = tiny("llama-mha")
        shutil.copytree(source, model, ignore=shutil.ignore_patterns("*.safetensors"))
        model.chmod(0o755)
        weights = {name: values.astype(np.float64) for name, values in read_tensors(source / "model.safetensors").items()}
        for name, factor in (("input_layernorm", 1e10), ("self_attn.v_proj", 1e32), ("self_attn.o_proj", 1e-42)):
            weights[f"model.layers.1.{name}.weight"] *= factor
        write_tensors(model / "model.safetensors", weights)
        trace = self.trace(model, self.words("one two", "four five six"), *IN_DOUBLE, "--permutations", "10")
        words = ("--kinds", "ablate", "--ablate", "mean", "--out", self.folder / "sweep.h5")
        single = ("--dtype", "float32", "--residual", "float32")
        self.assert_fails(run("perturb", "--trace", trace, *words, *single), BAD_INPUT, "layer 1", "finite")
        self.assert_nothing_at(self.folder / "sweep.h5")
        self.assert_done(run("perturb", "--trace", trace, *words))


class FiguresTest(FieldTest):
    def assert_drawn(self, *files: Path) -> None:
        """Every figure that the files have is drawn, and the page."""
        out = self.folder / "figures"
        shutil.rmtree(out, ignore_errors=True)
        outcome = self.assert_done(run("figures", *files, "--out", out, "--format", "svg"))
        self.assertNotIn("could not be drawn", outcome.errors)
        names = {path.stem for path in out.glob("*.dat")}
        self.assertTrue(names)
        self.assertEqual(names, {path.stem for path in out.glob("*.svg")})
        self.assertTrue((out / "index.html").is_file())

    def test_figures_of_two_samples(self) -> None:
        path = self.trace(tiny("llama-mha"), fault("figures-of-two-samples") / "corpus.txt", *PLAIN)
        self.assert_drawn(path)
        # What rounding makes of ones differs by machine; this is what was seen.
        with h5py.File(path, "r+") as file:
            ratio = file["pca/participation_ratio"]
            ratio[...] = 1 + 2.0**-52 * (np.arange(ratio.size) % 2)
            for name in ("participation_ratio_corrected", "participation_ratio_standardised", "effective_rank"):
                file[f"pca/{name}"][...] = ratio[()]
        self.assert_drawn(path)

    def test_few_samples(self) -> None:
        dead = write_dead_model(self.folder / "dead")
        for number, (model, lines) in enumerate(
            [
                (tiny("llama-mha"), ("one two",)),
                (tiny("llama-mha"), ("one two", "one two")),
                (tiny("llama-mha"), ("one two", "four five six", "run fast")),
                (dead, ("one two", "four five six", "four five six")),
            ]
        ):
            corpus = self.words(*lines)
            self.assert_drawn(self.trace(model, corpus, *PLAIN, "--permutations", "10", out=f"{number}.h5"))
        self.assert_drawn(self.trace(dead, corpus, *PLAIN, "--moments", "streaming", out="streamed.h5"))

    def test_small_sweeps(self) -> None:
        trace = self.trace(tiny("llama-mha"), self.words("one two", "four five six", "a b"), *PLAIN)
        one = ("--prompts", "0", "--grid", "1", "--directions", "1", "--pc-directions", "0")
        kinds = ("--kinds", "teleport,noise,ablate", "--score-components", "1")
        self.assert_drawn(self.sweep(trace, *one, "--epsilon", "0.1", *kinds, out="all.h5"))
        self.assert_drawn(self.sweep(trace, *one, "--epsilon", "0", "--layers", "1", "--kinds", "noise"))

    def test_ranges_that_are_none(self) -> None:
        """Rounding errors, huge and tiny numbers, zeros and none at all, in the place of every number of a file."""
        trace = self.trace(tiny("llama-mha"), self.words("one two", "four five six", "a b"), *PLAIN)
        sweep = self.sweep(trace, *SWEPT, "--kinds", "teleport,noise,ablate")
        draw = np.random.default_rng(0)
        kinds = (
            lambda shape: 1 + draw.integers(0, 3, shape) * 2.0**-52,
            lambda shape: draw.choice([-1e300, 1e300], shape),
            lambda shape: draw.choice([1e-310, 1e-300], shape),
            np.zeros,
            lambda shape: np.full(shape, np.nan),
        )
        for turn in range(3):
            with self.subTest(turn):
                for path in (trace, sweep):
                    with h5py.File(path, "r+") as file:
                        for item in self.reals(file):
                            if item.name not in ("/epsilon", "/teleport/grid"):
                                with np.errstate(over="ignore", under="ignore"):
                                    item[...] = draw.choice(kinds)(item.shape).astype(item.dtype)
                self.assert_drawn(trace, sweep)

    @staticmethod
    def reals(file: h5py.File) -> list[h5py.Dataset]:
        found: list[h5py.Dataset] = []
        file.visititems(
            lambda _, item: found.append(item)
            if isinstance(item, h5py.Dataset) and item.shape and item.dtype.kind == "f"
            else None
        )
        return found

    def test_a_figure_that_fails(self) -> None:
        """The page and the others are there, and the page, a warning and the message name it."""
        folder = self.folder / "bin"
        folder.mkdir()
        script = folder / "gnuplot"
        script.write_text(
            f"#!/bin/sh\ncase \"$*\" in *\"load 'velocity.gp'\"*) echo 'not today' >&2; exit 1;; esac\n"
            f'exec {GNUPLOT} "$@"\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        trace = self.trace(tiny("llama-mha"), self.words("one two", "four five six", "a b"), *PLAIN)
        out = self.folder / "figures"
        extra = {"PATH": f"{folder}:{os.environ['PATH']}"}
        outcome = run("figures", trace, "--out", out, "--format", "svg", extra=extra)
        self.assert_fails(outcome, INTERNAL, "velocity")
        warnings = [line for line in outcome.errors.splitlines() if "could not be drawn: velocity" in line]
        self.assertEqual(len(warnings), 1, str(outcome))
        self.assertIn("not today", warnings[0])
        drawn, known = ({path.stem for path in out.glob(f"*.{kind}")} for kind in ("svg", "dat"))
        self.assertEqual(known - drawn, {"velocity"})
        self.assertGreater(len(drawn), 10)
        page = (out / "index.html").read_text(encoding="utf-8")
        self.assertIn("not today", page[page.index('id="not-drawn"') :])


if __name__ == "__main__":
    unittest.main()
