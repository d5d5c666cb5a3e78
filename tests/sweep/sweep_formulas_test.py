"""The reference of sweeps itself: its formulas against hand-checked cases."""

from __future__ import annotations

import unittest

import numpy as np
from reference.expected import Expected
from reference.paths import Measures, averaged, kl_of, top1_of
from reference.perturbation import Pooled, directions, displaced, start_layers, teleport_grid, teleported, turned
from reference.recovery import (
    Scales,
    distances,
    half_life,
    half_lives,
    halved,
    inward,
    lower_median,
    summary_of,
)

RANDOM = np.random.default_rng(5)
#: A small part.
FEW = 1e-6


def exact(values: object) -> Expected:
    values = np.asarray(values, np.float64)
    return Expected(values, np.zeros_like(values))


def made_up(units: int = 6) -> Pooled:
    component = np.linalg.qr(RANDOM.standard_normal((units, 3)))[0].T
    score_range = np.array([[[-1.0, 0.0, 9]] * 4 + [[-3.0, 1.0, 9]], [[1.0, 2.0, 9]] * 4 + [[9.0, 4.0, 9]]])
    return Pooled(RANDOM.standard_normal(units), component, score_range)


class Perturbations(unittest.TestCase):
    def test_start_layers(self) -> None:
        self.assertEqual(start_layers(32), [0, 7, 15, 23, 31])
        self.assertEqual([start_layers(layers) for layers in (1, 2, 3, 4)], [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]])

    def test_grid(self) -> None:
        pooled = made_up()
        grid = teleport_grid(pooled, range(4), 3, 0.5)
        np.testing.assert_allclose(grid[:4], [[-1.5, -0.5], [0, -0.5], [1.5, -0.5], [-1.5, 1]], atol=1e-15)
        np.testing.assert_allclose(grid[-1], [1.5, 2.5])
        np.testing.assert_allclose(teleport_grid(pooled, range(5), 1, 0.2), [[3, 2]])
        np.testing.assert_allclose(teleport_grid(pooled, range(4, 5), 2, 0)[[0, -1]], [[-3, 1], [9, 4]])

    def test_teleports(self) -> None:
        pooled, x = made_up(), RANDOM.standard_normal(6)
        grid = teleport_grid(pooled, range(5), 3, 0.2)
        for mode in ("plane", "shift"):
            moved = teleported(pooled, grid, x, mode)
            np.testing.assert_allclose(pooled.scores(moved, 2), grid, atol=1e-13)
            rest = moved - pooled.scores(moved, 2) @ pooled.component[:2]
            kept = pooled.mean if mode == "plane" else x - pooled.scores(x, 2) @ pooled.component[:2]
            np.testing.assert_allclose(rest, np.tile(kept, (9, 1)), atol=1e-13)

    def test_directions(self) -> None:
        pooled, x = made_up(), RANDOM.standard_normal(6)
        found = directions(pooled, 3, 2, seed=9)
        self.assertEqual(list(found), ["random_0", "random_1", "random_2", "pc_1", "-pc_1", "pc_2", "-pc_2"])
        np.testing.assert_allclose([np.linalg.norm(u) for u in found.values()], 1)
        np.testing.assert_array_equal(found["pc_2"], -found["-pc_2"])
        np.testing.assert_allclose(found["pc_1"], pooled.component[0])
        np.testing.assert_array_equal(directions(pooled, 1, 0, seed=9)["random_0"], found["random_0"])
        self.assertGreater(np.abs(directions(pooled, 1, 0, seed=8)["random_0"] - found["random_0"]).max(), 0.01)
        moved = displaced(x, (0.5, 2.0), found)
        np.testing.assert_allclose(moved[1, 2] - x, 2 * np.linalg.norm(x) * found["random_2"])

    def test_control(self) -> None:
        pooled, x = made_up(), RANDOM.standard_normal(6)
        moved = teleported(pooled, teleport_grid(pooled, range(5), 3, 0.2), x, "plane")
        other = turned(x, moved, 9)
        np.testing.assert_allclose(np.linalg.norm(other - x, axis=1), np.linalg.norm(moved - x, axis=1))
        unit = (other - x) / np.linalg.norm(other - x, axis=1, keepdims=True)
        self.assertLess(np.abs(unit @ unit.T - np.eye(9)).max(), 0.999, "each has a direction of its own")
        noise = np.stack(list(directions(pooled, 9, 0, 9).values()))
        self.assertGreater(np.abs(unit - noise).max(axis=1).min(), 0.01, "and none of noise's")


class Recovery(unittest.TestCase):
    def test_half_life(self) -> None:
        for d, expected in (
            ([4, 8, 1], 1 + 2 / 3),
            ([8, 6, 4, 1], 2),
            ([1, 0.25], 0.5),
            ([1, 2, 0.6], np.inf),
            ([1], np.inf),
            ([0, 0, 0], np.nan),
        ):
            found, _ = half_life(np.array(d, np.float64), np.zeros(len(d)))
            np.testing.assert_allclose(found, expected, err_msg=str(d))

    def test_bound_of_the_half_life(self) -> None:
        d = np.exp(np.cumsum(RANDOM.normal(-0.1, 0.5, (300, 9)), axis=1))
        loss = FEW * d * RANDOM.uniform(0.1, 1, d.shape)
        for one, off in zip(d, loss):
            value, bound = half_life(one, off)
            other, _ = half_life(one + off * RANDOM.uniform(-1, 1, 9), off)
            self.assertTrue(value == other or abs(value - other) <= bound)
            self.assertTrue(bound < 1e-4 or bound == np.inf)

    def test_no_distance(self) -> None:
        """Ratios and exponents where there is one, from point 1 on of two prompts."""
        nan = np.nan
        d = exact(np.array([[[[nan, 2, 0, 4]]], [[[nan, 0, 0, 0]]]]))
        none = exact(np.zeros((2, 1, 1)))
        scales = Scales(exact(np.ones((2, 4))), np.array([1.0, 2, 0, 4]), exact(np.zeros((2, 4, 2))), [1])
        found = distances(Measures(d, d, d, none, none), scales)
        np.testing.assert_array_equal(found["ratio"].value[:, 0, 0], [[nan, 1, 0, 2], [nan] * 4])
        np.testing.assert_array_equal(found["exponent"].value[:, 0, 0], [[nan] * 3] * 2)
        np.testing.assert_array_equal(found["relative_distance"].value, d.value)
        np.testing.assert_array_equal(found["spread_distance"].value[:, 0, 0], [[nan, 1, nan, 1], [nan, 0, nan, 0]])

    def test_lower_median(self) -> None:
        values = np.array([[3.0, 1, 2, 9], [np.inf, 1, np.inf, 2], [np.inf, np.inf, np.inf, 1], [np.nan, 5, 7, 6]])
        found = lower_median(Expected(values, np.full(values.shape, 0.5)))
        self.assertEqual(found.value.tolist(), [2, 2, np.inf, 6])
        self.assertEqual(found.bound.tolist(), [0.5] * 4)
        self.assertTrue(np.isnan(lower_median(exact([[np.nan, np.nan]])).value[0]))

    def test_halved(self) -> None:
        distance = np.full((1, 2, 3, 4), np.nan)
        distance[0, 0] = [[4, 2, 9, 9], [4, 5, 2.1, 3], [0, 0, 0, 0]]
        distance[0, 1, :, 2:] = [[4, 1], [4, 3], [4, 2.0001]]
        found = halved(Expected(distance, 0.001 * np.nan_to_num(distance)), [0, 2])
        np.testing.assert_array_equal(found.value, [[[1, 0, np.nan], [1, 0, 0]]])
        np.testing.assert_array_equal(found.bound, [[[1, 0, 0], [0, 0, 1]]])
        lives = half_lives(exact(distance), [0, 2]).value
        np.testing.assert_allclose(lives[0, 0], [1, np.inf, np.nan])
        np.testing.assert_allclose(lives[0, 1], [0.5, np.inf, np.inf])

    def test_inward(self) -> None:
        own = exact(np.array([[[0.0, 0], [1, 0], [2, 0]]]))
        plane = np.array([[3.0, 0], [3, 0], [5, 0]]), np.array([[0.0, 2], [1, 2], [2, 1]])
        found = inward(exact(np.array(plane)[None, None]), own)
        np.testing.assert_array_equal(found.value[0, 0], [[1, 0], [0, 1]])
        np.testing.assert_array_equal(found.bound[0, 0], [[0, 0], [1, 0]])

    def test_bound_of_inward(self) -> None:
        """Steps that are inward with scores that are off, and were not, are in doubt."""
        for size in (1e-3, 0.05):
            plane, own = RANDOM.standard_normal((1, 1, 2000, 5, 2)), RANDOM.standard_normal((1, 5, 2))
            found = inward(*(Expected(z, np.full(z.shape, size)) for z in (plane, own)))
            moved = inward(*(exact(z + size * RANDOM.choice([-1, 1], z.shape)) for z in (plane, own)))
            self.assertTrue((np.abs(found.value - moved.value) <= found.bound).all())
            self.assertGreater(np.abs(found.value - moved.value).sum(), 0)
            self.assertLess(found.bound.mean(), 10 * size)

    def test_summary(self) -> None:
        """Two prompts, one case, start layers 0 and 1, three points."""
        by_point = np.array([[[[1.0, 2, 3], [np.nan, np.nan, 5]]], [[[1.0, 4, 7], [np.nan, np.nan, np.nan]]]])
        by_step = by_point[..., 1:] - 1
        whole = np.array([[[1.0, 0.25]], [[0.5, 0.25]]])
        recovery = {name: exact(by_point) for name in ("ratio", "relative_distance", "spread_distance", "cosine")}
        recovery |= {name: exact(by_step) for name in ("exponent", "inward_fraction")}
        recovery |= {name: exact(whole) for name in ("halved", "kl", "top1")}
        recovery["half_life_median"] = exact([[[np.inf, 3]], [[1, 4]]])
        found = summary_of(recovery, [0, 2])
        expected = {
            "ratio_end": [5, 5],
            "ratio_end_se": [2, np.nan],
            "relative_distance_start": [1, 5],
            "spread_distance_end": [5, 5],
            "exponent": [3, 4],
            "exponent_se": [1.5, np.nan],
            "kl": [0.75, 0.25],
            "kl_se": [0.25, 0],
            "half_life_median": [1, 3],
        }
        for name, values in expected.items():
            np.testing.assert_allclose(found[name].value, [values], err_msg=name)
        self.assertNotIn("half_life_median_se", found)

    def test_read_out(self) -> None:
        p, q = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.5, 0.25])
        none = np.zeros(())
        self.assertAlmostEqual(float(kl_of(np.log(p) + 3, np.log(q) - 5, none).value), 0.25 * np.log(2), places=14)
        self.assertEqual(float(kl_of(np.log(p), np.log(p), none).value), 0)
        top1 = top1_of(np.log([p, p, q]), np.log([p, q, q]), np.zeros(3))
        self.assertEqual((top1.value.tolist(), top1.bound.tolist()), ([1, 0, 1], [0, 0, 0]))
        self.assertEqual(float(top1_of(np.log(p), np.log([0.25, 0.5, 0.49]), np.asarray(0.1)).bound), 1)
        for spread in (0.01, 1, 10):
            one, other = spread * RANDOM.standard_normal((2, 200, 30))
            kl = kl_of(one, other, np.full(200, FEW))
            moved = kl_of(*(x + FEW * RANDOM.uniform(-1, 1, x.shape) for x in (one, other)), np.zeros(200))
            self.assertTrue((np.abs(moved.value - kl.value) <= kl.bound).all())

    def test_mean_leaves_out(self) -> None:
        found = averaged(Expected(np.array([[1.0, np.nan, 3], [np.nan] * 3]), np.array([[0.1, 9, 0.3], [9] * 3])), 1)
        np.testing.assert_allclose(found.value, [2, np.nan])
        self.assertAlmostEqual(found.bound[0], 0.2, places=12)


if __name__ == "__main__":
    unittest.main()
