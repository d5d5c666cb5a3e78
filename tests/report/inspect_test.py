"""`orrery inspect` shows the numbers that the file holds."""

from __future__ import annotations

import json
import math
import re
import shutil
import unittest
from pathlib import Path

import h5py
from orrery_program import ProgramTest, run, shared_data
from trace_file import attributes, datasets

#: The table's lines: what each says first, and the two numbers of /headline behind it.
LINES = {
    "adjacent correlation of a unit": ("adjacent_correlation_within", "adjacent_correlation_across"),
    "  of independent steps (null)": ("residual_null_within", "residual_null_across"),
    "cosine of successive streams": ("cosine_first", "cosine_last"),
    "velocity": ("velocity_first", "velocity_last"),
    "  relative to the norm": ("relative_velocity_first", "relative_velocity_last"),
    "components for 90 % of variance": ("components_90_early", "components_90_late"),
    "participation ratio": ("participation_ratio_early", "participation_ratio_late"),
    "  corrected for N": ("participation_ratio_corrected_early", "participation_ratio_corrected_late"),
}
#: Those of the turns: a number, and for a null the shares of units beyond it.
TURNS = {
    "turns of a unit's phase portrait": ("turns", ()),
    **{
        label: (f"turns_null{null}", tuple(f"turns_{tail}{null}" for tail in ("more", "fewer", "more_q", "fewer_q")))
        for label, null in (
            ("  points permuted (null)", ""),
            ("  layers permuted (null)", "_layer"),
            ("  steps permuted (null)", "_step"),
            ("  steps of random sign (null)", "_sign"),
        )
    },
}
#: What stands in the table of the paper's Llama 3.1 8B.
PAPER = {
    "adjacent correlation of a unit": "strong",
    "velocity": "grows with depth",
    "turns of a unit's phase portrait": "about 10.7 over 64 points",
}


def entries(text: str, label: str) -> list[str]:
    """The entries of a line of the table, that of the paper left out."""
    line = next(line for line in text.splitlines() if line.startswith(label + " "))
    found = re.split(r" {2,}", line[len(label) :].strip())
    if label in PAPER:
        assert found[-1] == PAPER[label], line
        found.pop()
    return found


def shown(text: str) -> dict[str, list[str]]:
    """The two entries of each of the table's lines."""
    return {label: entries(text, label) for label in LINES}


def is_close(text: str, value: float, share: float) -> bool:
    return abs(float(text) - value) <= share * abs(value)


def mismatches(text: str, headline: dict[str, float]) -> list[str]:
    """What the table doesn't show of the headline: values to four digits, errors to two, "not defined" for NaN."""
    found = shown(text)
    pairs = [pair for label, names in LINES.items() for pair in zip(names, found[label], strict=True)]
    shares = []
    for label, (name, tails) in TURNS.items():
        number, *percentages = entries(text, label)
        pairs.append((name, number))
        listed = re.split(r"[,;] ", percentages[0]) if percentages else []
        shares += zip(tails, listed, strict=True)
    wrong = []
    for name, entry in pairs:
        value, _, error = entry.partition(" ± ")
        expected, spread = headline[name], headline[f"{name}_se"]
        if math.isnan(expected):
            right = entry == "not defined"
        else:
            right = is_close(value, expected, 5.1e-4)
            right = right and (error == "" if math.isnan(spread) else is_close(error, spread, 5.1e-2))
        if not right:
            wrong.append(f"{name}: {entry} for {expected} ± {spread}")
    wrong += [f"{name}: {entry} for {headline[name]}" for name, entry in shares if entry != f"{100 * headline[name]:.1f} %"]
    return wrong


class Inspect(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        folder = shared_data("models/llama31")
        self.words = ("trace", "--model", folder, "--corpus", folder / "corpus.txt", "--min-chars", "0")
        self.path = self.folder / "run.h5"

    def headline(self, path: Path) -> dict[str, float]:
        return {name: float(value) for (item, name), value in attributes(path).items() if item == "headline"}

    def assert_shows(self, text: str, headline: dict[str, float]) -> None:
        self.assertEqual(mismatches(text, headline), [], text)

    def test_headline(self) -> None:
        traced = self.assert_done(run(*self.words, "--out", self.path, ranks=2)).output
        headline = self.headline(self.path)
        names = {name for pair in LINES.values() for name in pair}
        names |= {name for number, shares in TURNS.values() for name in (number, *shares)}
        self.assertEqual(names | {f"{name}_se" for name in names}, set(headline))
        self.assert_shows(traced, headline)
        inspected = self.assert_done(run("inspect", self.path)).output
        self.assert_shows(inspected, headline)
        for name, values in datasets(self.path).items():
            if "/" in name and name.split("/")[-1] != "rank_number":
                self.assertRegex(inspected, rf"(?m)^  /{name} +\w+ \(")
                self.assertIn(str(values.shape[0]), inspected)
        for name in ("model_sha256", "corpus_sha256", "program_version", "created_utc"):
            self.assertRegex(inspected, rf"(?m)^  {name} +\S")

    def test_shows_what_stands_in_the_file(self) -> None:
        """Other numbers in the file are other numbers in the table: none is computed again, none is mixed up."""
        self.assert_done(run(*self.words, "--out", self.path))
        other = Path(shutil.copy(self.path, self.folder / "other.h5"))
        with h5py.File(other, "r+") as file:
            for place, name in enumerate(sorted(file["headline"].attrs)):
                file["headline"].attrs.modify(name, 1.5 + 10.0 * place)
            file["headline"].attrs.modify("velocity_last", math.nan)
        changed = self.headline(other)
        self.assert_shows(self.assert_done(run("inspect", other)).output, changed)
        self.assertEqual(len(mismatches(self.assert_done(run("inspect", self.path)).output, changed)), 37)

    def test_one_sample_has_no_spread(self) -> None:
        self.assert_done(run(*self.words, "--out", self.path, "--samples", "1"))
        text = self.assert_done(run("inspect", self.path)).output
        self.assert_shows(text, self.headline(self.path))
        self.assertEqual(shown(text)["adjacent correlation of a unit"], ["not defined", "not defined"])
        self.assertIn("not computed", text)
        self.assertIn("/pca/eigenvalue", text)
        self.assertNotIn("nan", text.lower().replace("nanos", ""))

    def test_json_has_the_same_numbers(self) -> None:
        self.assert_done(run(*self.words, "--out", self.path, "--samples", "1"))
        found = json.loads(self.assert_done(run("inspect", self.path, "--json")).output)
        for name, value in self.headline(self.path).items():
            self.assertEqual(found["attributes"]["/headline"][name], None if math.isnan(value) else value)
        shapes = {name: info["shape"] for name, info in found["datasets"].items()}
        self.assertEqual(shapes, {f"/{name}": list(value.shape) for name, value in datasets(self.path).items()})


if __name__ == "__main__":
    unittest.main()
