"""Phase portraits: turning angles, turns, and the four nulls with the program's own draws.

Each function takes trajectories along the last axis, points 0 … S - 1. `error` is how far each of their values may
be off; a turn's bound follows from it. R telescopes: it is the direction of the last step of the portrait less that
of the first, and one more or less for each time that an angle leaves [-π, π); so it is off by what those two
directions are off, and by one for each angle that is too near ±π to say on which side it lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from philox import WORD, Purpose, Random, philox

from .expected import EPSILON, Array

TIE = 1e-9  # turns this near each other are equal
RUN = 8  # turning angles of one local turn
NULLS = ("points", "layers", "steps", "signs")
#: How the datasets of each null end.
SUFFIXES = {"points": "", "layers": "_layer", "steps": "_step", "signs": "_sign"}


def wrapped(angle: Array) -> Array:
    """Into [-π, π)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def portrait(a: Array) -> tuple[Array, Array]:
    """X = a - a[0] and Y = g - g[0], g the gradient over points."""
    g = np.gradient(a, axis=-1)
    return a - a[..., :1], g - g[..., :1]


@dataclass
class Turning:
    """Turning angles Δθ (…, S - 2), and how far the direction of each step of the portrait may be off (…, S - 1)."""

    angle: Array
    direction_error: Array

    @property
    def unclear(self) -> Array:
        """Angles too near ±π to tell which."""
        near = np.pi - np.abs(self.angle)
        return near < 2 * (self.direction_error[..., :-1] + self.direction_error[..., 1:])

    def turns(self) -> Array:
        return self.angle.sum(axis=-1) / (2 * np.pi)

    def turns_bound(self) -> Array:
        ends = self.direction_error[..., 0] + self.direction_error[..., -1]
        rounding = 4 * EPSILON * self.angle.shape[-1]
        return ends / (2 * np.pi) + self.unclear.sum(axis=-1) + rounding

    def local(self) -> tuple[Array, Array]:
        """(…, S - 9): the turns of each run of eight angles, and their bounds."""
        runs = self.angle.shape[-1] - RUN + 1
        parts = [Turning(self.angle[..., i : i + RUN], self.direction_error[..., i : i + RUN + 1]) for i in range(runs)]
        return (
            np.stack([part.turns() for part in parts], axis=-1),
            np.stack([part.turns_bound() for part in parts], axis=-1),
        )


def turning(a: Array, error: Array | float = 0.0) -> Turning:
    x, y = portrait(a)
    dx, dy = np.diff(x), np.diff(y)
    angle = wrapped(np.diff(np.arctan2(dy, dx)))
    # A difference of two values is off by twice their error; of two central differences also, of a central and a
    # one-sided one by three times; 4 covers the length of both. Roundings are those of the portrait's values.
    size = np.abs(x).max(axis=-1, keepdims=True) + np.abs(y).max(axis=-1, keepdims=True)
    off = 4 * (np.asarray(error, np.float64)[..., None] + 2 * EPSILON * size)
    length = np.hypot(dx, dy)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Equal values make a step of exactly zero, whose direction is 0.
        direction_error = np.where(off > 0, np.minimum(np.pi / 2 * off / length, np.pi), 0.0)
    return Turning(angle, direction_error + 4 * EPSILON * np.pi)


def turns(a: Array) -> Array:
    """R, signed."""
    return turning(a).turns()


def turns_of_rows(x: Array, block: int = 64) -> tuple[Array, Array]:
    """(N, D): R of each row and unit of (N, P, D), over points 0 … S - 1, and its bound."""
    found, bounds = [], []
    for begin in range(0, len(x), block):  # what is in memory at once
        one = turning(np.moveaxis(x[begin : begin + block, :-1], 1, 2))
        found.append(one.turns())
        bounds.append(one.turns_bound())
    return np.concatenate(found), np.concatenate(bounds)


class Draws:
    """The same stream for many (first, second) at once: word i of each."""

    def __init__(self, seed: int, purpose: int, first: Array, second: Array, words: int) -> None:
        self.seed, self.purpose = seed, int(purpose)
        self.first, self.second = np.broadcast_arrays(first, second)
        counter = (self.first.astype(np.uint64), self.second.astype(np.uint64))
        blocks = []
        for block in range((words + 3) // 4):
            start = np.full(self.first.shape, block, np.uint64)
            blocks += philox((start, np.full_like(start, self.purpose), *counter), (seed & WORD, seed >> 32))
        self.words = np.stack(blocks, axis=-1)

    def permutations(self, count: int) -> Array:
        """(…, count): 0 … count - 1, shuffled by each stream."""
        order = np.broadcast_to(np.arange(count), (*self.first.shape, count)).copy()
        rejected = np.zeros(self.first.shape, bool)
        for word, i in enumerate(range(count - 1, 0, -1)):
            product = self.words[..., word] * np.uint64(i + 1)
            rejected |= (product & np.uint64(WORD)) < 2**32 % (i + 1)
            other = (product >> np.uint64(32)).astype(np.int64)[..., None]
            here = order[..., i].copy()
            order[..., i] = np.take_along_axis(order, other, axis=-1)[..., 0]
            np.put_along_axis(order, other, here[..., None], axis=-1)
        for place in map(tuple, np.argwhere(rejected)):
            # A rejected word shifts all that follow: this stream goes one by one.
            stream = Random(self.seed, self.purpose, int(self.first[place]), int(self.second[place]))
            order[place] = stream.shuffle(list(range(count)))
        return order

    def signs(self, count: int) -> Array:
        """(…, count): -1 where bit i mod 32 of word i / 32 is 1, else 1."""
        i = np.arange(count)
        bit = (self.words[..., i // 32] >> (i % 32).astype(np.uint64)) & np.uint64(1)
        return 1.0 - 2.0 * bit


def null_trajectories(null: str, a: Array, unit: Array, draws: int, seed: int) -> Array:
    """(D, draws, S) of a (D, S), unit the ids of its rows."""
    points = a.shape[-1]
    purpose = Purpose[f"null_{null}"]
    random = Draws(seed, purpose, np.asarray(unit)[:, None], np.arange(draws)[None, :], points)
    every = np.broadcast_to(a[:, None], (len(a), draws, points))
    if null == "points":
        return np.take_along_axis(every, random.permutations(points), axis=-1)
    if null == "layers":
        layer = random.permutations(points // 2)
        order = np.stack([2 * layer, 2 * layer + 1], axis=-1).reshape(*layer.shape[:-1], -1)
        return np.take_along_axis(every, order, axis=-1)
    step = np.diff(every)
    if null == "steps":
        step = np.take_along_axis(step, random.permutations(points - 1), axis=-1)
    else:
        step = step * random.signs(points - 1)
    return np.cumsum(np.concatenate([every[..., :1], step], axis=-1), axis=-1)


@dataclass
class Null:
    """One null of all units: (D) numbers and their bounds."""

    numbers: dict[str, Array]
    bounds: dict[str, Array]


def dataset_name(number: str, suffix: str) -> str:
    """What the file calls a null's number: null_layer_mean, but p_more_layer."""
    return number.replace("null", "null" + suffix) if "null" in number else number + suffix


def null_of(null: str, a: Array, unit: Array, draws: int, seed: int, block: int = 16) -> Null:
    """Mean and standard deviation (divisor draws - 1) of R₀, mean of |R₀|, and p-values of |R| in both tails."""
    parts: list[tuple[dict[str, Array], dict[str, Array]]] = []
    for begin in range(0, len(a), block):  # what is in memory at once
        mine = slice(begin, begin + block)
        trajectory = null_trajectories(null, a[mine], unit[mine], draws, seed)
        # A walk that is summed up again carries the rounding of its sums.
        summed = EPSILON * trajectory.shape[-1] * np.abs(trajectory).max(axis=-1)
        drawn = turning(trajectory, summed if null in ("steps", "signs") else 0.0)
        parts.append(null_numbers(turning(a[mine]), drawn))
    return Null(*({name: np.concatenate([part[i][name] for part in parts]) for name in parts[0][i]} for i in (0, 1)))


def null_numbers(observed: Turning, drawn: Turning) -> tuple[dict[str, Array], dict[str, Array]]:
    r, r0 = observed.turns()[:, None], drawn.turns()
    draws = r0.shape[1]
    bound = drawn.turns_bound()
    numbers = {"null_mean": r0.mean(axis=1), "null_abs_mean": np.abs(r0).mean(axis=1)}
    summed = bound.mean(axis=1) + EPSILON * draws * (1 + numbers["null_abs_mean"])
    bounds = {"null_mean": summed, "null_abs_mean": summed}
    numbers["null_std"] = r0.std(axis=1, ddof=1) if draws > 1 else np.full(len(r0), np.nan)
    bounds["null_std"] = np.sqrt((bound**2).sum(axis=1) / max(draws - 1, 1)) + 8 * EPSILON * draws
    further = np.abs(r0) - np.abs(r)  # > 0: the null turns more
    unsure = bound + observed.turns_bound()[:, None]
    for name, more in (("p_more", further), ("p_fewer", -further)):
        counted, fewest, most = ((more >= -TIE + off).sum(axis=1) for off in (0.0, unsure, -unsure))
        numbers[name] = (1 + counted) / (draws + 1)
        bounds[name] = np.maximum(most - counted, counted - fewest) / (draws + 1) + 4 * EPSILON
    return numbers, bounds


def q_values(p: Array) -> Array:
    """Benjamini and Hochberg's: the least false discovery rate at which each is a discovery."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(found, 1.0)


def share_below(values: Array, level: float = 0.05) -> float:
    return float((values < level).mean())
