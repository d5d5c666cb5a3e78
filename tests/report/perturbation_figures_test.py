"""Figures of sweeps: what stands in their data is what the sweep's datasets give."""

from __future__ import annotations

import math
import re
import unittest
from pathlib import Path

import h5py
import numpy as np
from figure_files import FiguresTest, Layer, Numbers, read_data
from orrery_program import run
from trace_file import datasets

#: A mean of n terms, summed in another order, differs by no more than n roundings of the greatest; here n < 1000.
ROUNDING = 1000 * 2.0**-53


def first_components(score: Numbers) -> Numbers:
    return score[..., :2].astype(np.float64)


class SweepFiguresTest(FiguresTest):
    """4 layers, prompts 0-3, a grid of 5 × 5, three epsilons, and all kinds."""

    def setUp(self) -> None:
        super().setUp()
        self.numbers = self.sweep_numbers
        self.starts = [int(layer) for layer in self.numbers["start_layer"]]
        self.panels = range(1, len(self.starts) + 1)
        self.assertGreater(len(self.starts), 2)
        self.assertEqual([case.decode() for case in self.numbers["case"][:2]], ["teleport", "random_direction"])
        self.depth = np.arange(len(self.numbers["points/layer"])) / 2

    def of(self, dataset: str) -> Numbers:
        return np.asarray(self.numbers[dataset], np.float64)

    def assert_near(self, seen: Numbers, expected: Numbers, scale: float | None = None) -> None:
        """Within rounding of the terms, whose greatest is `scale` where they cancel."""
        expected = np.asarray(expected, np.float64)
        self.assertEqual(seen.shape, expected.shape)
        most = scale if scale is not None else np.nanmax(np.abs(expected))
        np.testing.assert_allclose(seen, expected, rtol=ROUNDING, atol=0 if scale is None else ROUNDING * most)

    def layers_of(self, name: str, panel: int, count: int) -> list[Layer]:
        layers = self.data(name, panel)
        self.assertEqual(len(layers), count, f"{name}, panel {panel}")
        return layers


class FlowTest(SweepFiguresTest):
    def test_arrows(self) -> None:
        grid = self.of("teleport/grid")
        score = first_components(self.numbers["teleport/score"])
        for m, (panel, layer) in enumerate(zip(self.panels, self.starts, strict=True)):
            arrows, _, _ = self.layers_of("flow_field", panel, 3)
            flow = (score[:, m, :, 2 * layer + 2] - score[:, m, :, 2 * layer]).mean(axis=0)
            np.testing.assert_array_equal(np.stack([arrows["x"], arrows["y"]], axis=1), grid)
            scale = np.abs(score[:, m, :, 2 * layer : 2 * layer + 3]).max()
            self.assert_near(arrows["value"], np.hypot(*flow.T), scale)
            # One factor for all, with which the longest reaches the next grid point.
            spacing = np.array([grid[1, 0] - grid[0, 0], grid[5, 1] - grid[0, 1]])
            factor = 1 / (np.abs(flow) / spacing).max()
            drawn = np.stack([arrows["dx"], arrows["dy"]], axis=1)
            self.assert_near(drawn, factor * flow, factor * scale)
            self.assertAlmostEqual((np.abs(drawn) / spacing).max(), 1, places=12)
            script = (self.drawn / "flow_field.gp").read_text()
            self.assertIn(f"'From layer {layer}, arrows × {factor:.3g}'", script)

    def test_unperturbed(self) -> None:
        score = first_components(self.numbers["baseline/score"])
        for panel, layer in zip(self.panels, self.starts, strict=True):
            _, path, start = self.layers_of("flow_field", panel, 3)
            mean = score[:, 2 * layer :].mean(axis=0)
            self.assert_near(np.stack([path["x"], path["y"]], axis=1), mean, np.abs(score).max())
            self.assertEqual((start["x"].tolist(), start["y"].tolist()), ([path["x"][0]], [path["y"][0]]))


class RecoveryTest(SweepFiguresTest):
    def test_displacement(self) -> None:
        names = ("ratio", "relative_distance", "spread_distance", "cosine")
        for panel, name in enumerate(names, start=1):
            values = self.of(f"recovery/{name}")
            layers = self.layers_of("displacement", panel, 2 * len(self.starts) + (name == "ratio"))
            if name == "ratio":
                self.assertEqual(layers.pop(0)["y"].tolist(), [0.5, 0.5])
            for i, layer in enumerate(layers):
                case, m = divmod(i, len(self.starts))
                points = slice(2 * self.starts[m], None)
                np.testing.assert_array_equal(layer["x"], self.depth[points])
                self.assert_near(layer["y"], values[:, case, m, points].mean(axis=0), 1.0 if name == "cosine" else None)

    def test_summary(self) -> None:
        panels = [("ratio_end", "", 1.0), ("relative_distance_end", "relative_distance_start", 1.0),
                  ("spread_distance_end", "spread_distance_start", 1.0), ("inward_fraction", "", 0.5),
                  ("top1", "", None), ("kl", "", None)]  # fmt: skip
        for panel, (name, start, level) in enumerate(panels, start=1):
            layers = self.data("recovery", panel)
            if level is not None:
                self.assertEqual(layers.pop(0)["y"].tolist(), [level, level])
            bands = [layer for layer in layers if "low" in layer.columns]
            curves = [layer for layer in layers if "y" in layer.columns]
            self.assertEqual((len(bands), len(curves)), (0 if start else 2, 2), name)
            for case, curve in enumerate(curves):
                expected = self.of(f"summary/{name}")[case] / (self.of(f"summary/{start}")[case] if start else 1)
                np.testing.assert_array_equal(curve["x"], self.starts)
                np.testing.assert_array_equal(curve["y"], expected)
            for case, band in enumerate(bands):
                mean, error = self.of(f"summary/{name}")[case], self.of(f"summary/{name}_se")[case]
                np.testing.assert_array_equal(band["low"], np.where(mean > error, mean - error, mean))
                np.testing.assert_array_equal(band["high"], mean + error)


class MapsTest(SweepFiguresTest):
    def test_divergence(self) -> None:
        grid, kl = self.of("teleport/grid"), self.of("teleport/kl").mean(axis=0)
        score = first_components(self.numbers["baseline/score"])
        for m, (panel, layer) in enumerate(zip(self.panels, self.starts, strict=True)):
            heat, prompts = self.layers_of("kl_map", panel, 2)
            np.testing.assert_array_equal(np.stack([heat["x"], heat["y"]], axis=1), grid)
            self.assert_near(heat["value"], kl[m])
            np.testing.assert_array_equal(np.stack([prompts["x"], prompts["y"]], axis=1), score[:, 2 * layer])

    def test_noise(self) -> None:
        names = [name.decode() for name in self.numbers["direction"]]
        random = [r for r, name in enumerate(names) if name.startswith("random_")]
        kinds = [random, [r for r in range(len(names)) if r not in random]]
        self.assertEqual([len(kind) for kind in kinds], [2, 2])
        distance = self.of("noise/distance")
        start = np.stack([distance[:, m, ..., 2 * layer] for m, layer in enumerate(self.starts)], axis=1)
        ends = distance[..., -1] / start
        for panel, values in ((1, self.of("noise/kl")), (2, ends)):
            curves = self.layers_of("noise", panel, 2 * len(self.starts))
            for i, curve in enumerate(curves):
                kind, m = divmod(i, len(self.starts))
                np.testing.assert_array_equal(curve["x"], self.numbers["epsilon"])
                mean = values[:, m][:, :, kinds[kind]].mean(axis=(0, 2))
                self.assert_near(curve["y"], np.where(mean > 0, mean, np.nan))

    def test_ablation(self) -> None:
        kl = self.of("ablation/kl_mean")
        changed = 1 - self.of("ablation/top1").mean(axis=0)
        for panel, values in ((1, kl), (2, changed)):
            [heat] = self.layers_of("ablation", panel, 1)
            layers, parts = values.shape
            drawn = heat["value"].reshape(layers, parts + 1)
            self.assertTrue(np.isnan(drawn[:, parts - 1]).all(), "the MLP is in a column of its own")
            expected = np.where(values > 0, values, np.nan) if panel == 1 else values
            self.assert_near(np.delete(drawn, parts - 1, axis=1), expected, 1.0)
            self.assertEqual(heat["x"].reshape(drawn.shape)[0].tolist(), list(range(parts + 1)))


class OtherSweepsTest(FiguresTest):
    """Sweeps that lack a kind, or are as small as can be."""

    def sweep(self, *words: str) -> Path:
        path = self.folder / "sweep.h5"
        self.must("perturb", "--trace", self.run_file, "--out", path, "--progress", "none", "--overwrite", *words)
        return path

    def drawn_of(self, path: Path, *names: str) -> Path:
        out = self.folder / "figures"
        self.assert_done(run("figures", path, "--out", out, "--only", ",".join(names), "--format", "svg,pdf,png"))
        for name in names:
            self.assertTrue((out / f"{name}.svg").exists(), name)
        return out

    def test_one_of_each(self) -> None:
        """One prompt, one start layer, one grid point, one part's layer: no map has two rows."""
        path = self.sweep("--kinds", "teleport,noise,ablate", "--prompts", "0", "--layers", "1", "--grid", "1",
                          "--epsilon", "0.1", "--directions", "1", "--pc-directions", "0", "--ablate-layers", "2",
                          "--score-components", "2", "--controls", "none")  # fmt: skip
        out = self.drawn_of(path, "flow_field", "displacement", "recovery", "kl_map", "noise", "ablation")
        numbers = datasets(path)
        dot = read_data(out / "kl_map.dat")[0]
        self.assertEqual(dot["value"].tolist(), numbers["teleport/kl"].ravel().tolist())
        self.assertEqual(len(read_data(out / "displacement.dat")), 1 + 4, "there is no control")
        script = (out / "flow_field.gp").read_text()
        self.assertIn("'From layer 1, arrows × 1'", script)

    def test_one_component(self) -> None:
        """Where no plane is kept, there is none to draw, and nothing fails."""
        path = self.sweep("--kinds", "teleport", "--prompts", "0-1", "--grid", "2", "--score-components", "1")
        out = self.drawn_of(path, "flow_field", "kl_map")
        self.assertEqual((out / "flow_field.dat").read_text(), "")

    def test_grid_by_layer(self) -> None:
        path = self.sweep("--kinds", "teleport", "--prompts", "0-1", "--grid", "3", "--range", "layer",
                          "--mode", "shift", "--controls", "none")  # fmt: skip
        out = self.drawn_of(path, "flow_field", "kl_map")
        grid = datasets(path)["teleport/grid"]
        self.assertEqual(grid.ndim, 3)
        heats = [layer for layer in read_data(out / "kl_map.dat") if "value" in layer.columns]
        for m, heat in enumerate(heats):
            np.testing.assert_array_equal(np.stack([heat["x"], heat["y"]], axis=1), grid[m])

    def test_ticks(self) -> None:
        """Labels of logarithmic axes name the place they stand at."""
        path = self.sweep("--kinds", "noise", "--prompts", "0-1", "--epsilon", "1e-3,2e-3", "--directions", "2",
                          "--pc-directions", "0")  # fmt: skip
        script = (self.drawn_of(path, "noise") / "noise.gp").read_text()
        ticks = re.findall(r"'([^']+)' ([-+.e\d]+)", " ".join(re.findall(r"(?m)^set ytics \((.+)\)$", script)))
        self.assertGreater(len(ticks), 3)
        for label, place in ticks:
            power = re.fullmatch(r"(?:(\d)·)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", label.strip())
            raised = power[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) if power else ""
            value = f"{power[1] or 1}e{raised}" if power else label.replace("−", "-")
            self.assertAlmostEqual(float(value) / float(place), 1, places=12)

    def test_not_there(self) -> None:
        """What was not perturbed is not drawn, and a line says why."""
        path = self.sweep("--kinds", "noise", "--prompts", "0-1", "--epsilon", "0.1,1", "--directions", "1",
                          "--pc-directions", "1")  # fmt: skip
        out = self.folder / "figures"
        outcome = self.assert_done(run("figures", path, "--out", out, "--format", "svg"))
        for name, lacks in (("flow_field", "/teleport/score"), ("displacement", "/teleport/kl"),
                            ("recovery", "/teleport/kl"), ("kl_map", "/teleport/kl"),
                            ("ablation", "/ablation/kl_mean")):  # fmt: skip
            self.assertIn(f"{name}: the file has no {lacks}", outcome.errors)
            self.assertFalse((out / f"{name}.svg").exists())
        self.assertTrue((out / "noise.svg").exists())

    def test_zeros_are_white(self) -> None:
        """A divergence of 0 has no logarithm, and one that is not a number no colour."""
        path = self.sweep("--kinds", "teleport,ablate", "--prompts", "0-1", "--grid", "2", "--controls", "none")
        with h5py.File(path, "r+") as file:
            del file["checksum"]
            kl = file["teleport/kl"][...]
            kl[:, 0] = [0, 1e-6, 1, math.inf]
            file["teleport/kl"][...] = kl
            file["ablation/kl_mean"][...] = math.nan
        out = self.drawn_of(path, "kl_map", "ablation")
        first = next(layer for layer in read_data(out / "kl_map.dat") if layer.panel == 1)
        np.testing.assert_array_equal(first["value"], [math.nan, 1e-6, 1, math.nan])
        self.assertEqual({layer.panel for layer in read_data(out / "ablation.dat")}, {2})


del FiguresTest, SweepFiguresTest

if __name__ == "__main__":
    unittest.main()
