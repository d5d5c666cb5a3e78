"""The figures of dimension and of trajectories show the trace's numbers: their data, recomputed with numpy."""

from __future__ import annotations

import unittest
from pathlib import Path

import h5py
import numpy as np
from figure_files import FiguresTest, Layer, Numbers, read_data
from orrery_program import run
from tiny_models import tiny, write_corpus

OURS = "explained_variance,dimension,trajectory,curvature"
#: A sum or product of double precision, in another order: a few units in the last place of up to 200 terms.
ROUNDING = 200 * np.finfo(np.float64).eps


def depths(count: int, points: int) -> Numbers:
    """Where `count` entries of `points` capture points stand, in layers."""
    return (np.arange(count) + (points - count) / 2) / 2


class DimensionFigures(FiguresTest):
    def numbers(self, dataset: str) -> Numbers:
        return np.asarray(self.trace_numbers[dataset], dtype=np.float64)

    @property
    def points(self) -> int:
        return len(self.trace_numbers["points/layer"])

    def equal(self, seen: Numbers, expected: Numbers, what: str) -> None:
        np.testing.assert_array_equal(seen, expected, err_msg=what)

    def near(self, seen: Numbers, expected: Numbers, what: str) -> None:
        np.testing.assert_allclose(seen, expected, rtol=ROUNDING, atol=0, err_msg=what)

    def draw(self, folder: str, *files: Path, only: str = OURS) -> Path:
        out = Path(self.made.name) / folder
        self.must("figures", *files, "--out", out, "--only", only, "--format", "svg")
        return out

    def trace(self, name: str, rows: int, *words: str) -> Path:
        file = Path(self.made.name) / f"{name}.h5"
        corpus = write_corpus(Path(self.made.name) / f"{name}.txt", rows, 400)
        self.must("trace", "--model", tiny("llama31"), "--corpus", corpus, "--out", file, "--min-chars", "0",
                  "--samples", "0", "--permutations", "2", "--progress", "none", *words)  # fmt: skip
        return file

    # explained_variance

    def test_explained_variance_is_the_cumulative_share_at_the_papers_layers(self) -> None:
        layers = self.data("explained_variance")
        starts = [0, 1, 2, 3]  # of 4 layers: 0, 1 − 1, 2 − 1, 3 − 1, 4 − 1, the repeated 0 dropped
        self.assertEqual(len(layers), len(starts) + 1)
        eigenvalues = self.numbers("pca/eigenvalue")
        for layer, start in zip(layers, starts, strict=False):
            values = eigenvalues[2 * start]
            self.equal(layer["x"], np.arange(1, len(values) + 1), "number of components")
            share = 100 * np.cumsum(values) / self.numbers("pca/total_variance")[2 * start]
            self.near(layer["y"], share, f"layer {start}")
        self.equal(layers[-1]["y"], np.array([90, 90]), "the line at 90 %")

    # dimension

    def test_dimension_shows_its_measures_over_depth(self) -> None:
        panels = {
            1: ["participation_ratio", "participation_ratio_corrected", "participation_ratio_standardised",
                "effective_rank"],
            3: ["top_unit_share"],
            4: ["total_variance"],
        }  # fmt: skip
        for panel, names in panels.items():
            layers = self.data("dimension", panel)
            self.assertEqual(len(layers), len(names))
            for layer, name in zip(layers, names, strict=True):
                self.equal(layer["x"], depths(self.points, self.points), name)
                self.equal(layer["y"], (100 if panel == 3 else 1) * self.numbers(f"pca/{name}"), name)

    def test_components_for_99_90_and_50_percent_and_how_many_there_are(self) -> None:
        layers = self.data("dimension", 2)
        self.assertEqual(len(layers), 4)
        for layer, share in zip(layers, (4, 2, 0), strict=False):
            self.equal(layer["x"], depths(self.points, self.points), "depth")
            self.equal(layer["y"], self.numbers("pca/components_for")[:, share], f"share {share}")
        most = self.numbers("pca/eigenvalue").shape[1]
        self.equal(layers[3]["y"], np.array([most, most]), "as many as there are")

    # trajectory

    def check_samples(self, layer: Layer, score: Numbers) -> None:
        """Trajectories (n, p, 2), one after the other, a row of NaN after each."""
        count, points, _ = score.shape
        for axis, column in enumerate("xy"):
            broken = np.concatenate([score[:, :, axis], np.full((count, 1), np.nan)], axis=1)
            self.equal(layer[column], broken.ravel(), column)
        self.assertEqual(len(layer["x"]), count * (points + 1))

    def check_plane(self, layers: list[Layer], mean: Numbers, score: Numbers | None) -> None:
        self.assertEqual(len(layers), 2 if score is None else 3)
        if score is not None:
            self.check_samples(layers[0], score)
        for layer in layers[-2:]:
            self.equal(layer["x"], mean[:, 0], "first component")
            self.equal(layer["y"], mean[:, 1], "second component")
            self.equal(layer["value"], np.arange(len(mean)) / 2, "depth")

    def test_trajectory_shows_mean_and_samples_in_the_plane(self) -> None:
        mean, score = self.numbers("pooled/mean_score"), self.numbers("pooled/score")
        for panel, count in ((1, self.points), (3, self.points - 1), (4, self.points // 2 + 1)):
            self.check_plane(self.data("trajectory", panel), mean[:count], score[:, :count, :2])

    def test_trajectory_shows_the_mean_in_space(self) -> None:
        (path,) = self.data("trajectory", 2)
        mean = self.numbers("pooled/mean_score")
        for axis, column in enumerate("xyz"):
            self.equal(path[column], mean[:, axis], column)
        self.equal(path["value"], np.arange(self.points) / 2, "depth")

    def test_more_than_200_samples_are_thinned(self) -> None:
        file = self.trace("many", 401, "--components", "2")
        drawn = self.draw("many", file, only="trajectory")
        with h5py.File(file) as trace:
            mean, score = trace["pooled/mean_score"][()], trace["pooled/score"][()].astype(np.float64)
        self.assertEqual(len(score), 401)
        layers = read_data(drawn / "trajectory.dat")
        # Every third, since every second would be 201.
        self.check_plane([layer for layer in layers if layer.panel == 1], mean, score[::3])
        # Of two components there is no third, and no panel of it.
        self.assertEqual(len(layers), 9)

    def test_without_rows_there_are_no_samples(self) -> None:
        file = self.trace("tokens", 6, "--tokens", "all", "--components", "4")
        drawn = self.draw("tokens", file)
        with h5py.File(file) as trace:
            self.assertNotIn("pooled/score", trace)
            mean = trace["pooled/mean_score"][()]
        layers = [layer for layer in read_data(drawn / "trajectory.dat") if layer.panel == 1]
        self.check_plane(layers, mean, None)
        self.assertEqual({layer.panel for layer in read_data(drawn / "curvature.dat")}, {1})

    # curvature

    def test_curvature_is_in_degrees_with_its_spread(self) -> None:
        layers = self.data("curvature", 1)
        self.assertEqual(len(layers), 5)
        for place, name in enumerate(("plane_curvature", "curvature")):
            band, curve = layers[place], layers[2 + place]
            mean, spread = (np.degrees(self.numbers(f"geometry/{name}_{what}")) for what in ("mean", "std"))
            self.equal(curve["x"], depths(self.points - 2, self.points), "depth")
            self.near(curve["y"], mean, name)
            # The difference has the rounding of what it is taken of.
            absolute = 180 * ROUNDING
            np.testing.assert_allclose(band["low"], np.maximum(mean - spread, 0), rtol=0, atol=absolute)
            np.testing.assert_allclose(band["high"], np.minimum(mean + spread, 180), rtol=0, atol=absolute)
        self.equal(layers[4]["y"], np.array([90, 90]), "a right angle")

    def test_straightness_is_a_histogram_from_1_on_beside_independent_steps(self) -> None:
        histogram, chance = self.data("curvature", 2)
        values = self.numbers("geometry/straightness")
        values = values[np.isfinite(values)]
        high = min(values.max(), 4 * np.sort(values)[len(values) // 2])
        edges = np.linspace(1, high, 41)
        self.near(histogram["bin_centre"], (edges[1:] + edges[:-1]) / 2, "bins")
        count, _ = np.histogram(np.minimum(values, high), edges)
        self.near(histogram["height"], 100 * count / len(values), "share of samples")
        velocity = self.numbers("continuity/velocity_mean")
        self.near(chance["x"], np.full(2, velocity.sum() / np.linalg.norm(velocity)), "independent steps")

    # Several runs, and few numbers.

    def test_several_runs_are_drawn_over_each_other_on_relative_depth(self) -> None:
        other = self.trace("other", 12, "--components", "3", "--weights", "random")
        drawn = self.draw("both", self.run_file, other)
        names = ["participation_ratio", "participation_ratio_corrected", "participation_ratio_standardised",
                 "effective_rank", "components_for", "top_unit_share"]  # fmt: skip
        layers = read_data(drawn / "dimension.dat")
        self.assertEqual([layer.panel for layer in layers], [panel for panel in range(1, 7) for _ in range(2)])
        for place, layer in enumerate(layers):
            with h5py.File((self.run_file, other)[place % 2]) as trace:
                values = trace[f"pca/{names[place // 2]}"][()].astype(np.float64)
            if values.ndim == 2:
                values = values[:, 2]
            self.equal(layer["x"], np.arange(self.points) / (self.points - 1), "relative depth")
            self.equal(layer["y"], (100 if place // 2 == 5 else 1) * values, names[place // 2])
        bends = read_data(drawn / "curvature.dat")
        self.assertEqual([layer.panel for layer in bends], [1, 1, 1, 2, 2, 2, 3, 3])
        with h5py.File(other) as trace:
            self.near(bends[4]["y"], np.degrees(trace["geometry/plane_curvature_mean"][()]), "the other's plane")
        self.assertEqual([round(layer["height"].sum(), 9) for layer in bends[6:]], [100, 100])

    def check_drawn(self, drawn: Path, names: list[str]) -> None:
        self.assertEqual(sorted(path.stem for path in drawn.glob("*.svg")), sorted(names))
        for name in names:
            self.assertIn("</svg>", (drawn / f"{name}.svg").read_text())

    def test_one_sample_has_no_variance_to_explain(self) -> None:
        drawn = self.draw("one_sample", self.trace("one_sample", 1))
        self.check_drawn(drawn, ["dimension", "trajectory", "curvature"])

    def test_equal_samples_leave_curves_out(self) -> None:
        file = Path(self.made.name) / "equal.h5"
        corpus = write_corpus(Path(self.made.name) / "equal.txt", 1)
        corpus.write_text(corpus.read_text() * 3)
        self.must("trace", "--model", tiny("llama31"), "--corpus", corpus, "--out", file, "--min-chars", "0",
                  "--permutations", "2", "--progress", "none")  # fmt: skip
        drawn = self.draw("equal", file)
        self.check_drawn(drawn, OURS.split(","))
        (line,) = read_data(drawn / "explained_variance.dat")
        self.equal(line["y"], np.array([90, 90]), "the line at 90 %, alone")

    def test_one_component_has_no_plane(self) -> None:
        drawn = self.draw("one_component", self.trace("one_component", 5, "--components", "1"))
        self.check_drawn(drawn, OURS.split(","))
        self.assertEqual((drawn / "trajectory.dat").read_text(), "")

    def test_they_are_named_in_the_list(self) -> None:
        listed = run("figures", "--list").output
        self.assertEqual([name for name in OURS.split(",") if f"\n{name} " not in listed], [])


if __name__ == "__main__":
    unittest.main()
