"""Sweep files of made-up numbers that hold together: every identity of the format is true of them.

The file comes from the example_file program of tests/archive; here its numbers are replaced by those of streams that
run through made-up layers, each measure written down as plainly as it is defined.
"""

from __future__ import annotations

import math
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
from checksums import refresh
from orrery_program import environment

KINDS = ("sweep", "shift", "noise", "ablation")
UNITS = 10

Array = np.ndarray
Numbers = dict[str, Array]


class MadeUp:
    """Streams of a made-up model: x (Q, P, D), and what becomes of others that stand in for them."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file
        self.generator = np.random.default_rng(1)
        self.prompts = len(file["prompt"])
        self.points = len(file["point"])
        self.layers = file["start_layer"][()] if "start_layer" in file else np.array([], dtype=int)
        rows = self.generator.normal(size=(40, self.points, UNITS)).cumsum(axis=1).astype(np.float32)
        self.x = rows[: self.prompts].astype(np.float64)
        pooled = rows.reshape(-1, UNITS).astype(np.float64)
        self.mean = pooled.mean(axis=0)
        vectors = np.linalg.eigh(np.cov(pooled.T))[1].T[::-1]
        self.components = vectors[: max(2, len(file["component"]))].astype(np.float32).astype(np.float64)
        self.spread = np.sqrt(2 * rows.astype(np.float64).var(axis=0, ddof=1).sum(axis=1))

    def score(self, x: Array) -> Array:
        return (x - self.mean) @ self.components.T

    def run(self, start: Array, layer: int, prompt: int) -> Array:
        """(P, D): the stream that `start` at the input of a layer becomes, as float32 has it; NaN before."""
        path = np.full((self.points, UNITS), np.nan)
        path[2 * layer] = start.astype(np.float32)
        factor = self.generator.uniform(0.7, 1.15)
        for s in range(2 * layer, self.points - 1):
            away = path[s] - self.x[prompt, s]
            bent = factor * away + 0.1 * np.linalg.norm(away) * self.generator.normal(size=UNITS) / math.sqrt(UNITS)
            path[s + 1] = (self.x[prompt, s + 1] + bent).astype(np.float32)
        return path

    def grid(self) -> Array:
        """(G, 2), or (M, G, 2) where each layer has its own."""
        side = math.isqrt(len(self.file["grid_point"]))
        line = np.linspace(-3, 3, side)
        grid = np.array([(first, second) for second in line for first in line])
        return np.stack([grid * (1 + m) for m in range(len(self.layers))]) if self.file.attrs["range"] == "layer" else grid

    def teleports(self, grid: Array) -> Array:
        """(Q, M, G, P, D)"""
        plane = self.components[:2]
        paths = []
        for q in range(self.prompts):
            for m, layer in enumerate(self.layers):
                x = self.x[q, 2 * layer]
                for z in grid[m] if grid.ndim == 3 else grid:
                    moved = self.mean + z @ plane
                    if self.file.attrs["mode"] == "shift":
                        moved = x + (z - self.score(x)[:2]) @ plane
                    paths.append(self.run(moved, layer, q))
        return np.array(paths).reshape(self.prompts, len(self.layers), -1, self.points, UNITS)

    def controls(self, teleports: Array) -> Array:
        paths = []
        for q, m, g in np.ndindex(teleports.shape[:3]):
            s, x = 2 * self.layers[m], self.x[q, 2 * self.layers[m]]
            paths.append(self.run(x + np.linalg.norm(teleports[q, m, g, s] - x) * self.direction(), self.layers[m], q))
        return np.array(paths).reshape(teleports.shape)

    def direction(self) -> Array:
        u = self.generator.normal(size=UNITS)
        return u / np.linalg.norm(u)

    def noises(self) -> Array:
        """(Q, M, E, R, P, D)"""
        epsilons = self.file["epsilon"][()]
        directions = [self.direction(), self.components[0], -self.components[0]]
        paths = []
        for q in range(self.prompts):
            for layer in self.layers:
                x = self.x[q, 2 * layer]
                for epsilon in epsilons:
                    paths += [self.run(x + epsilon * np.linalg.norm(x) * u, layer, q) for u in directions]
        shape = (self.prompts, len(self.layers), len(epsilons), len(directions), self.points, UNITS)
        return np.array(paths).reshape(shape)


def mean_of(values: list[float]) -> float:
    """The mean of those that are numbers."""
    found = [value for value in values if not math.isnan(value)]
    return float(np.mean(found)) if found else math.nan


def lower_median(values: list[float]) -> float:
    found = sorted(value for value in values if not math.isnan(value))
    return found[(len(found) - 1) // 2] if found else math.nan


def ratio(one: float, other: float) -> float:
    return one / other if other > 0 else math.nan


def half_life(distances: Array) -> float:
    """Of distances from the start on."""
    if distances[0] == 0:
        return math.nan
    for s in range(1, len(distances)):
        if distances[s] <= distances[0] / 2:
            before, after, half = (math.log2(d) for d in (distances[s - 1], distances[s], distances[0] / 2))
            return s - 1 + (before - half) / (before - after)
    return math.inf


def cosine(one: Array, other: Array) -> Array:
    return (one * other).sum(axis=-1) / (np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1))


class Sweep:
    """The numbers of a sweep of made-up streams."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file
        self.model = MadeUp(file)
        self.numbers: Numbers = {}
        self.cases: list[tuple[Array, Array, Array, Array]] = []  # streams, half-lives, KL, top-1 of (Q, M, n)

    def add_kind(self, group: str, half_lives: str, x: Array) -> None:
        """What is stored of streams (Q, M, ..., P, D)."""
        model = self.model
        own = model.x.reshape(model.prompts, *[1] * (x.ndim - 3), model.points, UNITS)
        distance = np.linalg.norm(x - own, axis=-1)
        starts = np.broadcast_to((2 * model.layers).reshape(-1, *[1] * (x.ndim - 4)), x.shape[1:-2])
        lives = np.empty(x.shape[:-2])
        for place in np.ndindex(lives.shape):
            lives[place] = half_life(distance[place][starts[place[1:]] :])
        kl = model.generator.uniform(0, 1, lives.shape)
        top1 = model.generator.integers(0, 2, lives.shape)
        self.numbers |= {f"{group}/distance": distance, f"{group}/cosine": cosine(x, own), f"{group}/kl": kl,
                         f"{group}/top1": top1, half_lives: lives}  # fmt: skip
        state = f"states/{group.split('/')[-1]}"
        if state in self.file:
            self.numbers[state] = self.states(x)
        if x.ndim == 6:  # a case for each epsilon
            self.cases += [(x[:, :, e], lives[:, :, e], kl[:, :, e], top1[:, :, e]) for e in range(x.shape[2])]
        else:
            self.cases.append((x, lives, kl, top1))

    def states(self, x: Array) -> Array:
        prompts = [list(self.file["prompt"]).index(one) for one in self.file["state_prompt"]]
        return x[prompts][..., self.file["state_point"][()], :]

    def add_recovery(self) -> None:
        model = self.model
        shape = (model.prompts, len(self.cases), len(model.layers))
        names = {"ratio": 0, "relative_distance": 0, "spread_distance": 0, "cosine": 0, "exponent": 1, "inward_fraction": 1}
        found = {name: np.full((*shape, model.points - less), np.nan) for name, less in names.items()}
        found |= {name: np.empty(shape) for name in ("halved", "half_life_median", "kl", "top1")}
        for q, c, m in np.ndindex(shape):
            x, lives, kl, top1 = (values[q, m] for values in self.cases[c])
            own, start, place = model.x[q], 2 * model.layers[m], (q, c, m)
            d = np.linalg.norm(x - own, axis=-1)
            z, z_own = model.score(x)[..., :2], model.score(own)[:, :2]
            for s in range(start, model.points):
                found["ratio"][*place, s] = mean_of([ratio(one[s], one[start]) for one in d])
                found["relative_distance"][*place, s] = mean_of(list(d[:, s] / np.linalg.norm(own[s])))
                found["spread_distance"][*place, s] = mean_of(list(d[:, s] / model.spread[s]))
                found["cosine"][*place, s] = mean_of([float(cosine(one[s], own[s])) for one in x])
            for s in range(start, model.points - 1):
                steps = [math.log(one[s + 1] / one[s]) for one in d if one[s] > 0 and one[s + 1] > 0]
                found["exponent"][*place, s] = mean_of(steps)
                flows = (z[:, s + 1] - z[:, s]) - (z_own[s + 1] - z_own[s])
                found["inward_fraction"][*place, s] = np.mean(((z_own[s] - z[:, s]) * flows).sum(axis=1) > 0)
            halved = [float(math.isfinite(life)) for life in lives.flat if not math.isnan(life)]
            found["halved"][place] = mean_of(halved)
            found["half_life_median"][place] = lower_median(list(lives.flat))
            found["kl"][place], found["top1"][place] = kl.mean(), top1.mean()
        self.numbers |= {f"recovery/{name}": values for name, values in found.items()}
        self.add_summary(found)

    def add_summary(self, found: Numbers) -> None:
        places = list(np.ndindex(len(self.cases), len(self.model.layers)))

        def put(name: str, number: object, error: bool = True) -> None:
            values, errors = (np.empty((len(self.cases), len(self.model.layers))) for _ in range(2))
            for c, m in places:
                each = [float(number(q, c, m)) for q in range(self.model.prompts)]
                known = [one for one in each if not math.isnan(one)]
                values[c, m] = mean_of(each) if error else lower_median(each)
                errors[c, m] = np.std(known, ddof=1) / math.sqrt(len(known)) if len(known) > 1 else math.nan
            self.numbers[f"summary/{name}"] = values
            if error:
                self.numbers[f"summary/{name}_se"] = errors

        start = 2 * self.model.layers
        for name in ("ratio", "relative_distance", "spread_distance", "cosine"):
            put(f"{name}_end", lambda q, c, m, name=name: found[name][q, c, m, -1])
        for name in ("relative_distance", "spread_distance"):
            put(f"{name}_start", lambda q, c, m, name=name: found[name][q, c, m, start[m]])
        for name in ("exponent", "inward_fraction"):
            put(name, lambda q, c, m, name=name: mean_of(list(found[name][q, c, m, start[m] :])))
        for name in ("halved", "kl", "top1"):
            put(name, lambda q, c, m, name=name: found[name][q, c, m])
        put("half_life_median", lambda q, c, m: found["half_life_median"][q, c, m], error=False)

    def add_ablation(self) -> None:
        model = self.model
        shape = self.file["ablation/kl"].shape
        x = np.array([model.run(model.x[q, 2 * self.file["ablated_layer"][a]] + 0.3 * model.direction(),
                                self.file["ablated_layer"][a], q) for q, a, _ in np.ndindex(shape)])  # fmt: skip
        x = x.reshape(*shape, model.points, UNITS)
        own = model.x[:, None, None]

        def speed(y: Array) -> Array:
            return np.linalg.norm(y[..., 1:, :] - y[..., :-1, :], axis=-1)

        found = {"kl": model.generator.uniform(0, 1, shape),
                 "norm": np.linalg.norm(x, axis=-1) - np.linalg.norm(own, axis=-1),
                 "velocity": speed(x) - speed(own),
                 "cosine": cosine(x[..., 1:, :], x[..., :-1, :]) - cosine(own[..., 1:, :], own[..., :-1, :])}  # fmt: skip
        self.numbers |= {f"ablation/{name}": values for name, values in found.items()}
        self.numbers |= {f"ablation/{name}_mean": values.mean(axis=0) for name, values in found.items()}
        self.numbers["ablation/distance"] = np.linalg.norm(x - own, axis=-1)
        self.numbers["ablation/top1"] = model.generator.integers(0, 2, shape)

    def make(self) -> Numbers:
        model, kept = self.model, len(self.file["component"])
        self.numbers = {
            "points/spread": model.spread,
            "prompts/row": self.file["prompt"][()] * 2,
            "prompts/length": np.full(model.prompts, 8),
            "baseline/score": model.score(model.x)[..., :kept],
            "baseline/norm": np.linalg.norm(model.x, axis=-1),
            "baseline/next_token": np.arange(model.prompts),
        }
        beside = np.repeat(model.x[:, None], len(model.layers), axis=1)
        for m, layer in enumerate(model.layers):
            beside[:, m, : 2 * layer] = np.nan
        if "baseline/score_beside" in self.file:
            self.numbers["baseline/score_beside"] = model.score(beside)[..., :kept]
        if "states/baseline" in self.file:
            self.numbers["states/baseline"] = self.states(model.x)
        if "states/unperturbed" in self.file:
            self.numbers["states/unperturbed"] = self.states(beside)
        if "teleport" in self.file:
            grid = model.grid()
            x = model.teleports(grid)
            self.numbers |= {"teleport/grid": grid, "teleport/score": model.score(x)[..., :kept]}
            self.add_kind("teleport", "recovery/half_life", x)
            if "control" in self.file:
                self.add_kind("control/random_direction", "control/random_direction/half_life", model.controls(x))
        if "noise" in self.file:
            self.add_kind("noise", "recovery/noise_half_life", model.noises())
        if self.cases:
            self.add_recovery()
        if "ablation" in self.file:
            self.add_ablation()
        return self.numbers


def make(path: Path, kind: str) -> Path:
    """A file of that kind at `path`, whose checksums are right."""
    subprocess.run([os.environ["ORRERY_EXAMPLE_FILE"], str(path), kind], check=True, env=environment())
    with h5py.File(path, "r+") as file:
        left = {"points/layer", "points/kind"}
        numbers = Sweep(file).make()

        def fill(name: str, item: h5py.HLObject) -> None:
            if isinstance(item, h5py.Dataset) and not item.is_scale and name not in left:
                assert item.shape == numbers[name].shape, (name, item.shape, numbers[name].shape)
                item[...] = numbers[name]

        file.visititems(fill)
    refresh(path)
    return path
