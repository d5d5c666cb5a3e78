"""`orrery figures`: pictures show the numbers of their data, the same bytes each time, and nothing else is touched."""

from __future__ import annotations

import os
import re
import shutil
import unittest
from pathlib import Path

import h5py
import numpy as np
from figure_files import FiguresTest, Layer, read_data
from numpy.typing import NDArray
from orrery_program import run, shared_data
from svg_plot import Marks, Places, read_picture
from tiny_models import write_deep_model

BAD_USAGE, BAD_INPUT, NO_HELPER, BAD_OUTPUT = 64, 65, 69, 74
#: Hundredths of a pixel: gnuplot cuts the margins to them, the place in between, and what it writes.
PIXEL = 0.03


def near(one: Places, other: Places) -> bool:
    return bool(np.all(np.abs(one - other) <= PIXEL))


class PicturesTest(FiguresTest):
    """Every SVG, mark by mark."""

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.drawn.glob("*.dat"))

    def test_all(self) -> None:
        listed = [line.split()[0] for line in run("figures", "--list").output.splitlines()]
        # Of four layers: too few for a run of eight turning angles.
        self.assertEqual(self.names(), sorted({*listed} - {"local_turns"}), "every other figure can be drawn")
        for name in self.names():
            self.check_picture(self.drawn, name)

    def test_local_turns(self) -> None:
        corpus, out = self.run_file.parent / "corpus.txt", self.folder / "figures"
        words = ("--weights", "random", "--min-chars", "0", "--permutations", "10")
        file = self.trace(write_deep_model(self.folder / "deep"), corpus, *words)
        self.assert_done(run("figures", file, "--out", out, "--only", "local_turns", "--format", "svg"))
        self.check_picture(out, "local_turns")

    def check_picture(self, folder: Path, name: str) -> None:
        layers, marks = read_data(folder / f"{name}.dat"), read_picture(folder, name)
        self.assertEqual([layer.panel for layer in layers], [one.panel for one in marks], name)
        for i, (layer, one) in enumerate(zip(layers, marks, strict=True)):
            with self.subTest(figure=name, layer=i, style=one.style):
                self.check(layer, one)

    def check(self, layer: Layer, marks: Marks) -> None:
        if marks.is_in_space:
            known = int(np.isfinite(layer["x"]).sum())
            self.assertEqual(len(marks.dots), known)
            return
        {
            "lines": self.check_lines,
            "linespoints": self.check_lines_and_points,
            "points": self.check_points,
            "filledcurves": self.check_area,
            "boxes": self.check_boxes,
            "histeps": self.check_steps,
            "image": self.check_image,
            "vectors": self.check_arrows,
        }[marks.style](layer, marks)

    def known(self, layer: Layer, marks: Marks) -> Places:
        """Where the points with numbers belong."""
        places = marks.places(layer["x"], layer["y"])
        return places[np.isfinite(places).all(axis=1)]

    def check_lines(self, layer: Layer, marks: Marks) -> None:
        """Each point is a corner of the line, in order; gnuplot leaves out what falls on the corner before."""
        corners = np.array(marks.vertices).reshape(-1, 2)
        at = 0
        for place in self.known(layer, marks):
            if at < len(corners) and near(corners[at], place):
                at += 1
            while at < len(corners) and near(corners[at], place):
                at += 1  # a line that is coloured piece by piece has each corner twice
            self.assertTrue(at > 0 and near(corners[at - 1], place), f"{place} is not drawn behind {corners[:at][-2:]}")
        self.assertEqual(at, len(corners), "more is drawn than the data hold")

    def check_points(self, layer: Layer, marks: Marks) -> None:
        places = self.known(layer, marks)
        self.assertEqual(len(marks.dots), len(places))
        self.assertTrue(near(np.array(marks.dots).reshape(-1, 2), places))
        if "value" not in layer.columns:
            return
        for colour, value in zip(marks.dot_colours, layer["value"], strict=False):
            self.assertLess(np.abs(colour - marks.colour(value)).max(), 3, f"colour of {value}")

    def check_lines_and_points(self, layer: Layer, marks: Marks) -> None:
        self.check_lines(layer, marks)
        self.check_points(layer, marks)

    def check_area(self, layer: Layer, marks: Marks) -> None:
        corners = np.concatenate(marks.areas) if marks.areas else np.zeros((0, 2))
        for edge in ("low", "high"):
            for place in marks.places(layer["x"], layer[edge]):
                if np.isfinite(place).all():
                    self.assertLess(np.abs(corners - place).max(axis=1).min(), PIXEL, f"{edge} at {place}")

    def check_boxes(self, layer: Layer, marks: Marks) -> None:
        tops = [(area[:, 0].mean(), area[:, 1].min()) for area in marks.areas]
        places = marks.places(layer["bin_centre"], layer["height"])
        floor = marks.box[3]
        seen = places[places[:, 1] < floor - PIXEL]
        self.assertLessEqual(len(tops), len(places))
        for place in seen:
            self.assertLess(np.abs(np.array(tops) - place).max(axis=1).min(), 2 * PIXEL, f"bar at {place}")

    def check_steps(self, layer: Layer, marks: Marks) -> None:
        [corners] = [np.array(marks.vertices)]
        for x, y in marks.places(layer["bin_centre"], layer["height"]):
            level = [a[1] for a, b in zip(corners, corners[1:], strict=False) if a[0] < x < b[0]]
            self.assertTrue(level and abs(level[0] - y) < PIXEL, f"the step at {x} is at {level}, not {y}")

    def check_image(self, layer: Layer, marks: Marks) -> None:
        self.assertIsNotNone(marks.image)
        (left, top, width, height), pixels = marks.image  # type: ignore[misc]
        x, y = np.unique(layer["x"]), np.unique(layer["y"])
        self.assertEqual(pixels.shape[:2], (len(y), len(x)))
        half = np.array([x[1] - x[0], y[1] - y[0]]) / 2
        corners = marks.places(np.array([x[0] - half[0], x[-1] + half[0]]), np.array([y[0] - half[1], y[-1] + half[1]]))
        drawn = np.array([[left, top + height], [left + width, top]])
        self.assertLess(np.abs(corners - drawn).max(), 1.01, "gnuplot draws images on whole pixels")
        values = layer["value"].reshape(len(y), len(x))[::-1]
        for (row, column), value in np.ndenumerate(values):
            if np.isnan(value):
                self.assertEqual(pixels[row, column, 3], 0, "NaN is left out")
            else:
                self.assertLess(np.abs(pixels[row, column, :3] - marks.colour(value)).max(), 3, f"colour of {value}")

    def check_arrows(self, layer: Layer, marks: Marks) -> None:
        corners = np.array(marks.vertices).reshape(-1, 2)
        starts: NDArray[np.float64] = marks.places(layer["x"], layer["y"])
        ends = marks.places(layer["x"] + layer["dx"], layer["y"] + layer["dy"])
        heads = np.concatenate(marks.areas) if marks.areas else np.zeros((0, 2))
        for start, end in zip(starts, ends, strict=True):
            if not np.isfinite([*start, *end]).all() or np.abs(end - start).max() < 1:
                continue  # too short to be drawn
            self.assertLess(np.abs(corners - start).max(axis=1).min(), PIXEL, f"arrow from {start}")
            tips = np.concatenate([corners, heads])
            self.assertLess(np.abs(tips - end).max(axis=1).min(), 2 * PIXEL, f"arrow to {end}")


class FilesTest(FiguresTest):
    """What the command leaves in the folder, and what it says."""

    def contents(self, folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def test_same_bytes(self) -> None:
        """In other folders, at another time, of files of other names; and PDF and PNG, too."""
        first, second = self.folder / "first", self.folder / "deep" / "second"
        moved = self.folder / "moved.h5"
        shutil.copy(self.run_file, moved)
        self.assert_done(run("figures", self.run_file, self.sweep_file, "--out", first))
        self.assert_done(run("figures", self.sweep_file, moved, "--out", second))
        self.assertEqual(self.contents(first).keys(), self.contents(second).keys())
        for name, content in self.contents(first).items():
            self.assertTrue(content == (second / name).read_bytes(), f"{name} differs")
        self.assertEqual({path.suffix for path in first.iterdir()}, {".dat", ".gp", ".svg", ".pdf", ".png", ".html"})
        for name, content in self.contents(first).items():
            self.assertFalse(str(self.folder).encode() in content, f"{name} says where it was drawn")
            # The page gives the command that the file records.
            self.assertFalse(name != "index.html" and str(self.made.name).encode() in content, name)

    def test_some(self) -> None:
        out = self.folder / "some"
        self.assert_done(run("figures", self.run_file, "--out", out, "--only", "velocity,lag", "--format", "png"))
        names = [f"{figure}.{kind}" for figure in ("velocity", "lag") for kind in ("dat", "gp", "png")]
        self.assertEqual(sorted(self.contents(out)), sorted(names))

    def test_touches_no_others(self) -> None:
        out = self.folder / "figures"
        out.mkdir()
        (out / "notes.txt").write_text("mine")
        (out / "velocity.txt").write_text("mine, too")
        (out / "kl_map.pdf").write_text("of an earlier run")
        outcome = self.assert_done(run("figures", self.run_file, "--out", out, "--format", "svg"))
        self.assertEqual((out / "notes.txt").read_text(), "mine")
        self.assertEqual((out / "velocity.txt").read_text(), "mine, too")
        self.assertFalse((out / "kl_map.pdf").exists(), "a figure that is not of these files stays beside them")
        self.assertIn("kl_map: no sweep was given", outcome.errors)
        self.assertEqual(outcome.output, f"{out / 'index.html'}\n")

    def test_what_a_file_lacks(self) -> None:
        small = self.folder / "small.h5"
        words = ("--min-chars", "0", "--permutations", "10", "--moments", "streaming", "--progress", "none")
        corpus = self.run_file.parent / "corpus.txt"
        model = shared_data("models") / "llama31"
        self.assert_done(run("trace", "--model", model, "--corpus", corpus, "--out", small, *words, timeout=120))
        outcome = self.assert_done(run("figures", small, "--out", self.folder / "figures", "--format", "svg"))
        self.assertEqual(outcome.errors.count("information: the file has no /continuity/mutual_information_mean"), 1)
        self.assertTrue((self.folder / "figures" / "velocity.svg").exists())

    def test_overlay(self) -> None:
        out = self.folder / "both"
        self.assert_done(run("figures", self.run_file, self.run_file, "--out", out, "--only", "velocity", "--format", "svg"))
        layers = [layer for layer in read_data(out / "velocity.dat") if layer.panel == 1]
        self.assertEqual(len(layers), 2)
        points = len(self.trace_numbers["points/layer"])
        for layer in layers:
            np.testing.assert_array_equal(layer["y"], self.trace_numbers["continuity/cosine_mean"])
            np.testing.assert_allclose(layer["x"], (np.arange(points - 1) + 0.5) / (points - 1), rtol=1e-15)

    def test_names_in_the_legend(self) -> None:
        """Runs of one model are numbered; one whose name another begins with is not."""
        other = self.folder / "other.h5"
        shutil.copy(self.run_file, other)
        with h5py.File(other, "r+") as file:
            file.attrs["config"] = re.sub(r"(?m)^model = .*$", "model = /models/llama", file.attrs["config"])
        out = self.folder / "figures"
        words = ("--out", out, "--only", "velocity", "--format", "svg")
        self.assert_done(run("figures", self.run_file, other, self.run_file, *words))
        titles = re.findall(r"title '([^']*)'", (out / "velocity.gp").read_text())
        self.assertEqual(titles[:3], ["llama31", "llama", "llama31 (2)"])

    def test_hostile_text(self) -> None:
        """A model's name reaches legends: nothing of it is run, or taken for markup."""
        name = "`touch owned`'; system(\"touch owned\") <b>&amp;\\n$(touch owned)}"
        paths = []
        for i in range(2):
            path = self.folder / f"{i}.h5"
            shutil.copy(self.run_file, path)
            with h5py.File(path, "r+") as file:
                config = file.attrs["config"]
                file.attrs["config"] = re.sub(r"(?m)^model = .*$", lambda _: f"model = {name}", config)
            paths.append(path)
        out = self.folder / "figures"
        self.assert_done(run("figures", *paths, "--out", out, "--format", "svg"))
        self.assertEqual([path for path in out.iterdir() if "owned" in path.name], [])
        self.assertFalse(Path("owned").exists())
        words = "".join((out / "velocity.svg").read_text().split())
        self.assertIn("`touchowned`'", words)
        read_picture(out, "velocity")

    def test_refused(self) -> None:
        out = self.folder / "figures"
        cases = [
            (BAD_USAGE, ("figures", "--out", out), ("file",)),
            (BAD_USAGE, ("figures", self.run_file), ("--out",)),
            (BAD_USAGE, ("figures", self.run_file, "--out", out, "--only", "velocty"), ("velocty", "--list")),
            (BAD_USAGE, ("figures", self.run_file, "--out", out, "--format", "gif"), ("gif", "svg, pdf, png")),
            (BAD_USAGE, ("figures", self.sweep_file, self.sweep_file, "--out", out), ("two sweeps",)),
            (BAD_INPUT, ("figures", self.folder / "none.h5", "--out", out), ("none.h5",)),
            (BAD_INPUT, ("figures", shared_data("README.md"), "--out", out), ("README.md",)),
        ]
        for key, value in (("complete", 0), ("format_version", 99), ("format", "else")):
            path = self.folder / f"{key}.h5"
            shutil.copy(self.run_file, path)
            with h5py.File(path, "r+") as file:
                file.attrs[key] = value
            cases.append((BAD_INPUT, ("figures", path, "--out", out), (path.name,)))
        for code, words, named in cases:
            with self.subTest(words=words):
                self.assert_fails(run(*words), code, *named)
                self.assertFalse(out.exists())
        (self.folder / "file").write_text("")
        self.assert_fails(run("figures", self.run_file, "--out", self.folder / "file"), BAD_OUTPUT, "file")
        self.assert_fails(run("figures", self.run_file, "--out", "/proc/figures"), BAD_OUTPUT, "/proc/figures")

    def test_without_gnuplot(self) -> None:
        """Data, scripts and the page are there, and it is said."""
        out = self.folder / "figures"
        outcome = run("figures", self.run_file, "--out", out, extra={"PATH": str(self.folder)})
        self.assert_fails(outcome, NO_HELPER, "gnuplot")
        self.assertEqual({path.suffix for path in out.iterdir()}, {".dat", ".gp", ".html"})

    def test_script_alone(self) -> None:
        """The script that lies beside the data draws the picture again."""
        out = self.folder / "figures"
        self.assert_done(run("figures", self.run_file, "--out", out, "--only", "lag", "--format", "svg"))
        before = (out / "lag.svg").read_bytes()
        (out / "lag.svg").unlink()
        self.assertEqual(os.system(f"cd '{out}' && gnuplot lag.gp"), 0)
        self.assertEqual((out / "lag.svg").read_bytes(), before)


del FiguresTest

if __name__ == "__main__":
    unittest.main()
