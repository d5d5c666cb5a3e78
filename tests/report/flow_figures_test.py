"""Figures of the linear flow and of principal angles show the file's numbers."""

from __future__ import annotations

import shutil
import unittest

import numpy as np
from figure_files import FiguresTest, Numbers, read_data
from orrery_program import run

#: An angle in degrees is a product of the file's and 180 ÷ pi, itself off by a rounding; a median's sum adds one.
DEGREES = 4 * 2.0**-52


class FlowFigures(FiguresTest):
    def numbers(self, name: str) -> Numbers:
        return self.trace_numbers[f"geometry/{name}"].astype(np.float64)

    def test_eigenvalues(self) -> None:
        """In the order of the file, but for those outside a square that holds 19 of 20 and the unit circle."""
        circle, cloud = self.data("flow_eigenvalues", 1)
        np.testing.assert_allclose(np.hypot(circle["x"], circle["y"]), 1, rtol=2.0**-51)
        self.assertEqual((circle["x"][0], circle["y"][0]), (1, 0))
        parts = self.numbers("flow_eigenvalue")
        real, imaginary = parts[..., 0].ravel(), parts[..., 1].ravel()
        depth = np.repeat((np.arange(len(parts)) + 0.5) / 2, parts.shape[1])
        lengths = np.sort(np.hypot(real, imaginary))
        lengths = lengths[~np.isnan(lengths)]
        reach = 1.1 * max(1.0, lengths[(len(lengths) - 1) * 95 // 100])
        inside = ~((np.abs(real) > reach) | (np.abs(imaginary) > reach))
        np.testing.assert_array_equal(cloud["x"], real[inside])
        np.testing.assert_array_equal(cloud["y"], imaginary[inside])
        np.testing.assert_array_equal(cloud["value"], depth[inside])
        self.assertGreater(np.abs(cloud["y"]).max(), 0)

    def test_shares(self) -> None:
        for layer, name in zip(
            self.data("flow_eigenvalues", 2), ("flow_explained", "flow_persistence"), strict=True
        ):
            values = self.numbers(name)
            np.testing.assert_array_equal(layer["x"], (np.arange(len(values)) + 0.5) / 2)
            np.testing.assert_array_equal(layer["y"], values)

    def test_map_of_angles(self) -> None:
        [layer] = self.data("principal_angles", 1)
        angles = self.numbers("principal_angle")
        steps, modes = angles.shape
        mode, step = np.meshgrid(np.arange(modes), np.arange(steps), indexing="ij")
        np.testing.assert_array_equal(layer["x"], (step.ravel() + 0.5) / 2)
        np.testing.assert_array_equal(layer["y"], mode.ravel() + 1)
        np.testing.assert_allclose(layer["value"], np.degrees(angles).T.ravel(), rtol=DEGREES)

    def test_angles_over_depth(self) -> None:
        largest, median, smallest, chance = self.data("principal_angles", 2)
        angles = np.degrees(self.numbers("principal_angle"))
        for layer, values in (
            (largest, np.nanmax(angles, axis=1)),
            (median, np.nanmedian(angles, axis=1)),
            (smallest, np.nanmin(angles, axis=1)),
        ):
            np.testing.assert_array_equal(layer["x"], (np.arange(len(values)) + 0.5) / 2)
            np.testing.assert_allclose(layer["y"], values, rtol=DEGREES)
        share = (~np.isnan(angles)).sum(axis=1) / self.trace_numbers["trajectory/mean"].shape[1]
        expected = np.degrees(np.arccos(np.sqrt(4 * share * (1 - share))))
        np.testing.assert_allclose(chance["y"], expected, rtol=1e-14)

    def test_overlaid(self) -> None:
        """The median angle of each run, over relative depth."""
        other, out = self.folder / "other.h5", self.folder / "figures"
        shutil.copy(self.run_file, other)
        words = ("--out", out, "--only", "principal_angles", "--format", "svg")
        self.assert_done(run("figures", self.run_file, other, *words))
        curves = [layer for layer in read_data(out / "principal_angles.dat") if layer.panel == 2]
        self.assertEqual(len(curves), 2)
        median = np.nanmedian(np.degrees(self.numbers("principal_angle")), axis=1)
        for curve in curves:
            np.testing.assert_allclose(curve["y"], median, rtol=DEGREES)
            np.testing.assert_allclose(curve["x"], (np.arange(len(median)) + 0.5) / len(median), rtol=2.0**-51)


del FiguresTest

if __name__ == "__main__":
    unittest.main()
