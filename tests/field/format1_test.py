"""Files of format 1 that an earlier version wrote are read as ever: tests/data/format1."""

from __future__ import annotations

import shutil
import unittest
from pathlib import Path

import h5py
import numpy as np
from checksums import refresh
from orrery_program import ROOT, ProgramTest, run
from tiny_models import tiny

FILES = ROOT / "tests" / "data" / "format1"
TRACES, SWEEPS = ("kept", "streamed"), ("sweep", "sweep_of_equal_rows")
SPREAD = ("/recovery/spread_distance", "/summary/spread_distance_start")
DAMAGED = 1


class FormatTest(ProgramTest):
    def test_verifies(self) -> None:
        for name in (*TRACES, *SWEEPS):
            outcome = self.assert_done(run("verify", FILES / f"{name}.h5"))
            self.assertNotIn("FAILED", outcome.output)
            self.assertEqual("earlier versions" in outcome.output, name == "sweep_of_equal_rows")

    def test_infinite_spreads_are_named(self) -> None:
        """For what they are: but an infinity anywhere else is damage."""
        path = FILES / "sweep_of_equal_rows.h5"
        with h5py.File(path) as file:
            self.assertTrue(np.isinf(file["recovery/spread_distance"][:, :, 0, 0]).all())
        line = next(line for line in run("verify", path).output.splitlines() if "earlier versions" in line)
        for name in SPREAD:
            self.assertIn(name, line)
        for name, place in (("recovery/spread_distance", (0, 0, 0, 3)), ("summary/spread_distance_end", (0, 0)),
                            ("recovery/ratio", (0, 0, 0, 0)), ("summary/spread_distance_start", (0, 1))):  # fmt: skip
            damaged = Path(shutil.copyfile(path, self.folder / "damaged.h5"))
            with h5py.File(damaged, "r+") as file:
                file[name][place] = np.inf
            refresh(damaged)
            outcome = run("verify", damaged)
            self.assertEqual(outcome.code, DAMAGED, f"{name}: {outcome}")
            self.assertIn(f"FAILED  finite: /{name} is inf", outcome.output)

    def test_inspects(self) -> None:
        for name in TRACES:
            outcome = self.assert_done(run("inspect", FILES / f"{name}.h5"))
            self.assertIn("velocity", outcome.output)
        for name in SWEEPS:
            outcome = self.assert_done(run("inspect", FILES / f"{name}.h5"))
            self.assertRegex(outcome.output, r"(?m)^teleport +0 ")
            self.assertNotIn("infinite", outcome.output)
            self.assertEqual(" – → " in outcome.output, name == "sweep_of_equal_rows")
        for name in (*TRACES, *SWEEPS):
            self.assert_done(run("inspect", FILES / f"{name}.h5", "--ini"))

    def test_draws(self) -> None:
        for trace, sweep in zip(TRACES, SWEEPS, strict=True):
            out = self.folder / trace
            words = ("--out", out, "--format", "svg")
            self.assert_done(run("figures", FILES / f"{trace}.h5", FILES / f"{sweep}.h5", *words))
            drawn = {path.stem for path in out.glob("*.svg")}
            self.assertEqual(drawn, {path.stem for path in out.glob("*.dat")})
            self.assertTrue({"recovery", "displacement"} <= drawn, drawn)
            self.assertTrue((out / "index.html").is_file())

    def test_perturbs(self) -> None:
        """A trace carries a sweep, whose numbers are those of the sweep that was made of it then."""
        words = ("--model", tiny("llama-mha"), "--grid", "2", "--prompts", "0,1", "--directions", "1", "--pc-directions",
                 "1", "--epsilon", "0.1,1", "--score-components", "2", "--kinds", "teleport,noise,ablate")  # fmt: skip
        for name in TRACES:
            path = self.folder / f"{name}.h5"
            self.assert_done(run("perturb", "--trace", FILES / f"{name}.h5", *words, "--out", path))
            self.assertNotIn("FAILED", self.assert_done(run("verify", path)).output)
            with h5py.File(path) as now, h5py.File(FILES / "sweep.h5") as then:
                for dataset in ("baseline/norm", "teleport/distance", "noise/distance", "ablation/kl"):
                    # The machine may be another, and the streamed components are off by their quanta.
                    np.testing.assert_allclose(now[dataset][()], then[dataset][()], rtol=1e-3, atol=1e-3, err_msg=name)


if __name__ == "__main__":
    unittest.main()
