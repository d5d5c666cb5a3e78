"""`orrery inspect` shows the summary of a sweep as it stands in the file."""

from __future__ import annotations

import math
import os
import re
import subprocess
import unittest
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from orrery_program import ProgramTest, environment, run

BAD_INPUT = 65
CASES = ["teleport", "random_direction", "noise 0.01", "noise 0.1"]
LAYERS = [0, 3]
#: The numbers that the table shows, with as many as it has; no two alike.
SHOWN = ("ratio_end", "ratio_end_se", "relative_distance_start", "relative_distance_end", "spread_distance_start",
         "spread_distance_end", "half_life_median", "halved", "inward_fraction", "kl", "kl_se", "top1")  # fmt: skip
HEADINGS = ["case", "layer", "distance end/start", "distance/norm", "distance/spread", "half-life", "halved", "inward",
            "KL (nats)", "top-1 kept"]  # fmt: skip


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def expected(values: dict[str, float]) -> list[str]:
    """The entries behind case and layer."""
    return [
        f"{values['ratio_end']:.3g} ± {values['ratio_end_se']:.2g}",
        f"{values['relative_distance_start']:.3g} → {values['relative_distance_end']:.3g}",
        f"{values['spread_distance_start']:.3g} → {values['spread_distance_end']:.3g}",
        f"{values['half_life_median']:.3g}",
        percent(values["halved"]),
        percent(values["inward_fraction"]),
        f"{values['kl']:.3g} ± {values['kl_se']:.2g}",
        percent(values["top1"]),
    ]


class SweepSummary(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "sweep.h5"
        command = [os.environ["ORRERY_EXAMPLE_FILE"], str(self.path), "sweep"]
        subprocess.run(command, check=True, env=environment())
        self.numbers = {}
        for place, name in enumerate(SHOWN):
            values = 0.001 * (1 + place) + 0.0123 * np.arange(len(CASES) * len(LAYERS))
            self.numbers[name] = values.reshape(len(CASES), len(LAYERS))
        self.write(lambda file: None)

    def write(self, change: Callable[[h5py.File], object]) -> None:
        with h5py.File(self.path, "r+") as file:
            for name, values in self.numbers.items():
                file[f"summary/{name}"][...] = values
            change(file)

    def inspected(self) -> str:
        return self.assert_done(run("inspect", self.path)).output

    def table(self, text: str) -> list[list[str]]:
        lines = text.splitlines()
        first = next(place for place, line in enumerate(lines) if line.startswith("case "))
        return [re.split(r" {2,}", line) for line in lines[first : first + 1 + len(CASES) * len(LAYERS)]]

    def test_every_case_and_layer_has_its_line(self) -> None:
        heading, *lines = self.table(self.inspected())
        self.assertEqual(heading, HEADINGS)
        places = [(case, layer) for case in range(len(CASES)) for layer in range(len(LAYERS))]
        for (case, layer), line in zip(places, lines, strict=True):
            values = {name: float(numbers[case, layer]) for name, numbers in self.numbers.items()}
            self.assertEqual(line, [CASES[case], str(LAYERS[layer]), *expected(values)])

    def test_columns_stand_below_each_other(self) -> None:
        lines = self.inspected().splitlines()
        first = next(place for place, line in enumerate(lines) if line.startswith("case "))
        lines = lines[first : first + 1 + len(CASES) * len(LAYERS)]
        at = lines[0].index("distance/norm")
        for line in lines:
            self.assertEqual((line[at - 2 : at], line[at] != " "), ("  ", True), line)

    def test_what_is_not_a_number(self) -> None:
        self.numbers["half_life_median"][0, 0] = math.inf
        self.numbers["ratio_end_se"][0, 1] = math.nan
        self.numbers["kl"][1, 0] = math.nan
        self.numbers["halved"][1, 1] = math.nan
        self.write(lambda file: None)
        text = self.inspected()
        lines = self.table(text)
        self.assertEqual(lines[1][HEADINGS.index("half-life")], "never")
        self.assertEqual(lines[2][HEADINGS.index("distance end/start")], f"{self.numbers['ratio_end'][0, 1]:.3g}")
        self.assertEqual(lines[3][HEADINGS.index("KL (nats)")], "–")
        self.assertEqual(lines[4][HEADINGS.index("halved")], "–")

    def test_says_what_the_columns_mean(self) -> None:
        text = self.inspected()
        for name in HEADINGS[2:]:
            self.assertRegex(text, rf"(?m)(^|[;:] ){re.escape(name.removesuffix(' (nats)'))}: ")
        self.assertIn("random_direction is the control of teleport", text)
        self.assertIn("standard error over prompts", text)
        self.write(lambda file: file.__delitem__("control"))
        self.assertNotIn("is the control", self.inspected())

    def test_without_perturbations(self) -> None:
        self.write(lambda file: file.__delitem__("summary"))
        self.assertIn("no perturbations ran", self.inspected())

    def test_a_file_of_other_sizes(self) -> None:
        def shorten(file: h5py.File) -> None:
            values = file["summary/kl"][:1]
            del file["summary/kl"]
            made = file.create_dataset("summary/kl", data=values)
            made.attrs.update({"long_name": "shorter", "units": "nat"})

        self.write(shorten)
        outcome = run("inspect", self.path)
        self.assertEqual(outcome.code, BAD_INPUT)
        self.assertIn("/summary/kl: 2 numbers, not 8", str(outcome))


if __name__ == "__main__":
    unittest.main()
