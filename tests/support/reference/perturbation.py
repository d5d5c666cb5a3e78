"""What a sweep puts in place of a stream: teleports, noise, and their control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from philox import Purpose, Random

from .expected import Array


@dataclass(frozen=True)
class Pooled:
    """The pooled components of a trace, as it has them."""

    mean: Array  #: (D)
    component: Array  #: (k, D)
    score_range: Array  #: (2, P, k) least and greatest score

    @classmethod
    def of_trace(cls, found: Mapping[str, Array]) -> Pooled:
        names = ("pooled/mean", "pooled/component", "pooled/score_range")
        return cls(*(found[name].astype(np.float64) for name in names))

    def scores(self, x: Array, count: int) -> Array:
        """(…, count) of x (…, D)."""
        return (x - self.mean) @ self.component[:count].T


def start_layers(layers: int) -> list[int]:
    """The paper's: {0, ⌊L/4⌋ − 1, ⌊L/2⌋ − 1, ⌊3L/4⌋ − 1, L − 1}."""
    chosen = {0, layers // 4 - 1, layers // 2 - 1, 3 * layers // 4 - 1, layers - 1}
    return sorted(layer for layer in chosen if layer >= 0)


def along(least: float, greatest: float, side: int, widen: float) -> list[float]:
    """`side` values over a range that is widened about its centre; one value is the centre."""
    centre, width = (least + greatest) / 2, (greatest - least) * (1 + widen)
    return [centre + (width * (i / (side - 1) - 0.5) if side > 1 else 0.0) for i in range(side)]


def teleport_grid(pooled: Pooled, points: range, side: int, widen: float) -> Array:
    """(side², 2): over the range of the scores at these points, the first component fastest."""
    least = pooled.score_range[0, points.start : points.stop].min(axis=0)
    greatest = pooled.score_range[1, points.start : points.stop].max(axis=0)
    first, second = (along(least[i], greatest[i], side, widen) for i in range(2))
    return np.array([[one, other] for other in second for one in first])


def teleported(pooled: Pooled, grid: Array, x: Array, mode: str) -> Array:
    """(G, D): the stream x (D) put to each point of the grid; "shift" keeps what is not of the plane."""
    plane = pooled.component[:2]
    if mode == "plane":
        return pooled.mean + grid @ plane
    return x + (grid - pooled.scores(x, 2)) @ plane


def unit_vector(seed: int, purpose: Purpose, index: int, units: int) -> Array:
    """Uniform on the sphere."""
    random = Random(seed, purpose, index)
    vector = np.array([random.normal() for _ in range(units)])
    return vector / np.linalg.norm(vector)


def directions(pooled: Pooled, count: int, pcs: int, seed: int) -> dict[str, Array]:
    """Unit vectors (D) of noise by name: random ones, then each leading component and its opposite."""
    units = len(pooled.mean)
    found = {f"random_{i}": unit_vector(seed, Purpose.direction, i, units) for i in range(count)}
    for i in range(pcs):
        u = pooled.component[i] / np.linalg.norm(pooled.component[i])
        found |= {f"pc_{i + 1}": u, f"-pc_{i + 1}": -u}
    return found


def displaced(x: Array, epsilons: tuple[float, ...], along_these: dict[str, Array]) -> Array:
    """(E, R, D): the stream x (D) moved by a part of its length."""
    moves = np.stack(list(along_these.values()))
    return x + np.asarray(epsilons)[:, None, None] * np.linalg.norm(x) * moves


def turned(x: Array, streams: Array, seed: int) -> Array:
    """(G, D): each of these streams' displacement from x turned into a random direction, its length kept."""
    moves = [unit_vector(seed, Purpose.control_direction, g, len(x)) for g in range(len(streams))]
    return x + np.linalg.norm(streams - x, axis=1)[:, None] * np.stack(moves)
