"""`orrery inspect --plot` draws the numbers that the file holds."""

from __future__ import annotations

import unittest

import numpy as np
from figure_files import FiguresTest
from numpy.typing import NDArray
from orrery_program import run

BAD_USAGE = 64
ROWS = 5
EIGHTHS = " ▁▂▃▄▅▆▇█"
MARGIN = 9


def heights(chart: list[str], columns: int) -> list[int]:
    """Of each bar, in eighths of a line."""
    rows = [line[MARGIN:].ljust(columns) for line in chart[1 : 1 + ROWS]]
    return [sum(EIGHTHS.index(row[column]) for row in rows) for column in range(columns)]


def expected(values: NDArray[np.float64], is_logarithmic: bool) -> list[int]:
    least, greatest = np.nanmin(values), np.nanmax(values)
    if is_logarithmic:
        values, least, greatest = np.log(values), np.log(least), np.log(greatest)
    elif 0 <= least < greatest / 2:
        least = 0
    share = (values - least) / (greatest - least)
    return [0 if np.isnan(one) else max(1, int(np.floor(one * 8 * ROWS + 0.5))) for one in share]


class Charts(FiguresTest):
    """Bars, and what stands beside them."""

    def charts(self, file: object) -> dict[str, list[str]]:
        output = self.assert_done(run("inspect", str(file), "--plot")).output
        blocks = [block.splitlines() for block in output.removesuffix("\n").split("\n\n")]
        for block in blocks:
            self.assertEqual(len(block), ROWS + 2, block)
            self.assertLessEqual(max(map(len, block)), MARGIN + 72, block)
        return {block[0]: block for block in blocks}

    def check(self, chart: list[str], values: NDArray[np.float64], is_logarithmic: bool = False) -> None:
        self.assertEqual(heights(chart, len(values)), expected(values, is_logarithmic))
        self.assertEqual(chart[1].split()[0], f"{np.nanmax(values):.3g}")

    def test_trace(self) -> None:
        found, numbers = self.charts(self.run_file), self.trace_numbers
        layers = (len(numbers["points/layer"]) - 1) // 2
        self.assertIn("layer 0", found["velocity (logarithmic)"][-1])
        self.assertIn(f"layer {layers}", found["velocity (logarithmic)"][-1])
        self.check(found["cosine of successive streams"], numbers["continuity/cosine_mean"])
        self.check(found["velocity (logarithmic)"], numbers["continuity/velocity_mean"], is_logarithmic=True)
        self.check(found["participation ratio"], numbers["pca/participation_ratio"])
        if "rotation/local_turns" in numbers:
            self.assertIn("turns in 8 steps, mean over units", found)

    def test_sweep(self) -> None:
        found, numbers = self.charts(self.sweep_file), self.sweep_numbers
        self.assertEqual(len(found), len(numbers["start_layer"]))
        for m, layer in enumerate(numbers["start_layer"]):
            title = f"teleport at layer {layer}: distance over the stream's norm (logarithmic)"
            mean = numbers["recovery/relative_distance"][:, 0, m, 2 * layer :].mean(axis=0)
            self.check(found[title], mean, is_logarithmic=True)

    def test_one_form(self) -> None:
        self.assert_fails(run("inspect", self.run_file, "--plot", "--json"), BAD_USAGE, "--plot", "--json")


del FiguresTest

if __name__ == "__main__":
    unittest.main()
