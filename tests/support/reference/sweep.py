"""Every number of a sweep file, computed again from a trace file and a model: each perturbation is a full run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .ablation import ablation_of, part_means
from .expected import EPSILON, Array, Expected
from .llama import Llama
from .paths import Baseline, Measures, Paths, follow, length, measures, stream_error
from .perturbation import Pooled, directions, displaced, start_layers, teleport_grid, teleported, turned
from .recovery import Scales, half_lives, recovery_of, stacked, summary_of


@dataclass(frozen=True)
class Options:
    """Of `orrery perturb`, by their names there; the words that ask for them are `words`."""

    kinds: tuple[str, ...] = ("teleport", "noise")
    mode: str = "plane"
    range: str = "pooled"
    grid: int = 10
    widen: float = 0.2
    epsilon: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    directions: int = 8
    pc_directions: int = 2
    prompts: tuple[int, ...] | None = None  #: None: the first 8
    layers: tuple[int, ...] | None = None  #: None: the paper's
    score_components: int = 8
    controls: tuple[str, ...] = ("random_direction",)
    ablate: str = "zero"
    ablate_layers: tuple[int, ...] | None = None  #: None: all
    state_prompts: tuple[int, ...] = ()  #: none: no states are stored
    state_points: tuple[int, ...] | None = None  #: None: all
    seed: int = 0

    @property
    def words(self) -> list[str]:
        """The command line of these options."""

        def listed(values: Sequence[Any]) -> str:
            return ",".join(map(str, values))

        given = {
            "kinds": listed(self.kinds),
            "mode": self.mode,
            "range": self.range,
            "grid": str(self.grid),
            "widen": str(self.widen),
            "epsilon": listed(self.epsilon),
            "directions": str(self.directions),
            "pc-directions": str(self.pc_directions),
            "prompts": None if self.prompts is None else listed(self.prompts),
            "layers": None if self.layers is None else listed(self.layers),
            "score-components": str(self.score_components),
            "controls": listed(self.controls) or "none",
            "ablate": self.ablate,
            "ablate-layers": None if self.ablate_layers is None else listed(self.ablate_layers),
            "seed": str(self.seed),
        }
        if self.state_prompts:
            given |= {"store": "states", "state-prompts": listed(self.state_prompts)}
            given["state-points"] = "all" if self.state_points is None else listed(self.state_points)
        return [word for name, value in given.items() if value is not None for word in (f"--{name}", value)]


def run_tokens(found: Mapping[str, Array], sample: int) -> Array:
    """The ids of a sample up to its measured token; with a trace of every token up to its last."""
    first, last = found["samples/token_offset"][sample : sample + 2]
    if "samples/position" in found:
        last = first + found["samples/position"][sample] + 1
    return found["samples/token"][first:last]


class Sweep:
    """What a file should hold. Q prompts, M start layers, G grid points, E epsilons, R directions, P points."""

    def __init__(self, found: Mapping[str, Array], model: Llama, options: Options) -> None:
        """`found`: the trace's datasets."""
        self.found, self.model, self.options = found, model, options
        self.samples = len(found["samples/row"])
        self.prompts = list(range(min(8, self.samples)) if options.prompts is None else options.prompts)
        self.layers = start_layers(model.layers) if options.layers is None else list(options.layers)
        self.pooled = Pooled.of_trace(found)
        ids = [run_tokens(found, sample) for sample in self.prompts]
        self.base = Baseline(model, self.pooled, ids, [model.run(one) for one in ids])
        self.components = min(options.score_components, len(self.pooled.component))
        self.spread = np.sqrt(2 * found["pca/total_variance"])

    def runs(self, kind: str) -> bool:
        return kind in self.options.kinds

    @property
    def controlled(self) -> bool:
        return self.runs("teleport") and "random_direction" in self.options.controls

    @cached_property
    def directions(self) -> dict[str, Array]:
        return directions(self.pooled, self.options.directions, self.options.pc_directions, self.options.seed)

    def own(self, q: int, m: int) -> Array:
        """(D): the unperturbed stream that a perturbation replaces."""
        return self.base.stream[q, 2 * self.layers[m]]

    def grid_of(self, m: int) -> Array:
        """(G, 2) of a start layer."""
        s = 2 * self.layers[m]
        points = range(s, s + 1) if self.options.range == "layer" else range(2 * self.model.layers)
        return teleport_grid(self.pooled, points, self.options.grid, self.options.widen)

    def teleports(self, q: int, m: int) -> Array:
        """(G, D)."""
        return teleported(self.pooled, self.grid_of(m), self.own(q, m), self.options.mode)

    @cached_property
    def paths(self) -> dict[str, Paths]:
        """The perturbed runs of each kind; noise: every epsilon and, fastest, every direction."""
        found = {}
        if self.runs("teleport"):
            found["teleport"] = follow(self.base, self.layers, self.teleports)
        if self.controlled:
            seed = self.options.seed
            found["random_direction"] = follow(
                self.base, self.layers, lambda q, m: turned(self.own(q, m), self.teleports(q, m), seed)
            )
        if self.runs("noise"):
            found["noise"] = follow(
                self.base,
                self.layers,
                lambda q, m: np.concatenate(displaced(self.own(q, m), self.options.epsilon, self.directions)),
            )
        return found

    @cached_property
    def measured(self) -> dict[str, Measures]:
        return {kind: measures(self.base, paths) for kind, paths in self.paths.items()}

    @property
    def case_names(self) -> list[str]:
        """Each epsilon of noise is a case, written with the fewest digits that give it back."""
        names = [*(["teleport"] if self.runs("teleport") else []), *(["random_direction"] if self.controlled else [])]
        epsilons = self.options.epsilon if self.runs("noise") else ()
        return names + [f"noise {str(float(epsilon)).removesuffix('.0')}" for epsilon in epsilons]

    def cases(self) -> list[Measures]:
        """In that order."""
        found = [one for kind, one in self.measured.items() if kind != "noise"]
        if self.runs("noise"):
            noise, count = self.measured["noise"], len(self.directions)
            found += [noise.chosen(e * count, (e + 1) * count) for e in range(len(self.options.epsilon))]
        return found

    @cached_property
    def numbers(self) -> dict[str, Expected]:
        """Every dataset by path, but for scales and what is measured in time."""
        found = self.baseline()
        starts = [2 * layer for layer in self.layers]
        for kind, place in (("teleport", "teleport"), ("random_direction", "control/random_direction")):
            if kind in self.measured:
                found |= self.beside(place, self.measured[kind])
        lives = {"teleport": "recovery/half_life", "random_direction": "control/random_direction/half_life"}
        for kind, name in lives.items():
            if kind in self.measured:
                found[name] = half_lives(self.measured[kind].distance, starts)
        if self.runs("teleport"):
            found |= self.of_teleports()
        if self.runs("noise"):
            measured = self.measured["noise"]
            of_noise = self.beside("noise", measured)
            of_noise["recovery/noise_half_life"] = half_lives(measured.distance, starts)
            found |= {name: self.by_epsilon(one) for name, one in of_noise.items()}
        if self.case_names:
            scales = Scales.of(self.base, self.spread, self.layers)
            recovery = stacked([recovery_of(one, scales) for one in self.cases()])
            found |= {f"recovery/{name}": one for name, one in recovery.items()}
            found |= {f"summary/{name}": one for name, one in summary_of(recovery, starts).items()}
        if self.runs("ablate"):
            found |= {f"ablation/{name}": one for name, one in self.ablation().items()}
        return found | self.states()

    def from_starts(self) -> Array:
        """(Q, M, P, D): the unperturbed streams, from each start layer's point on."""
        beside = np.repeat(self.base.stream[:, None], len(self.layers), axis=1)
        for m, layer in enumerate(self.layers):
            beside[:, m, : 2 * layer] = np.nan
        return beside

    def baseline(self) -> dict[str, Expected]:
        stream = self.base.stream
        beside = self.base.score(self.from_starts(), self.components) if self.paths else None
        return ({} if beside is None else {"baseline/score_beside": beside}) | {
            "points/layer": Expected(np.arange(self.model.points) // 2),
            "points/spread": Expected(self.spread, 4 * EPSILON * self.spread),
            "prompts/row": Expected(self.found["samples/row"][self.prompts]),
            "prompts/length": Expected(np.array([len(ids) for ids in self.base.prompts])),
            "baseline/score": self.base.score(stream, self.components),
            "baseline/norm": Expected(length(stream), stream_error(stream)),
            "baseline/next_token": Expected(self.base.logits.argmax(axis=-1)),
        }

    def beside(self, place: str, measured: Measures) -> dict[str, Expected]:
        """What every kind of perturbation has."""
        names = ("distance", "cosine", "kl", "top1")
        return {f"{place}/{name}": getattr(measured, name) for name in names}

    def of_teleports(self) -> dict[str, Expected]:
        grids = np.stack([self.grid_of(m) for m in range(len(self.layers))])
        grid = grids if self.options.range == "layer" else grids[0]
        return {
            "teleport/grid": Expected(grid, 16 * EPSILON * np.abs(self.pooled.score_range[..., :2]).max()),
            "teleport/score": self.base.score(self.paths["teleport"].stream, self.components),
        }

    def by_epsilon(self, one: Expected) -> Expected:
        """(Q, M, E, R, …) of (Q, M, E · R, …)."""
        shape = (*one.value.shape[:2], len(self.options.epsilon), -1, *one.value.shape[3:])
        return Expected(one.value.reshape(shape), np.asarray(one.bound).reshape(shape))

    def ablation(self) -> dict[str, Expected]:
        means = None
        if self.options.ablate == "mean":
            means = part_means(self.model, [run_tokens(self.found, sample) for sample in range(self.samples)])
        return ablation_of(self.base, self.ablated_layers, means)

    @property
    def ablated_layers(self) -> list[int]:
        return list(range(self.model.layers) if self.options.ablate_layers is None else self.options.ablate_layers)

    @property
    def state_points(self) -> list[int]:
        return list(range(self.model.points) if self.options.state_points is None else self.options.state_points)

    def states(self) -> dict[str, Expected]:
        """The streams themselves, of chosen prompts at chosen points."""
        if not self.options.state_prompts:
            return {}
        chosen = [self.prompts.index(sample) for sample in self.options.state_prompts]

        def part(stream: Array) -> Expected:
            loss = np.broadcast_to(stream_error(stream)[..., None], stream.shape)
            return Expected(*(one[chosen][..., self.state_points, :] for one in (stream, loss)))

        found = {"states/baseline": part(self.base.stream)}
        if self.paths:
            found["states/unperturbed"] = part(self.from_starts())
        for kind, paths in self.paths.items():
            one = part(paths.stream)
            found[f"states/{kind}"] = self.by_epsilon(one) if kind == "noise" else one
        return found

    def scales(self) -> dict[str, list[Any] | int]:
        """Values of the root's scales, or their length where they have none."""
        found: dict[str, list[Any] | int] = {"prompt": self.prompts, "component": self.components}
        if self.case_names:
            found |= {"start_layer": self.layers, "case": self.case_names}
        if self.runs("teleport"):
            found |= {"grid_point": list(range(self.options.grid**2)), "plane_axis": ["pc_1", "pc_2"]}
        if self.runs("noise"):
            found |= {"epsilon": list(self.options.epsilon), "direction": list(self.directions)}
        if self.runs("ablate"):
            heads = [f"head_{head}" for head in range(self.model.heads)]
            found |= {"ablated_layer": self.ablated_layers, "part": [*heads, "mlp"]}
        found["point"] = self.model.points
        if self.case_names or self.runs("ablate"):
            found["step"] = self.model.points - 1
        if self.options.state_prompts:
            found |= {"state_prompt": list(self.options.state_prompts), "state_point": self.state_points}
            found["unit"] = self.model.width
        return found
