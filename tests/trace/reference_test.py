"""The reference itself: against hand-checked cases, published vectors, and plainer forms of the same formulas."""

from __future__ import annotations

import unittest
from fractions import Fraction

import numpy as np
from philox import Purpose, Random, philox
from reference.control import permuted_layers, permuted_samples, random_basis
from reference.expected import Array, Expected, complaint
from reference.points import Spectrum, linear_flow, principal_angles
from reference.rotation import NULLS, Draws, null_of, null_trajectories, q_values, turning, turns
from reference.rows import angle, curvature, straightness
from reference.units import bin_count, bin_indexes, information

RANDOM = np.random.default_rng(4)
#: A unit and a draw (seed 0, points, 64 of them) of whose words one is refused.
REJECTED = (139, 537)


class RandomNumbers(unittest.TestCase):
    def test_published_vectors(self) -> None:
        """Random123's known answers of Philox4x32-10."""
        pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
        for counter, key, words in (
            ((0,) * 4, (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
            ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
            (pi, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
        ):
            self.assertEqual(philox(counter, key), words)

    def test_many_streams_at_once(self) -> None:
        seed = 7 << 40 | 9
        draws = Draws(seed, Purpose.null_steps, np.arange(3)[:, None], np.arange(5)[None, :], 60)
        shuffled = draws.permutations(60)
        for unit in range(3):
            for draw in range(5):
                stream = Random(seed, Purpose.null_steps, unit, draw)
                self.assertEqual(shuffled[unit, draw].tolist(), stream.shuffle(list(range(60))))

    def test_rejected_words(self) -> None:
        """One stream in a million has a word that `below` refuses."""
        unit, draw = REJECTED
        draws = Draws(0, Purpose.null_points, np.array([unit]), np.array([draw]), 64)
        stream = Random(0, Purpose.null_points, unit, draw)
        expected = stream.shuffle(list(range(64)))
        self.assertEqual(stream.block * 4 - len(stream.words), 64, "63 numbers of 64 words")
        self.assertEqual(draws.permutations(64)[0].tolist(), expected)

    def test_signs(self) -> None:
        stream = Random(1, Purpose.null_signs, 2, 3)
        words = [stream.bits() for _ in range(3)]
        expected = [-1.0 if words[i // 32] >> i % 32 & 1 else 1.0 for i in range(70)]
        draws = Draws(1, Purpose.null_signs, np.array([2]), np.array([3]), 70)
        self.assertEqual(draws.signs(70)[0].tolist(), expected)


class Rotation(unittest.TestCase):
    def test_by_hand(self) -> None:
        """A peak: X = 0, 1, 0 and g = 1, 0, -1, so the portrait's steps are (1, -1) and (-1, -1)."""
        one = turning(np.array([0.0, 1.0, 0.0]))
        np.testing.assert_allclose(one.angle, [-np.pi / 2], atol=1e-15)
        self.assertAlmostEqual(float(one.turns()), -0.25, places=15)
        self.assertEqual(float(turns(np.array([0.0, -1.0, 0.0]))), float(one.turns()))

    def test_straight_and_constant(self) -> None:
        for a in (np.arange(64.0), np.zeros(64), np.full(12, -3.5)):
            self.assertEqual(float(turns(a)), 0.0)
            self.assertLess(turning(a).turns_bound(), 1e-12)

    def test_anchors(self) -> None:
        steps = np.arange(64)
        for k, expected in ((1, 0.998), (3, 2.979), (8, 7.830)):
            found = float(turns(np.sin(2 * np.pi * k * steps / 64)))
            self.assertLess(found, 0, "portraits turn clockwise")
            self.assertAlmostEqual(abs(found), expected, delta=0.001)
        for points, walk, noise in ((60, 10.24, 13.9), (64, 10.96, 14.8)):
            normal = RANDOM.standard_normal((20000, points))
            self.assertAlmostEqual(np.abs(turns(np.cumsum(normal, axis=1))).mean(), walk, delta=0.06)
            self.assertAlmostEqual(np.abs(turns(normal)).mean(), noise, delta=0.06)

    def test_local_turns(self) -> None:
        local, _ = turning(np.sin(2 * np.pi * np.arange(64) / 16)).local()
        self.assertEqual(local.shape, (55,))
        np.testing.assert_allclose(local[20:30], -0.5, atol=0.05)

    def test_bound(self) -> None:
        """Trajectories that are off by that much turn otherwise by no more than the bound; mostly it is small."""
        a = np.cumsum(RANDOM.standard_normal((4000, 30)), axis=1)
        for error in (1e-9, 1e-4, 1e-2):
            one, other = turning(a, error), turning(a + error * RANDOM.uniform(-1, 1, a.shape))
            self.assertTrue((np.abs(one.turns() - other.turns()) <= one.turns_bound()).all(), error)
        self.assertLess(np.median(turning(a, 1e-9).turns_bound()), 1e-7)

    def test_nulls_one_by_one(self) -> None:
        a = np.cumsum(RANDOM.standard_normal((3, 12)), axis=1)
        a[2] = np.repeat(a[2, :4], 3)  # with ties
        unit, draws, seed = np.array([0, 5, 9]), 40, 11
        for null in NULLS:
            found = null_of(null, a, unit, draws, seed)
            for i in range(3):
                r0 = np.array([turns(plain_null(null, a[i], seed, int(unit[i]), draw)) for draw in range(draws)])
                r = abs(float(turns(a[i])))
                self.assertAlmostEqual(found.numbers["null_mean"][i], r0.mean(), places=12)
                self.assertAlmostEqual(found.numbers["null_std"][i], r0.std(ddof=1), places=12)
                self.assertAlmostEqual(found.numbers["null_abs_mean"][i], np.abs(r0).mean(), places=12)
                more = (1 + sum(abs(one) >= r - 1e-9 for one in r0)) / (draws + 1)
                fewer = (1 + sum(abs(one) <= r + 1e-9 for one in r0)) / (draws + 1)
                self.assertAlmostEqual(found.numbers["p_more"][i], more, places=14)
                self.assertAlmostEqual(found.numbers["p_fewer"][i], fewer, places=14)

    def test_nulls_keep_what_they_say(self) -> None:
        a = np.cumsum(RANDOM.standard_normal((4, 10)), axis=1)
        drawn = {null: null_trajectories(null, a, np.arange(4), 30, 0) for null in NULLS}
        every = np.broadcast_to(a[:, None], (4, 30, 10))
        np.testing.assert_array_equal(np.sort(drawn["points"]), np.sort(every))
        pairs = drawn["layers"].reshape(4, 30, 5, 2)
        np.testing.assert_allclose(np.sort(pairs[..., 1] - pairs[..., 0]), np.sort(every[..., 1::2] - every[..., ::2]))
        for null in ("steps", "signs"):
            np.testing.assert_array_equal(drawn[null][..., 0], every[..., 0])
        np.testing.assert_allclose(drawn["steps"][..., -1], every[..., -1], atol=1e-13)
        np.testing.assert_allclose(np.abs(np.diff(drawn["signs"])), np.abs(np.diff(every)), atol=1e-13)

    def test_false_discoveries(self) -> None:
        p = np.array([0.01, 0.04, 0.03, 0.005, 0.8])
        np.testing.assert_allclose(q_values(p), [0.025, 0.05, 0.05, 0.025, 0.8])


def plain_null(null: str, a: Array, seed: int, unit: int, draw: int) -> Array:
    """One draw, as its definition reads."""
    random = Random(seed, Purpose[f"null_{null}"], unit, draw)
    if null == "points":
        return np.array(random.shuffle(a.tolist()))
    if null == "layers":
        order = random.shuffle(list(range(len(a) // 2)))
        return np.array([a[2 * layer + half] for layer in order for half in (0, 1)])
    steps = [a[i + 1] - a[i] for i in range(len(a) - 1)]
    if null == "steps":
        steps = random.shuffle(steps)
    else:
        word = random.bits()
        steps = [-step if word >> i & 1 else step for i, step in enumerate(steps)]
    walk = [a[0]]
    for step in steps:
        walk.append(walk[-1] + step)
    return np.array(walk)


class Information(unittest.TestCase):
    def test_bins(self) -> None:
        self.assertEqual([bin_count(n) for n in (1, 2, 20, 44, 45, 667, 5120, 9999)], [2, 2, 2, 2, 3, 11, 32, 32])
        self.assertEqual(bin_indexes(np.array([3.0, 1.0, 2.0, 4.0])).tolist(), [1, 0, 0, 1])
        # Ranks 0, 1, 1, 1: equal values share the lowest.
        self.assertEqual(bin_indexes(np.array([0.0, 5.0, 5.0, 5.0])).tolist(), [0, 0, 0, 0])

    def test_identical_and_independent(self) -> None:
        rows = 667
        values = RANDOM.standard_normal(rows)
        bins = bin_count(rows)
        share = np.bincount(np.arange(rows) * bins // rows) / rows
        entropy = -(share * np.log(share)).sum()
        self.assertAlmostEqual(information(values, values), entropy + (bins - 1) / (2 * rows), places=12)
        self.assertAlmostEqual(information(values, np.exp(values)), information(values, values), places=12)
        draws = [information(*RANDOM.standard_normal((2, rows))) for _ in range(200)]
        self.assertAlmostEqual(float(np.mean(draws)), 0.0, delta=0.01)

    def test_by_hand(self) -> None:
        """Four rows, two bins: cells (0, 0), (0, 1), (1, 1), (1, 1)."""
        found = information(np.array([0.0, 1, 2, 3]), np.array([0.0, 4, 5, 6])[[0, 2, 1, 3]])
        self.assertEqual(bin_indexes(np.array([0.0, 4, 5, 6])[[0, 2, 1, 3]]).tolist(), [0, 1, 0, 1])
        self.assertAlmostEqual(found, 0 - Fraction(4 - 2 - 2 + 1, 8), places=15)


class Geometry(unittest.TestCase):
    def test_curvature(self) -> None:
        line = np.arange(6.0)[None, :, None] * np.array([1.0, -2.0, 0.5])
        np.testing.assert_allclose(curvature(line), 0, atol=1e-15)
        np.testing.assert_allclose(straightness(line), 1, atol=1e-15)
        corner = np.array([[[0.0, 0], [1, 0], [1, 3], [1, 3], [1, 4]]])
        np.testing.assert_allclose(curvature(corner), [[np.pi / 2, np.nan, np.nan]], atol=1e-15)
        np.testing.assert_allclose(straightness(corner), [5 / np.sqrt(17)])
        np.testing.assert_allclose(angle(np.array([1.0, 0]), np.array([1.0, 1e-9])), 1e-9, rtol=1e-6)

    def test_principal_angles(self) -> None:
        basis = np.linalg.qr(RANDOM.standard_normal((20, 20)))[0].T
        np.testing.assert_allclose(principal_angles(basis[:5], basis[4::-1]), 0, atol=1e-14)
        np.testing.assert_allclose(principal_angles(basis[:5], basis[5:10]), np.pi / 2, atol=1e-14)
        wanted = np.array([1e-7, 0.3, 0.9, 1.5])
        turned = np.cos(wanted)[:, None] * basis[:4] + np.sin(wanted)[:, None] * basis[4:8]
        found = principal_angles(basis[:4], np.linalg.qr(RANDOM.standard_normal((4, 4)))[0] @ turned)
        np.testing.assert_allclose(found, wanted, atol=1e-14)

    def test_flow_of_a_known_map(self) -> None:
        map_ = np.array([[0.9, -0.4], [0.4, 0.9]])
        z = RANDOM.standard_normal((50, 2)) * (3, 0.1)
        to = z @ map_.T + (5, 7)
        for by_moments in (False, True):
            flow = linear_flow(z, to, np.zeros(z.shape), np.zeros(z.shape), by_moments)
            self.assertLess(flow.eigenvalue_bound, 1e-7 if by_moments else 1e-10)
            np.testing.assert_allclose(flow.eigenvalue, [0.9 + 0.4j, 0.9 - 0.4j], atol=1e-13)
            self.assertAlmostEqual(flow.explained, 1, places=13)
        still = linear_flow(z, z, np.zeros(z.shape), np.zeros(z.shape), False)
        np.testing.assert_allclose(still.eigenvalue, [1, 1])
        self.assertEqual(still.persistence, 1)

    def test_bound_of_the_flow(self) -> None:
        """Scores that are off by that much have eigenvalues and fits within the bound, with few rows and with many."""
        for rows in (3, 10, 17, 200):
            z = RANDOM.standard_normal((rows, 16)) * np.geomspace(1, 0.01, 16)
            to = 0.8 * z + 0.3 * RANDOM.standard_normal((rows, 16)) * np.geomspace(1, 0.01, 16)
            for size in (1e-12, 1e-7):
                off = np.full(z.shape, size)
                flow = linear_flow(z, to, off, off, False)
                noise = [size * RANDOM.uniform(-1, 1, z.shape) for _ in range(2)]
                other = linear_flow(z + noise[0], to + noise[1], off, off, False)
                for one in other.eigenvalue:
                    self.assertLess(np.abs(flow.eigenvalue - one).min(), flow.eigenvalue_bound, (rows, size))
                self.assertLessEqual(abs(flow.explained - other.explained), flow.explained_bound)
                self.assertLessEqual(abs(flow.persistence - other.persistence), flow.persistence_bound)

    def test_bound_of_the_flow_by_moments(self) -> None:
        """A = Z′ᵀZ (ZᵀZ)⁺, whose rounding is the square's."""
        for rows in (10, 200):
            z = RANDOM.standard_normal((rows, 16)) * np.geomspace(1, 1e-3, 16)
            to = 0.8 * z + 0.3 * RANDOM.standard_normal((rows, 16)) * np.geomspace(1, 0.01, 16)
            flow = linear_flow(z, to, np.zeros(z.shape), np.zeros(z.shape), True)
            self.assertLess(flow.explained_bound, 1e-3)
            z, to = z - z.mean(axis=0), to - to.mean(axis=0)
            gram, cross, total = z.T @ z, to.T @ z, (to**2).sum()
            value, vector = np.linalg.eigh(gram)
            kept = value > max(rows, 16) * 2.0**-52 * value[-1]
            map_ = (cross @ vector[:, kept] / value[kept]) @ vector[:, kept].T
            for one in np.linalg.eigvals(map_):
                self.assertLess(np.abs(flow.eigenvalue - one).min(), flow.eigenvalue_bound)
            explained = (2 * np.trace(map_ @ cross.T) - np.trace(map_ @ gram @ map_.T)) / total
            self.assertLessEqual(abs(flow.explained - explained), flow.explained_bound)
            persistence = (2 * np.trace(cross) - np.trace(gram)) / total
            self.assertLessEqual(abs(flow.persistence - persistence), flow.persistence_bound)

    def test_ratio_of_isotropic_data(self) -> None:
        ratios = [Spectrum(RANDOM.standard_normal((60, 24))).participation_ratio_corrected() for _ in range(40)]
        self.assertAlmostEqual(float(np.mean(ratios)), 24, delta=0.3)
        self.assertLess(Spectrum(RANDOM.standard_normal((60, 24))).participation_ratio(), 20)


class Controls(unittest.TestCase):
    def test_permutations(self) -> None:
        self.assertEqual(sorted(permuted_samples(0, 3, 50)), list(range(50)))
        self.assertNotEqual(permuted_samples(0, 3, 50), permuted_samples(0, 4, 50))
        point = permuted_layers(5, 21)
        self.assertEqual(sorted(point), list(range(21)))
        self.assertEqual(point[20], 20)
        self.assertEqual((point[1:20:2] - point[0:20:2]).tolist(), [1] * 10)
        self.assertTrue((point[0:20:2] % 2 == 0).all())

    def test_basis(self) -> None:
        q = random_basis(24, 3)
        np.testing.assert_allclose(q @ q.T, np.eye(24), atol=1e-14)
        streams = [Random(3, Purpose.basis, row) for row in range(24)]
        g = np.array([[stream.normal() for _ in range(24)] for stream in streams])
        r = q.T @ g
        np.testing.assert_allclose(np.tril(r, -1), 0, atol=1e-13)
        self.assertTrue((np.diag(r) > 0).all())


class Complaints(unittest.TestCase):
    def test_what_is_said(self) -> None:
        expected = Expected(np.array([[1.0, np.nan], [3.0, 4.0]]), 0.1)
        self.assertEqual(complaint("name", np.array([[1.05, np.nan], [3.0, 4.0]]), expected), "")
        said = complaint("name", np.array([[1.05, np.nan], [3.0, 4.5]]), expected)
        for word in ("name[1, 1]", "4.5", "4.0", "0.1", "1 of 4"):
            self.assertIn(word, said)
        for wrong in ([[1.0, 2.0], [3.0, 4.0]], [[np.nan, np.nan], [3.0, 4.0]], [[1.0, np.nan], [np.inf, 4.0]]):
            self.assertIn("1 of 4", complaint("name", np.array(wrong), expected))
        self.assertIn("shape", complaint("name", np.ones(4), expected))


if __name__ == "__main__":
    unittest.main()
