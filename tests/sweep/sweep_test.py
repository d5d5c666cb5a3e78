"""End to end: what `orrery perturb` writes of a trace is what the slow reference makes of it."""

from __future__ import annotations

import shutil
import unittest
from pathlib import Path

import h5py
import numpy as np
from orrery_program import Outcome, ProgramTest, memory_limit, run
from reference.llama import Llama
from reference.sweep import Options, Sweep
from reference.sweep_files import scale_complaints, sweep_complaints
from tiny_models import IN_DOUBLE, tiny, write_calm_model, write_corpus
from trace_file import attributes, datasets, differences

BAD_USAGE, BAD_INPUT = 64, 65
ROWS = 12
#: Noise alone, of few runs.
LITTLE = ("--kinds", "noise", "--epsilon", "0.1", "--directions", "2", "--pc-directions", "1")


class SweepTest(ProgramTest):
    """A trace of twelve rows, and sweeps of it."""

    def trace_of(self, model: Path, *words: str, out: str = "run.h5") -> Path:
        corpus = write_corpus(self.folder / "corpus.txt", ROWS)
        return self.trace(model, corpus, "--min-chars", "0", "--permutations", "10", *words, out=out)

    def try_perturb(self, trace: Path, *words: str | Path, out: str = "sweep.h5", ranks: int = 0) -> Outcome:
        return run("perturb", "--trace", trace, "--out", self.folder / out, *words, ranks=ranks, timeout=180)

    def perturb(self, trace: Path, *words: str | Path, out: str = "sweep.h5", ranks: int = 0) -> Path:
        """The file of a sweep that must succeed."""
        self.assert_done(self.try_perturb(trace, *words, out=out, ranks=ranks))
        self.assertFalse((self.folder / f"{out}.part").exists(), "work in progress was left behind")
        return self.folder / out


class EveryDataset(SweepTest):
    """Of runs in double precision."""

    def options(self, **more: object) -> Options:
        fixed = {"grid": 3, "epsilon": (0.01, 0.3), "directions": 2, "prompts": (0, 3, 7), "state_prompts": (3,)}
        return Options(**{"kinds": ("teleport", "noise", "ablate"), **fixed, **more})

    def check(self, model: Path, options: Options, *words: str, tokens: str = "last", ranks: int = 0) -> Sweep:
        """Holds a sweep against the reference, all of it; `words` are more of `orrery perturb`."""
        trace = self.trace_of(model, *IN_DOUBLE, "--tokens", tokens)
        path = self.perturb(trace, *options.words, *words, ranks=ranks)
        sweep = Sweep(datasets(trace), Llama.of_folder(model), options)
        for wrong in sweep_complaints(path, sweep):
            with self.subTest(wrong):
                self.fail(wrong)
        return sweep

    def test_plane(self) -> None:
        self.check(tiny("llama31"), self.options(seed=2**33 + 1))

    def test_plane_of_each_layer(self) -> None:
        options = self.options(range="layer", widen=0.0, grid=2, prompts=(2, 11), layers=(0, 2), state_prompts=(2,))
        self.check(tiny("llama-bias"), options, ranks=2)

    def test_shift(self) -> None:
        options = self.options(mode="shift", ablate="mean", score_components=3, state_points=(0, 3, 6))
        self.check(tiny("llama-gqa"), options, ranks=3)

    def test_shift_of_each_layer(self) -> None:
        options = self.options(mode="shift", range="layer", ablate="mean", ablate_layers=(1,), pc_directions=0)
        self.check(tiny("llama-bias"), options, "--order", "layers")

    def test_random_tokens(self) -> None:
        """What stands behind the measured token is no part of the run."""
        sweep = self.check(tiny("llama31"), self.options(mode="shift", ablate="mean", prompts=(1, 3)), tokens="random")
        lengths = [len(ids) for ids in sweep.base.prompts]
        self.assertTrue((lengths < sweep.found["samples/length"][[1, 3]]).all())

    def test_every_token(self) -> None:
        """A trace of every token has no rows, and its last token is perturbed."""
        self.check(tiny("llama31"), self.options(kinds=("teleport", "noise"), prompts=(0, 3)), tokens="all")

    def test_streams_that_come_back(self) -> None:
        """Half-lives that are numbers, and others that are not."""
        model = write_calm_model(self.folder / "calm")
        sweep = self.check(model, self.options(mode="shift", prompts=(0, 1, 2, 3, 4), epsilon=(0.1, 1.0)))
        lives = sweep.numbers["recovery/half_life"].value
        self.assertTrue(0.1 < np.isfinite(lives).mean() < 0.9)

    def test_one_prompt_one_kind(self) -> None:
        """A standard error needs two prompts; scales that nothing uses are left out."""
        model = tiny("llama-gqa")
        trace = self.trace_of(model, *IN_DOUBLE)
        for kind in ("teleport", "noise", "ablate"):
            options = self.options(kinds=(kind,), prompts=(5,), state_prompts=(), controls=())
            path = self.perturb(trace, *options.words, out=f"{kind}.h5")
            sweep = Sweep(datasets(trace), Llama.of_folder(model), options)
            self.assertEqual(sweep_complaints(path, sweep), [], kind)

    def test_small_batches(self) -> None:
        """How rows are batched is no matter of what is computed."""
        self.check(tiny("llama31"), self.options(), "--batch-tokens", "1", "--batch-rows", "1", ranks=2)
        self.folder = self.folder / "other"
        self.folder.mkdir()
        self.check(tiny("llama31"), self.options(), "--batch-tokens", "9999", "--batch-rows", "99999")


class Choices(SweepTest):
    """Options by themselves."""

    def test_defaults(self) -> None:
        """Eight prompts, the paper's layers, a grid of ten by ten."""
        trace = self.trace_of(tiny("llama31"))
        path = self.perturb(trace, ranks=2)
        sweep = Sweep(datasets(trace), Llama.of_folder(tiny("llama31")), Options())
        self.assertEqual(scale_complaints({n: v for n, v in datasets(path).items() if n != "rank_number"}, sweep), [])
        root = {name: value for (item, name), value in attributes(path).items() if item == "/"}
        expected = {"mode": "plane", "range": "pooled", "weights": "file", "dtype": "float32"}
        expected["residual_dtype"] = "float32"
        self.assertEqual({name: root[name] for name in expected}, expected)
        self.assert_done(run("verify", path))

    def test_lists(self) -> None:
        trace = self.trace_of(tiny("llama-gqa"))
        for prompts, layers, expected in (
            ("0-2,7", "all", ([0, 1, 2, 7], [0, 1, 2])),
            ("11", "0,2", ([11], [0, 2])),
            ("all", "default", (list(range(ROWS)), [0, 1, 2])),
        ):
            path = self.perturb(trace, *LITTLE, "--prompts", prompts, "--layers", layers, "--overwrite")
            found = datasets(path)
            self.assertEqual((found["prompt"].tolist(), found["start_layer"].tolist()), expected)
            self.assertEqual(found["prompts/row"].tolist(), expected[0])

    def test_as_the_trace(self) -> None:
        """Formats are the trace's unless others are asked for."""
        trace = self.trace_of(tiny("llama31"), *IN_DOUBLE)
        states = ("--store", "states", "--state-prompts", "1", "--state-points", "all", "--prompts", "1,2")
        double = datasets(self.perturb(trace, *LITTLE, *states, out="double.h5"))["states/noise"]
        self.assertEqual(double.dtype, np.float64)
        words = ("--dtype", "float32", "--residual", "float32")
        single = datasets(self.perturb(trace, *LITTLE, *states, *words, out="single.h5"))["states/noise"]
        self.assertEqual(single.dtype, np.float32)
        distance = np.linalg.norm(single - double, axis=-1) / np.linalg.norm(double, axis=-1)
        self.assertLess(np.nanmax(distance), 1e-5)
        self.assertGreater(np.nanmax(distance), 1e-9)
        np.testing.assert_array_equal(np.isnan(single), np.isnan(double))

    def test_untrained(self) -> None:
        """The trace's own weights, drawn again from its seed."""
        model = self.folder / "bare"
        shutil.copytree(tiny("llama31"), model, ignore=shutil.ignore_patterns("*.safetensors"))
        trace = self.trace_of(model, *IN_DOUBLE, "--weights", "random", "--seed", "5")
        path = self.perturb(trace, *LITTLE, "--prompts", "all")
        self.assertEqual(attributes(path)[("/", "weights")], "random")
        rows = datasets(trace)["residual/last_token"]
        np.testing.assert_allclose(datasets(path)["baseline/norm"], np.linalg.norm(rows, axis=2), rtol=2**-23)


class Exact(SweepTest):
    """What holds to the last bit."""

    def test_no_noise(self) -> None:
        """A perturbation of zero is no perturbation, in any format."""
        for dtype in ("float32", "bfloat16", "float64"):
            with self.subTest(dtype=dtype):
                trace = self.trace_of(tiny("llama31"), "--dtype", dtype, out=f"{dtype}.h5")
                words = ("--kinds", "noise", "--epsilon", "0,0.1", "--directions", "3", "--prompts", "all")
                found = datasets(self.perturb(trace, *words, out=f"{dtype}-sweep.h5"))
                self.assertEqual(np.nanmax(np.abs(found["noise/distance"][:, :, 0])), 0)
                self.assertEqual(np.abs(found["noise/kl"][:, :, 0]).max(), 0)
                self.assertEqual(found["noise/top1"][:, :, 0].min(), 1)
                self.assertGreater(np.nanmin(found["noise/distance"][:, :, 1]), 0)
                self.assertGreater(np.abs(found["noise/kl"][:, :, 1]).max(), 0)
                self.assertTrue(np.isnan(found["recovery/noise_half_life"][:, :, 0]).all())
                self.assertTrue(np.isnan(found["recovery/ratio"][:, 0]).all())

    def test_nothing_changes_before_the_start(self) -> None:
        """A teleport at the last layer reaches the last points alone, an ablated part what comes after it."""
        trace = self.trace_of(tiny("llama-gqa"))
        words = ("--kinds", "teleport,ablate", "--grid", "2", "--layers", "2", "--prompts", "0-3")
        found = datasets(self.perturb(trace, *words))
        for name in ("teleport/distance", "control/random_direction/distance", "recovery/ratio"):
            self.assertTrue(np.isnan(found[name][..., :4]).all(), name)
            self.assertFalse(np.isnan(found[name][..., 4:]).any(), name)
        for layer in range(3):
            of_heads, of_mlp = found["ablation/distance"][:, layer, :-1], found["ablation/distance"][:, layer, -1]
            self.assertTrue(np.isnan(of_heads[..., : 2 * layer]).all())
            self.assertEqual(np.abs(of_heads[..., 2 * layer]).max(), 0)
            self.assertGreater(of_heads[..., 2 * layer + 1 :].min(), 0)
            self.assertEqual(np.abs(of_mlp[..., 2 * layer : 2 * layer + 2]).max(), 0)
            self.assertGreater(of_mlp[..., 2 * layer + 2 :].min(), 0)

    def test_same_bits(self) -> None:
        """For any ranks, threads and order."""
        trace = self.trace_of(tiny("llama31"))
        words = ("--kinds", "teleport,noise,ablate", "--ablate", "mean", "--grid", "3", "--epsilon", "0.1",
                 "--prompts", "all", "--batch-tokens", "150", "--store", "states", "--state-prompts", "2",
                 "--state-points", "0,8")  # fmt: skip
        alone = self.perturb(trace, *words, "--threads", "1", "--order", "tiles", out="alone.h5")
        self.assert_done(run("verify", alone))
        for ranks, threads, order in (
            (0, 2, "layers"),
            (1, 2, "tiles"),
            (2, 1, "layers"),
            (3, 2, "layers"),
            (4, 1, "tiles"),
        ):
            with self.subTest(ranks=ranks, threads=threads, order=order):
                more = ("--threads", str(threads), "--order", order)
                other = self.perturb(trace, *words, *more, out=f"{ranks}-{threads}-{order}.h5", ranks=ranks)
                self.assertEqual(differences(alone, other), [])
                self.assert_done(run("verify", alone, other))
        seed = self.perturb(trace, *words, "--seed", "1", out="seed.h5")
        self.assertEqual(run("verify", alone, seed).code, 1)
        self.assertIn("dataset noise/kl differs", differences(alone, seed))

    def test_parts(self) -> None:
        """A sweep done by parts is the sweep done at once."""
        trace = self.trace_of(tiny("llama31"))
        words = (*LITTLE, "--prompts", "all", "--batch-tokens", "150")
        whole = self.perturb(trace, *words, out="whole.h5")
        self.assert_done(self.try_perturb(trace, *words, "--part", "0/2", ranks=2))
        self.assertFalse((self.folder / "sweep.h5").exists())
        self.assert_fails(self.try_perturb(trace, *words, "--join"), BAD_INPUT, "1/2")
        self.assert_done(self.try_perturb(trace, *words, "--part", "1/2"))
        joined = self.perturb(trace, *words, "--join")
        self.assert_done(run("verify", whole, joined))


class Refused(SweepTest):
    """What can't be done is said before anything is computed."""

    def refuse(self, trace: Path, code: int, *words: str | Path, named: str = "") -> None:
        for ranks in (0, 2):
            with self.subTest(words=words, ranks=ranks):
                self.assert_fails(self.try_perturb(trace, *words, out="refused.h5", ranks=ranks), code, named)
                self.assert_nothing_at(self.folder / "refused.h5")

    def test_usage(self) -> None:
        trace = self.trace_of(tiny("llama31"))
        for words in (
            ("--kinds", "teleport,nois"),
            ("--mode", "flat"),
            ("--range", "wide"),
            ("--prompts", str(ROWS)),
            ("--prompts", f"0-{ROWS}"),
            ("--prompts", "3-1"),
            ("--prompts", "-1"),
            ("--layers", "4"),
            ("--kinds", "ablate", "--ablate-layers", "4"),
            ("--grid", "0"),
            ("--epsilon", "much"),
            ("--controls", "none,such"),
            ("--ablate", "one"),
            ("--part", "2/2"),
        ):
            self.refuse(trace, BAD_USAGE, *words)

    def test_damaged_trace(self) -> None:
        """What a sweep reads of its trace is what the trace wrote."""
        trace = self.trace_of(tiny("llama31"))
        with h5py.File(trace, "r+") as file:
            file["pooled/component"][1, 5] *= 1.5
        self.assert_fails(self.try_perturb(trace), BAD_INPUT, "/pooled/component")
        self.assert_nothing_at(self.folder / "sweep.h5")

    def test_other_inputs(self) -> None:
        trace = self.trace_of(tiny("llama31"))
        self.refuse(trace, BAD_INPUT, "--model", tiny("llama-gqa"), named="llama-gqa")
        other = self.folder / "other"
        shutil.copytree(tiny("llama31"), other)
        for path in other.iterdir():
            path.chmod(0o644)
        self.perturb(trace, *LITTLE, "--model", other, out="copy.h5")  # a folder's name is no part of it
        tokenizer = other / "tokenizer.json"
        text = tokenizer.read_bytes()
        tokenizer.write_bytes(text + b"\n")
        self.refuse(trace, BAD_INPUT, "--model", other, named="tokenizer")
        tokenizer.write_bytes(text)
        with (other / "model.safetensors").open("r+b") as file:
            file.seek(-1, 2)
            last = file.read(1)[0]
            file.seek(-1, 2)
            file.write(bytes([last ^ 1]))
        self.refuse(trace, BAD_INPUT, "--model", other, named="model")

    def test_no_trace(self) -> None:
        text = self.folder / "text.h5"
        text.write_text("no trace")
        self.refuse(text, BAD_INPUT, named="text.h5")
        trace = self.trace_of(tiny("llama31"))
        self.refuse(self.perturb(trace, *LITTLE), BAD_INPUT, named="sweep.h5")
        with h5py.File(trace, "r+") as file:
            file.attrs["complete"] = 0
        self.refuse(trace, BAD_INPUT, named="run.h5")

    def test_an_output_that_is_there(self) -> None:
        trace = self.trace_of(tiny("llama31"))
        out = self.perturb(trace, *LITTLE)
        self.assert_fails(self.try_perturb(trace, *LITTLE), BAD_USAGE, "sweep.h5", "--overwrite")
        self.perturb(trace, *LITTLE, "--overwrite", "--seed", "1")
        self.assertEqual(attributes(out)[("/", "seed")], 1)


class Memory(SweepTest):
    """What a sweep holds does not grow with its prompts."""

    def test_many_prompts(self) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", 660, longest=600)
        trace = self.trace(tiny("llama31"), corpus, "--samples", "0", "--min-chars", "0", "--max-chars", "700", "--permutations", "10")
        peaks = []
        for prompts in ("0-59", "0-659"):
            path = self.perturb(trace, "--kinds", "teleport", "--controls", "none", "--prompts", prompts,
                                "--threads", "1", out=f"{prompts}.h5")  # fmt: skip
            with h5py.File(path) as file:
                peaks.append(int(file["timing"].attrs["peak_bytes"]))
                kept = file["teleport/score"].nbytes
        # What was measured of 600 prompts, in double precision, would be several times that bound.
        self.assertGreater(2 * kept, 3 * (40 << 20))
        self.assertLess(peaks[1], peaks[0] + memory_limit(40 << 20))


if __name__ == "__main__":
    unittest.main()
