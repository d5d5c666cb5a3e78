"""Figures of phase portraits and turns show the file's numbers."""

from __future__ import annotations

import math
import re
import unittest

import numpy as np
from figure_files import FiguresTest, Layer, Numbers, read_data
from orrery_program import run
from tiny_models import write_deep_model
from trace_file import datasets

NULLS = ("", "_layer", "_step", "_sign")
#: A bin's centre is the sum of two numbers below 64, one a product: three roundings of at most 2⁻⁴⁸.
CENTRE = 3 * 2.0**-48


class RotationFigures(FiguresTest):
    def numbers(self, name: str) -> Numbers:
        return self.trace_numbers[f"rotation/{name}"].astype(np.float64)

    def test_portraits(self) -> None:
        """The units with the most turns, those about the median, those with the fewest, each with its gradient."""
        mean = self.trace_numbers["trajectory/mean"][:-1]
        turns = self.numbers("turns")
        known = [unit for unit in range(len(turns)) if not math.isnan(turns[unit])]
        order = sorted(known, key=lambda unit: (-abs(turns[unit]), unit))
        middle = len(order) // 2
        chosen = order[:3] + order[middle - 1 : middle + 2] + order[-3:]
        layers = self.data("portraits")
        self.assertEqual([layer.panel for layer in layers], list(range(1, 10)))
        for layer, unit in zip(layers, chosen, strict=True):
            np.testing.assert_array_equal(layer["x"], mean[:, unit], err_msg=f"unit {unit}")
            np.testing.assert_array_equal(layer["y"], np.gradient(mean[:, unit]), err_msg=f"unit {unit}")
            np.testing.assert_array_equal(layer["value"], np.arange(len(mean)) / 2)
        titles = re.findall(r"set label 1 '(unit [^']*)'", (self.drawn / "portraits.gp").read_text())
        self.assertEqual(titles, [f"unit {unit}, {turns[unit]:.3g} turns".replace("-", "−") for unit in chosen])

    def assert_histogram(self, layer: Layer, values: Numbers, most: float) -> None:
        """Bins before and behind the others are left out of outlines where they are empty."""
        width = most / 40
        values = values[~np.isnan(values)]
        shares = np.bincount(np.minimum((values / width).astype(int), 39), minlength=40) / len(values)
        first = round(layer["bin_centre"][0] / width - 0.5)
        end = first + len(layer["height"])
        np.testing.assert_array_equal(layer["height"], shares[first:end])
        np.testing.assert_allclose(layer["bin_centre"], (np.arange(first, end) + 0.5) * width, rtol=0, atol=CENTRE)
        self.assertEqual((shares[:first].sum(), shares[end:].sum()), (0, 0))

    def test_turns(self) -> None:
        observed = np.abs(self.numbers("turns"))
        means = [self.numbers(f"null{suffix}_abs_mean") for suffix in NULLS]
        most = math.ceil(np.nanmax([observed, *means]))
        filled, *outlines = self.data("turns", 1)
        self.assert_histogram(filled, observed, most)
        self.assertEqual(len(filled["height"]), 40)
        for outline, values in zip(outlines, means, strict=True):
            self.assert_histogram(outline, values, most)

    def test_tails(self) -> None:
        """The share of units that turn more, and fewer times, than each null; and what chance gives."""
        more, fewer, chance = self.data("turns", 2)
        for layer, tail, aside in ((more, "p_more", -0.1), (fewer, "p_fewer", 0.1)):
            values = [self.numbers(tail + suffix) for suffix in NULLS]
            shares = [(some < 0.05).sum() / (~np.isnan(some)).sum() for some in values]
            np.testing.assert_array_equal(layer["y"], shares)
            np.testing.assert_allclose(layer["x"], np.arange(1, 5) + aside, rtol=1e-15)
        self.assertGreater(more["y"].max() + fewer["y"].max(), 0)
        np.testing.assert_array_equal(chance["y"], [0.05, 0.05])

    def test_local_turns(self) -> None:
        """Entry i is of the turning angles at points i + 1 … i + 8, and stands in their middle."""
        model = write_deep_model(self.folder / "deep")
        corpus = self.run_file.parent / "corpus.txt"
        file = self.trace(model, corpus, "--weights", "random", "--min-chars", "0", "--permutations", "10")
        out = self.folder / "figures"
        self.assert_done(run("figures", file, "--out", out, "--only", "local_turns", "--format", "svg"))
        values = datasets(file)["rotation/local_turns"]
        self.assertEqual(len(values), 12 - 9)
        [layer] = read_data(out / "local_turns.dat")
        np.testing.assert_array_equal(layer["y"], values)
        points = np.arange(3)[:, None] + np.arange(1, 9)
        np.testing.assert_array_equal(layer["x"], points.mean(axis=1) / 2)

        words = ("--out", out, "--only", "local_turns", "--format", "svg")
        self.assert_done(run("figures", file, self.run_file, *words))
        [relative] = read_data(out / "local_turns.dat")
        np.testing.assert_allclose(relative["x"], points.mean(axis=1) / 2 / 6, rtol=2.0**-52)

    def test_local_turns_of_few_layers(self) -> None:
        self.assertNotIn("rotation/local_turns", self.trace_numbers)
        outcome = run("figures", self.run_file, "--out", self.folder / "figures", "--only", "local_turns")
        self.assertIn("local_turns: the file has no /rotation/local_turns", str(outcome))


del FiguresTest

if __name__ == "__main__":
    unittest.main()
