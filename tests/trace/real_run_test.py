"""The main job in small: a trained Llama over rows of WikiText-2, on ranks, threads and in both orders."""

from __future__ import annotations

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
import xarray
from orrery_program import PYTHON, ROOT, SANITIZED, ProgramTest, ranks_for, run, shared_data
from reference.files import streaming_complaints
from reference.headline import headline, headline_errors
from trace_file import attributes, datasets, differences

MODEL = ROOT / "build" / "models" / "smollm2-135m-instruct-q4_1"
SAMPLES = 24
LAYERS, UNITS = 30, 576
POINTS = 2 * LAYERS + 1
DRAWS = 100
RANKS = str(ranks_for(2))

HEADLINE = [
    f"{name}_{place}"
    for names, places in (
        (("adjacent_correlation", "residual_null"), ("within", "across")),
        (("cosine", "velocity", "relative_velocity"), ("first", "last")),
        (("components_90", "participation_ratio", "participation_ratio_corrected"), ("early", "late")),
    )
    for name in names
    for place in places
] + [
    f"{name}{null}"
    for null in ("", "_layer", "_step", "_sign")
    for name in ("turns_null", "turns_more", "turns_more_q", "turns_fewer", "turns_fewer_q")
] + ["turns"]  # fmt: skip

#: Groups as xarray sees them: each variable's dimensions.
LABELLED = {
    "samples": {"row": ("sample",), "token": ("token_index",), "token_offset": ("sample_bound",)},
    "points": {"layer": ("point",), "kind": ("point",)},
    "residual": {"last_token": ("sample", "point", "unit")},
    "trajectory": {"mean": ("point", "unit"), "variance": ("point", "unit")},
    "continuity": {
        "correlation": ("point", "other_point"),
        "correlation_units": ("point", "other_point"),
        "unit_correlation": ("step", "unit"),
        "residual_null": ("step",),
        "mutual_information": ("step", "unit"),
        "velocity_mean": ("step",),
        "acceleration": ("bend",),
    },
    "density": {"norm_mean": ("point",), "hoyer_std": ("point",)},
    "pca": {
        "eigenvalue": ("point", "eigen"),
        "component": ("point", "mode", "unit"),
        "components_for": ("point", "share"),
        "rank": ("point",),
    },
    "rotation": {"turns": ("unit",), "null_layer_mean": ("unit",), "local_turns": ("run",)},
    "pooled": {
        "eigenvalue": ("pooled_eigen",),
        "component": ("pooled_mode", "unit"),
        "score": ("sample", "point", "pooled_mode"),
        "score_range": ("extreme", "point", "pooled_mode"),
    },
    "geometry": {
        "curvature_mean": ("bend",),
        "principal_angle": ("step", "mode"),
        "flow_eigenvalue": ("step", "flow_mode", "complex_part"),
        "straightness": ("sample",),
    },
    "control/sample_permuted": {"correlation": ("point", "other_point"), "sample_turns_mean": ("unit",)},
    "control/layer_permuted": {"correlation": ("place", "other_place"), "point": ("place",)},
    "control/random_basis": {"correlation": ("point", "other_point"), "turns": ("unit",)},
    "timing": {"peak_bytes": ("rank_number",)},
}
LENGTHS = {
    "sample": SAMPLES,
    "sample_bound": SAMPLES + 1,
    "point": POINTS,
    "other_point": POINTS,
    "step": POINTS - 1,
    "bend": POINTS - 2,
    "unit": UNITS,
    "mode": SAMPLES - 1,
    "eigen": SAMPLES - 1,
    "share": 5,
    "run": 2 * LAYERS - 9,
    "pooled_mode": 64,
    "pooled_eigen": UNITS,
    "flow_mode": 16,
}


def options() -> list[str | Path]:
    corpus = shared_data("wikitext-2/wiki.test.raw")
    return ["--model", MODEL, "--corpus", corpus, "--samples", str(SAMPLES), "--dtype", "float32", "--device", "cpu",
            "--permutations", str(DRAWS)]  # fmt: skip


def planned_memory(plan: str) -> float:
    """Bytes a rank, as `orrery plan` says."""
    number, unit = re.search(r"(?m)^memory +([0-9.]+) ([MG])iB a rank", plan).groups()
    return float(number) * 2 ** {"M": 20, "G": 30}[unit]


class RealRun(ProgramTest):
    """One run on two ranks is looked at from all sides; others must give its bits."""

    @classmethod
    def setUpClass(cls) -> None:
        if not (MODEL / "model.safetensors").is_file():
            subprocess.run([str(PYTHON), str(ROOT / "jobs" / "fetch_smollm2.py")], check=True, timeout=900)
        scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.path = Path(scratch.name) / "two-ranks.h5"
        cls.outcome = run("trace", *options(), "--out", cls.path, "--threads", "1", ranks=2, timeout=120)
        if cls.outcome.code != 0:
            raise AssertionError(str(cls.outcome))

    def run_again(self, *words: str, ranks: int = 0) -> Path:
        path = self.folder / "again.h5"
        self.assert_done(run("trace", *options(), "--out", path, *words, ranks=ranks, timeout=120))
        return path

    def assert_planned(self, memory: float, used: float) -> None:
        """As promised; what a sanitizer takes comes on top of what is used."""
        if SANITIZED:
            self.assertLess(memory, 1.15 * used)
        else:
            self.assertAlmostEqual(memory, used, delta=0.15 * used)

    def test_one_rank_of_two_threads(self) -> None:
        self.assertEqual(differences(self.path, self.run_again("--threads", "2")), [])

    def test_one_rank_of_one_thread_layer_by_layer(self) -> None:
        self.assertEqual(differences(self.path, self.run_again("--threads", "1", "--order", "layers")), [])

    def test_two_ranks_of_two_threads_layer_by_layer(self) -> None:
        self.assertEqual(differences(self.path, self.run_again("--threads", "2", "--order", "layers", ranks=2)), [])

    def test_streaming(self) -> None:
        """It agrees with kept rows, is the same bits on other ranks, undamaged, and as large as planned."""
        one, other = self.folder / "one.h5", self.folder / "other.h5"
        words = [*options(), "--moments", "streaming"]
        self.assert_done(run("trace", *words, "--out", one, "--threads", "1", ranks=2, timeout=240))
        self.assertEqual(streaming_complaints(self.path, one), [])
        self.assert_done(run("verify", one))
        used = datasets(one)["timing/peak_bytes"].max()
        plan = self.assert_done(run("plan", "trace", *words, "--threads", "1", "--ranks", RANKS)).output
        planned = planned_memory(plan)
        self.assert_planned(planned, used)
        self.assert_done(run("trace", *words, "--out", other, "--threads", "2", "--order", "layers", timeout=240))
        self.assert_done(run("verify", one, other))

    def test_kept_rows_are_sound(self) -> None:
        self.assert_done(run("verify", self.path))

    def test_shapes_and_tokens(self) -> None:
        found = datasets(self.path)
        self.assertEqual(found["residual/last_token"].shape, (SAMPLES, POINTS, UNITS))
        tokens = found["samples/token"][found["samples/token_offset"][:-1]]
        self.assertTrue((tokens == 1).all(), "each sample begins with one BOS")
        self.assertTrue((found["samples/characters"] > 100).all() and (found["samples/characters"] < 500).all())
        self.assertTrue((np.diff(found["samples/row"]) > 0).all(), "in file order")
        may_be_nan = {name for (name, key) in attributes(self.path) if key == "nan_where"}
        for name, values in found.items():
            if values.dtype.kind == "f" and name not in LENGTHS and name not in may_be_nan:
                self.assertTrue(np.isfinite(values).all(), name)
        full = found["pca/component"][found["pca/rank"] == SAMPLES - 1]
        self.assertTrue(np.isfinite(full).all() and len(full) > POINTS // 2)

    def test_headline(self) -> None:
        found = {name: value for (item, name), value in attributes(self.path).items() if item == "headline"}
        self.assertEqual(set(found), set(HEADLINE) | {f"{name}_se" for name in HEADLINE})
        x = datasets(self.path)["residual/last_token"].astype(np.float64)
        expected = headline(x, DRAWS) | {f"{name}_se": value for name, value in headline_errors(x, DRAWS).items()}
        for name, value in expected.items():
            with self.subTest(name=name):
                np.testing.assert_allclose(found[name], value, rtol=1e-8, atol=1e-12)
                self.assertGreaterEqual(found[name], 0)
                if name.startswith("components_90") and value == 0:
                    self.assertEqual(found[name], 0, "ten equal whole numbers have no spread at all")

    def test_what_a_trained_llama_does(self) -> None:
        """Facts that no wrong forward would show."""
        found = datasets(self.path)
        velocity = found["continuity/velocity_mean"]
        late = velocity[2 * LAYERS // 3 : 2 * LAYERS - 1]
        self.assertGreater(late.mean(), 3 * velocity[: LAYERS // 3].mean(), "steps grow with depth")
        self.assertTrue((found["continuity/cosine_mean"][4:-1] > 0.85).all(), "a stream keeps its direction")
        self.assertTrue((np.diag(found["continuity/correlation"], 1)[4:] > 0.65).all(), "units are continuous")
        self.assertTrue((np.diag(found["continuity/correlation"], 30) < 0.3).all(), "but not over half the depth")
        norm = found["density/norm_mean"]
        self.assertGreater(norm[-2], 5 * norm[0], "the stream's norm grows")
        ids = found["samples/token"][found["samples/token_offset"][1:] - 1]
        self.assertEqual(found["pca/rank"][0], len(set(ids.tolist())) - 1, "point 0 is the last token's embedding")

    def test_xarray(self) -> None:
        for group, variables in LABELLED.items():
            with self.subTest(group=group), xarray.open_dataset(self.path, group=group, engine="h5netcdf") as data:
                for name, dimensions in variables.items():
                    self.assertEqual(data[name].dims, dimensions, name)
                    for dimension in dimensions:
                        if dimension in LENGTHS:
                            self.assertEqual(data.sizes[dimension], LENGTHS[dimension], name)
                    self.assertTrue(data[name].attrs["long_name"], name)
        with h5py.File(self.path) as file, xarray.open_dataset(self.path, group="pca", engine="h5netcdf") as pca:
            np.testing.assert_array_equal(pca.eigenvalue.isel(point=3).values, file["pca/eigenvalue"][3])
            groups = {name for name in file if isinstance(file[name], h5py.Group)}
            self.assertEqual({name.split("/")[0] for name in LABELLED} | {"headline", "checksum"}, groups)

    def test_plan(self) -> None:
        """File size and memory as planned, within the 15 % that are promised."""
        plan = self.assert_done(run("plan", "trace", *options(), "--threads", "1", "--ranks", RANKS)).output
        file = float(re.search(r"(?m)^file +([0-9.]+) MiB", plan)[1]) * 2**20
        self.assertAlmostEqual(file, self.path.stat().st_size, delta=0.02 * file)
        memory = planned_memory(plan)
        used = datasets(self.path)["timing/peak_bytes"].max()
        self.assert_planned(memory, used)

    def perturb(self, name: str, *words: str, ranks: int = 0) -> Path:
        path = self.folder / name
        few = ("--prompts", "0-3", "--epsilon", "0,0.1", "--directions", "2", "--pc-directions", "1")
        self.assert_done(run("perturb", "--trace", self.path, "--out", path, *few, *words, ranks=ranks, timeout=240))
        self.assert_done(run("verify", path))
        return path

    def test_sweep(self) -> None:
        """Undamaged, as large as planned, and what teleports in a trained Llama do beside their control."""
        path = self.perturb("sweep.h5", "--threads", "1", ranks=2)
        sweep = datasets(path)
        self.assertTrue((sweep["noise/distance"][:, :, 0, :, -1] == 0).all(), "a perturbation of zero")
        self.assertTrue((sweep["noise/kl"][:, :, 0] == 0).all())
        with h5py.File(path) as file:
            used = file["timing"].attrs["peak_bytes"]
        plan = self.assert_done(run("plan", "perturb", "--trace", self.path, "--prompts", "0-3", "--ranks", RANKS)).output
        planned = planned_memory(plan)
        self.assert_planned(planned, used)
        teleported, turned = sweep["summary/top1"][:2]
        self.assertTrue((teleported[:4] > turned[:4]).all(), (teleported, turned))
        self.assertTrue((sweep["summary/inward_fraction"][0] > sweep["summary/inward_fraction"][1]).all())

    def test_sweep_in_bfloat16(self) -> None:
        """The same bits on other ranks, threads and in the other order; a perturbation of zero is none."""
        words = ("--dtype", "bfloat16", "--grid", "4")
        one = self.perturb("one.h5", *words, "--threads", "1", ranks=2)
        other = self.perturb("other.h5", *words, "--threads", "2", "--order", "layers")
        self.assert_done(run("verify", one, other))
        self.assertTrue((datasets(one)["noise/kl"][:, :, 0] == 0).all())

    def test_what_is_said(self) -> None:
        self.assertIn("adjacent correlation", self.outcome.output)
        self.assertTrue(self.outcome.output.endswith(f"{self.path}\n"), self.outcome.output)
        self.assertIn(f"{SAMPLES} samples", self.outcome.errors)


if __name__ == "__main__":
    unittest.main()
