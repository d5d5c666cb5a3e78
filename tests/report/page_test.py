"""The page of `orrery figures` is sound HTML, shows the files' numbers, and opens in a browser on any width."""

from __future__ import annotations

import math
import re
import shutil
import unittest
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np
from figure_files import FiguresTest
from orrery_program import run
from page_file import Browser, Page
from tiny_models import tiny
from trace_file import attributes

#: An attribute that makes a browser load something, and one that refers to an element.
LOADS = ("src", "href", "xlink:href", "srcset", "data", "poster", "action")
#: What opens in HTML, ends in a shell, or is read by gnuplot.
HOSTILE = """`touch ran` <script>alert(1)</script> & "two" 'one' $(touch ran) <b onclick=x> &amp; {/Bold x} é"""
GREATER, LESS, DIFFERENT = "more than", "less than", "other than"
PAPER = "the paper’s"


def number(text: str) -> float:
    return math.nan if text == "not defined" else float(text)


def measured(cell: str) -> tuple[float, float]:
    """The number and the error at the end of a cell: "last step 2.39 ± 0.02"; an error that isn't there is 0."""
    found = re.search(r"(not defined|-?[\d.]+(?:e[-+]\d+)?)(?: ± (\S+))?$", cell)
    assert found, cell
    return number(found[1]), float(found[2] or 0)


def close(shown: float, expected: float, digits: int) -> bool:
    if math.isnan(expected):
        return math.isnan(shown)
    return abs(shown - expected) <= 0.501 * 10 ** (math.floor(math.log10(abs(expected) or 1)) + 1 - digits)


def verdict(one: tuple[float, float], other: tuple[float, float], claimed: str) -> str:
    """The rule that the page states."""
    difference, error = one[0] - other[0], one[1] + other[1]
    if math.isnan(difference):
        return "not measured"
    if math.isnan(error) or abs(difference) <= 2 * error:
        return "undecided"
    if claimed == DIFFERENT or (difference > 0) == (claimed == GREATER):
        return "agrees"
    return "does not agree"


def together(verdicts: list[str]) -> str:
    """A claim's verdict of those of its lines."""
    some = [one for one in verdicts if one != "not measured"]
    if not some:
        return "not measured"
    if "does not agree" in some:
        return "does not agree"
    return "agrees" if set(some) == {"agrees"} else "undecided"


class PageTest(FiguresTest):
    page: ClassVar[Page]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.text = (cls.drawn / "index.html").read_text(encoding="utf-8")
        cls.page = Page(cls.text)
        found = attributes(cls.run_file)
        cls.headline = {name: float(value) for (item, name), value in found.items() if item == "headline"}
        cls.root = {name: value for (item, name), value in found.items() if item == "/"}

    def with_error(self, name: str) -> tuple[float, float]:
        return self.headline[name], self.headline[name + "_se"]

    def half(self, stem: str, second: bool) -> tuple[float, float]:
        """The mean over a half of the depth, the final point left out, and the bound of its standard error."""
        values, spread = self.trace_numbers[f"{stem}_mean"][:-1], self.trace_numbers[f"{stem}_std"][:-1]
        part = slice(len(values) - len(values) // 2, None) if second else slice(0, len(values) // 2)
        samples = len(self.trace_numbers["samples/row"])
        return float(np.nanmean(values[part])), float(np.nanmean(spread[part])) / math.sqrt(samples)

    def moved(self, name: str, case: str, layer: int | None = None) -> tuple[float, float]:
        """Of /summary: at a start layer, or the mean over all."""
        cases = [text.decode() for text in self.sweep_numbers["case"]]
        values, errors = (self.sweep_numbers[f"summary/{name}{end}"][cases.index(case)] for end in ("", "_se"))
        if layer is None:
            return float(values.mean()), float(errors.mean())
        return float(values[layer]), float(errors[layer])

    def expected_claims(self) -> list[list[tuple[str, bool, tuple[float, float], str, tuple[float, float]]]]:
        """Of each claim its lines: measure, whether it is the paper's, and what is compared how."""
        head, half = self.with_error, self.half
        units, rows = float(self.root["hidden_size"]), float(self.root["rows"])
        equal = units * (rows - 1) / (units + rows)
        # Fewer rows than that have fewer components in any case.
        few = units / 2 if rows - 1 > units / 2 else math.nan
        continuity, low = [], []
        for where, words in (("within", "within a layer"), ("across", "across layers")):
            found = head(f"adjacent_correlation_{where}")
            continuity += [(f"adjacent correlation, {words}", True, found, GREATER, (0.5, 0.0)),
                           (f"adjacent correlation, {words}", False, found, GREATER, head(f"residual_null_{where}"))]  # fmt: skip
        for where in ("early", "late"):
            low += [("components for 90 %", True, head(f"components_90_{where}"), LESS, (few, 0.0)),
                    ("participation ratio", False, head(f"participation_ratio_{where}"), LESS, (equal, 0.0))]  # fmt: skip
        turns = [("turns, mean |R|", True, head("turns"), GREATER, (1.0, 0.0))]
        turns += [("turns, mean |R|", False, head("turns"), GREATER, head(f"turns_null{null}"))
                  for null in ("", "_layer", "_step", "_sign")]  # fmt: skip
        ends = [("velocity", True, "velocity"), ("velocity relative to the norm", False, "relative_velocity")]
        dense = [("share of active units", True, "active", GREATER), ("Hoyer's sparsity", False, "hoyer", LESS),
                 ("excess kurtosis", False, "kurtosis", LESS)]  # fmt: skip
        change = [("components for 90 %", True, "components_90"), ("participation ratio", True, "participation_ratio"),
                  ("participation ratio, corrected for N", False, "participation_ratio_corrected")]  # fmt: skip
        plane, all_units = "geometry/plane_curvature", "geometry/curvature"
        straight = [("angle in the plane (radian)", True, half(plane, True), LESS, half(plane, False)),
                    ("angle over all units (radian)", False, half(all_units, True), LESS, half(all_units, False)),
                    ("angle over all units (radian)", False, half(all_units, True), LESS, (math.pi / 2, 0.0))]  # fmt: skip
        return [continuity, [(words, paper, head(f"{name}_last"), GREATER, head(f"{name}_first")) for words, paper, name in ends],
                [(words, paper, half(f"density/{name}", True), claimed, half(f"density/{name}", False))
                 for words, paper, name, claimed in dense],
                turns, low,
                [(words, paper, head(f"{name}_late"), DIFFERENT, head(f"{name}_early")) for words, paper, name in change],
                straight, *self.expected_of_sweep()]  # fmt: skip

    def expected_of_sweep(self) -> list[list[tuple[str, bool, tuple[float, float], str, tuple[float, float]]]]:
        inward, ratio = "inward_fraction", "ratio_end"
        back = [("share of steps that lead inward", True, self.moved(inward, "teleport"), GREATER, (0.5, 0.0)),
                ("distance, end over start", True, self.moved(ratio, "teleport"), LESS, (1.0, 0.0))]  # fmt: skip
        for kind, words in (("relative", "norm"), ("spread", "spread")):
            end, start = (self.moved(f"{kind}_distance_{place}", "teleport") for place in ("end", "start"))
            back.append((f"distance over {words}", False, end, LESS, start))
        for words, name, claimed in (("share of steps that lead inward", inward, GREATER),
                                     ("distance, end over start", ratio, LESS)):  # fmt: skip
            back.append((words, False, self.moved(name, "teleport"), claimed, self.moved(name, "random_direction")))

        def falls(layer: int) -> tuple[float, float]:
            end, start = (self.moved(f"spread_distance_{place}", "teleport", layer) for place in ("end", "start"))
            return end[0] / start[0], end[0] / start[0] * (end[1] / end[0] + start[1] / start[0])

        def beyond(layer: int) -> tuple[float, float]:
            one, other = (self.moved(inward, case, layer) for case in ("teleport", "random_direction"))
            return one[0] - other[0], one[1] + other[1]

        lower = [(words, paper, self.moved(name, "teleport", 0), claimed, self.moved(name, "teleport", -1))
                 for words, paper, name, claimed in (("share of steps that lead inward", True, inward, GREATER),
                                                     ("distance, end over start", True, ratio, LESS),
                                                     ("change of log distance a point", False, "exponent", LESS))]  # fmt: skip
        lower += [("distance over spread, end over start", False, falls(0), LESS, falls(-1)),
                  ("inward steps less those of random direction", False, beyond(0), GREATER, beyond(-1))]  # fmt: skip
        return [back, lower]

    def test_is_sound(self) -> None:
        self.assertEqual(self.page.faults, [])
        self.assertTrue(self.text.startswith("<!DOCTYPE html>"))
        self.assertEqual(self.page.root.all("html")[0].attributes["lang"], "en")
        self.assertEqual(len(self.page.root.all("h1")), 1)
        self.assertEqual(self.page.root.all("script", "iframe", "object", "embed"), [])
        levels = [int(heading.name[1]) for heading in self.page.root.all("h1", "h2", "h3", "h4")]
        self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), levels)

    def test_references_resolve_and_nothing_is_loaded(self) -> None:
        elements = self.page.root.all()
        ids = [element.attributes["id"] for element in elements if "id" in element.attributes]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(sum("url(#" in value for e in elements for value in e.attributes.values()) + len(ids), 10)
        for element in elements:
            for name, value in element.attributes.items():
                for target in re.findall(r"url\(['\"]?#([^)'\"]*)", value):
                    self.assertIn(target, ids)
                self.assertNotIn("http", value.replace("http://www.w3.org/", "") if "xmlns" in name else value)
                if name in ("aria-labelledby", "aria-describedby"):
                    self.assertLessEqual(set(value.split()), set(ids))
                if name in LOADS and value.startswith("#"):
                    self.assertIn(value[1:], ids)
                elif name in LOADS and not value.startswith("data:"):
                    self.assertEqual(element.name, "a")
                    self.assertTrue((self.drawn / value).is_file() and "/" not in value, value)

    def test_every_figure_says_what_is_seen(self) -> None:
        figures = self.page.root.all("figure")
        names = sorted(path.stem for path in self.drawn.glob("*.svg"))
        self.assertEqual(sorted(figure.attributes["id"] for figure in figures), [f"figure-{name}" for name in names])
        for figure in figures:
            (picture,) = figure.all("svg")
            self.assertEqual((picture.attributes["role"], picture.all("title")), ("img", []))
            words = [self.page.by_id(name).text for name in picture.attributes["aria-labelledby"].split()]
            self.assertTrue(all(len(text) > 8 for text in words), words)
            self.assertNotIn("width", picture.attributes)
            caption = figure.all("figcaption")[0].text
            self.assertRegex(caption, r"(N = 30 rows|4 prompts), \S+, corpus.txt")
            name = figure.attributes["id"].removeprefix("figure-")
            linked = {link.attributes["href"] for link in figure.all("a")}
            self.assertEqual(linked, {path.name for path in self.drawn.glob(f"{name}.*")})

    def test_tables_have_the_numbers_of_the_files(self) -> None:
        rows = self.page.table("Headline of the trace (± jackknife standard error)")
        text = run("inspect", self.run_file).output.splitlines()
        for row in rows:
            entries = [entry for entry in row if entry]
            self.assertTrue(any(re.split(r" {2,}", line.strip()) == entries for line in text), row)
        self.assertTrue(any(close(measured(row[1])[0], self.headline["velocity_first"], 4)
                            for row in rows if row[0] == "velocity"))  # fmt: skip
        listed = [re.split(r" {2,}", line) for line in run("inspect", self.sweep_file).output.splitlines()]
        for row in self.page.table("Headline of the sweep (± standard error over prompts)"):
            self.assertIn(row, listed)
        shown = self.page.by_id("provenance").text
        for name, value in self.root.items():
            if name not in ("config", "format", "complete", "not_computed", "job_id"):
                self.assertIn(" ".join(f"{name} {value}".split()), shown)
        self.assertIn(" ".join(str(self.root["config"]).split()), shown)

    def test_verdicts(self) -> None:
        self.assertIn("exceeds 2 standard errors", self.page.by_id("rule").text)
        short = self.page.table("The claims in short")[1:]
        claims = self.expected_claims()
        self.assertEqual(len(short), len(claims))
        seen = set()
        for (title, by_paper, beside), lines in zip(short, claims, strict=True):
            place, _, words = title.partition(". ")
            rows = self.page.table(f"Claim {place}: {words}")[1:]
            self.assertEqual(len(rows), len(lines), title)
            said: dict[bool, list[str]] = {True: [], False: []}
            for row, (measure, paper, one, claimed, other) in zip(rows, lines, strict=True):
                expected = verdict(one, other, claimed)
                self.assertEqual([row[0], row[1][2:], row[2] == PAPER, row[4]], [measure, expected, paper, claimed])
                for cell, (value, error) in ((row[3], one), (row[5], other)):
                    self.assertTrue(close(measured(cell)[0], value, 4), (row, value))
                    self.assertTrue(close(measured(cell)[1], error, 2) or math.isnan(error), (row, error))
                said[paper].append(expected)
            self.assertEqual([by_paper[2:], beside[2:]], [together(said[True]), together(said[False])], title)
            seen |= set(said[True] + said[False])
        self.assertLessEqual({"agrees", "does not agree"}, seen)

    def test_verdicts_follow_the_numbers(self) -> None:
        """What the file says otherwise is judged otherwise: turned round, without an error, without a number."""
        other = Path(shutil.copy(self.run_file, self.folder / "other.h5"))
        changes = {"velocity_first": (9.0, 1.0), "velocity_last": (4.0, 1.0), "turns": (3.0, math.nan),
                   "components_90_early": (math.nan, math.nan)}  # fmt: skip
        with h5py.File(other, "r+") as file:
            for name, (value, error) in changes.items():
                file["headline"].attrs.modify(name, value)
                file["headline"].attrs.modify(f"{name}_se", error)
            del file["continuity/mutual_information_mean"]
        self.assert_done(run("figures", other, "--out", self.folder / "out", "--format", "svg"))
        page = Page((self.folder / "out" / "index.html").read_text(encoding="utf-8"))
        short = {row[0].partition(". ")[2]: row[1:] for row in page.table("The claims in short")}
        self.assertEqual(short["The stream accelerates over depth"][0], "✗ does not agree")
        self.assertEqual(set(short["Units rotate in their phase portraits"]), {"? undecided"})
        rows = page.table("Claim 5: The stream lies in few dimensions")
        self.assertEqual([row[1] for row in rows if "early" in row[3] and row[2] == PAPER], ["– not measured"])
        self.assertFalse(any("perturbation" in title for title in short))
        missing = [item.text for item in page.by_id("not-drawn").all("li")]
        self.assertIn("information: the file has no /continuity/mutual_information_mean", missing)
        self.assertTrue(all(": " in line for line in missing), missing)

    def test_hostile_names_stay_text(self) -> None:
        """A folder may be called anything but with a slash: it stands there as text, whole, and nothing runs."""
        name = HOSTILE.replace("/", "∕")
        model = self.folder / name
        shutil.copytree(tiny("llama31"), model)
        corpus = Path(shutil.copy(self.run_file.parent / "corpus.txt", self.folder / f"{name}.txt"))
        path, out = self.folder / "run.h5", self.folder / "out"
        self.assert_done(run("trace", "--model", model, "--corpus", corpus, "--min-chars", "0", "--permutations",
                             "2", "--out", path))  # fmt: skip
        with h5py.File(path, "r+") as file:
            # What no file of ours has, and a hostile one may.
            file.attrs["devices"] = "\x1b[31m</dd><script>alert(2)</script>"
        self.assert_done(run("figures", path, "--out", out, folder=self.folder))
        text = (out / "index.html").read_text(encoding="utf-8")
        page = Page(text)
        self.assertEqual(page.faults, [])
        self.assertEqual(page.root.all("script", "b"), [])
        self.assertFalse([value for element in page.root.all() for value in element.attributes if value.startswith("on")])
        self.assertEqual(page.root.all("h1")[0].text, f"{name} on {name}.txt")
        self.assertIn("�[31m</dd><script>alert(2)</script>", page.by_id("provenance").text)
        self.assertFalse(list(self.folder.rglob("ran")))
        ids = [element.attributes["id"] for element in page.root.all() if "id" in element.attributes]
        self.assertEqual(len(ids), len(set(ids)))

    def test_without_pictures(self) -> None:
        """Without SVG, the captions and what is seen stand there with links to what there is; twice the same."""
        pages = []
        for place in ("one", "two"):
            out = self.folder / place
            self.assert_done(run("figures", self.run_file, "--out", out, "--format", "png"))
            pages.append((out / "index.html").read_bytes())
        self.assertEqual(*pages)
        page = Page(pages[0].decode())
        self.assertEqual((page.root.all("svg"), page.faults), ([], []))
        self.assertTrue(page.root.all("figure"))
        for figure in page.root.all("figure"):
            self.assertEqual({link.attributes["href"].split(".")[1] for link in figure.all("a")}, {"dat", "gp", "png"})

    def test_of_other_files(self) -> None:
        """A sweep alone, and several runs: each has its tables, and the page is as sound."""
        other = Path(shutil.copy(self.run_file, self.folder / "other.h5"))
        for files, traces, sweeps in (([self.sweep_file], 0, 1), ([self.run_file, other, self.sweep_file], 2, 1)):
            out = self.folder / f"{traces} traces"
            self.assert_done(run("figures", *files, "--out", out, "--format", "svg"))
            page = Page((out / "index.html").read_text(encoding="utf-8"))
            self.assertEqual(page.faults, [])
            ids = [element.attributes["id"] for element in page.root.all() if "id" in element.attributes]
            self.assertEqual(len(ids), len(set(ids)))
            captions = [caption.text for caption in page.root.all("caption")]
            counted = [len([text for text in captions if f"Headline of the {kind}" in text]) for kind in ("trace", "sweep")]
            self.assertEqual(counted, [traces, sweeps])
            self.assertEqual(captions.count("The claims in short"), max(1, traces + sweeps))

    def test_opens_in_a_browser(self) -> None:
        browser = Browser(self.folder)
        copy = Path(shutil.copy(self.drawn / "index.html", self.folder / "index.html"))
        _, console = browser.open(self.drawn / "index.html")
        self.assertEqual(console, [])
        pictures = len(self.page.root.all("svg"))
        self.assertGreater(pictures, 0)
        for width in (360, 1280):
            shown = browser.show(copy, width)
            self.assertEqual((shown.room, shown.wide), (width, width), "the page scrolls sideways")
            self.assertEqual(len(shown.pictures), pictures)
            for wide, high in shown.pictures:
                self.assertTrue(wide > 250 and high > 100, f"{wide} by {high} at {width}")


if __name__ == "__main__":
    unittest.main()
