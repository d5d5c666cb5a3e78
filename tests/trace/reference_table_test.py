"""The table of datasets, on files made up here: what a right program would write passes, and nothing else does."""

from __future__ import annotations

import unittest

import numpy as np
from reference.expected import Array
from reference.files import complaints
from reference.points import Spectrum
from reference.table import STREAMED, Trace, expected_numbers

DRAWS = 50
#: Kept as float32 in a file.
SINGLE = {"continuity/unit_correlation", "continuity/mutual_information", "pca/component", "pooled/component",
          "pooled/score"}  # fmt: skip


def walks(rows: int, points: int = 13, units: int = 12, massive: float = 300) -> Array:
    """Rows as a residual stream has them: growing steps, units of their own size, one of them massive."""
    random = np.random.default_rng(1)
    mixed = random.standard_normal((rows, points, units)) @ random.standard_normal((units, units))
    steps = mixed * np.geomspace(0.1, 1, points)[:, None] + random.standard_normal((points, units))
    x = np.cumsum(steps, axis=1)
    x[:, :, 3] += massive
    return x.astype(np.float32).astype(np.float64)


def upright(component: Array) -> Array:
    largest = np.abs(component).argmax(axis=1)
    return component * np.sign(component[np.arange(len(component)), largest])[:, None]


def written(x: Array, modes: int = 64, single: bool = True, **how: bool) -> dict[str, Array]:
    """The file that a program without a rounding of its own would write of these rows."""
    rows, points, units = x.shape
    pooled = Spectrum(x.reshape(-1, units))
    spectra = [Spectrum(x[:, s]) for s in range(points)]
    kept = min(modes, rows - 1, units)
    found = {
        "trajectory/mean": x.mean(axis=0),
        "pooled/mean": x.mean(axis=(0, 1)),
        "pooled/eigenvalue": pooled.eigenvalue,
        "pooled/component": np.where(pooled.eigenvalue[:modes, None] > 0, upright(pooled.component[:modes]), np.nan),
    }
    if kept:
        component = np.full((points, kept, units), np.nan)
        for s, one in enumerate(spectra):
            leading = min(kept, one.rank)
            component[s, :leading] = upright(one.component[:leading])
        found |= {"pca/component": component, "pca/eigenvalue": np.array([one.eigenvalue for one in spectra])}
    found |= {name: one.value for name, one in expected_numbers(Trace(found, x, DRAWS, **how)).items()}
    return {name: value.astype(np.float32) if single and name in SINGLE else value for name, value in found.items()}


class Table(unittest.TestCase):
    def assert_clean(self, trace: Trace) -> None:
        self.assertEqual(complaints(trace), [])

    def test_right_files_pass(self) -> None:
        for rows in (2, 3, 9, 40):
            for single in (True, False):
                with self.subTest(rows=rows, single=single):
                    x = walks(rows)
                    self.assert_clean(Trace(written(x, single=single), x, DRAWS))
        x = walks(40)
        self.assert_clean(Trace(written(x, modes=5), x, DRAWS))

    def test_one_row(self) -> None:
        x = walks(1)
        found = written(x)
        self.assertNotIn("pca/eigenvalue", found)
        for name in ("trajectory/variance", "continuity/correlation", "geometry/flow_eigenvalue"):
            self.assertTrue(np.isnan(found[name]).all(), name)
        self.assertFalse(np.isnan(found["rotation/turns"]).any())
        self.assert_clean(Trace(found, x, DRAWS))

    def test_few_distinct_rows(self) -> None:
        """Points of little rank, and a unit that is constant at some."""
        x = walks(12)
        x[:, 0] = x[np.arange(12) % 3, 0]
        x[:, 1:4, 5] = x[0, 1:4, 5]
        found = written(x)
        self.assertEqual(found["pca/rank"][0], 2)
        self.assertEqual(found["continuity/correlation_units"][1, 2], 11)
        self.assert_clean(Trace(found, x, DRAWS))

    def test_equal_rows(self) -> None:
        """At the first point all rows are one: it has no spread, and no flow but to 0."""
        x = walks(2, units=30)
        x[:, 0] = x[0, 0]
        found = written(x)
        self.assertEqual(len(found["pooled/eigenvalue"]), 25)
        self.assertEqual(int(np.isnan(found["pooled/component"][:, 0]).sum()), 1)
        self.assertEqual(found["geometry/flow_explained"][0], 0)
        self.assertTrue((found["geometry/flow_eigenvalue"][0] == 0).all())
        self.assertTrue(np.isnan(found["continuity/mutual_information"][0]).all())
        self.assert_clean(Trace(found, x, DRAWS))
        one = written(x, modes=1)
        self.assertTrue(np.isnan(one["geometry/plane_curvature_mean"]).all())
        self.assert_clean(Trace(one, x, DRAWS))

    def test_every_token(self) -> None:
        x = walks(60)
        found = written(x, streamed=True, every_token=True)
        for name in ("pooled/score", "rotation/sample_turns_mean", "geometry/straightness",
                     "control/random_basis/turns", "control/sample_permuted/correlation"):  # fmt: skip
            self.assertNotIn(name, found)
        self.assert_clean(Trace(found, x, DRAWS, streamed=True, every_token=True))
        wrong = complaints(Trace(found, x, DRAWS, streamed=True))
        self.assertIn("pooled/score is missing", wrong)
        self.assertIn("geometry/straightness_mean is not checked", wrong)

    def test_no_wrong_number_passes(self) -> None:
        x = walks(40, massive=30)
        for single in (True, False):
            found = written(x, modes=5, single=single)
            for name, values in found.items():
                place = largest(values)
                wrong = values.copy()
                wrong[place] = wrong[place] * (1 + 1e-6) if wrong.dtype.kind == "f" else wrong[place] + 1
                with self.subTest(dataset=name, place=place, single=single):
                    said = complaints(Trace(found | {name: wrong}, x, DRAWS, single=single))
                    self.assertTrue(any(one.startswith(name) for one in said), said)

    def test_missing_and_unknown(self) -> None:
        x = walks(9)
        found = written(x)
        del found["density/norm_std"]
        found["density/rest"] = np.zeros(3)
        wrong = complaints(Trace(found, x, DRAWS))
        self.assertEqual(wrong, ["density/norm_std is missing", "density/rest is not checked"])

    def test_quanta_pass_as_streamed(self) -> None:
        """Moments of rows in whole quanta, 2²⁰ of them for the largest of each unit's numbers."""
        x = walks(200)
        centre = (x.max(axis=0) + x.min(axis=0)) / 2
        quantum = np.abs(x - centre).max(axis=0) / 2**20
        found = written(centre + quantum * np.rint((x - centre) / quantum))
        wrong = complaints(Trace(found, x, DRAWS, streamed=True))
        from_moments = ("trajectory/", "continuity/correlation", "continuity/unit_", "continuity/residual_null", "pca/",
                        "pooled/mean:", "pooled/eigenvalue", "pooled/component", "rotation/turns", "rotation/null",
                        "rotation/p_", "rotation/local", "control/layer_permuted/turns")  # fmt: skip
        self.assertEqual([one for one in wrong if one.startswith(from_moments)], [])

    def test_streamed_promise_is_held(self) -> None:
        """Ten times what the moments may lose is seen."""
        x = walks(200)
        found = written(x)
        spread = np.sqrt(found["trajectory/variance"])
        for name, off in (
            ("trajectory/mean", 3 * STREAMED * spread),
            ("trajectory/variance", 3 * STREAMED * spread**2),
            ("continuity/correlation", 3 * STREAMED),
            ("continuity/unit_correlation", 3 * STREAMED),
            ("pca/eigenvalue", 3 * STREAMED * found["pca/eigenvalue"][:, :1]),
            ("pooled/eigenvalue", 3 * STREAMED * found["pooled/eigenvalue"][0]),
        ):
            with self.subTest(dataset=name):
                wrong = (found[name] + off).astype(found[name].dtype)
                said = complaints(Trace(found | {name: wrong}, x, DRAWS, streamed=True))
                self.assertTrue(any(one.startswith(name) for one in said), said)


def largest(values: Array) -> tuple[int, ...]:
    """Where the largest number is."""
    return tuple(map(int, np.unravel_index(int(np.nanargmax(np.abs(values))), values.shape)))


if __name__ == "__main__":
    unittest.main()
