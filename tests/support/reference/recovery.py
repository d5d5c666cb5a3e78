"""How perturbed runs come back to the unperturbed ones: of each, of a case's mean, and over prompts.

Q prompts, C cases, M start layers, n perturbations of a case, P points. With a distance of 0 at the start there is
nothing to recover from, and from or to a distance of 0 no exponent: NaN, left out of means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .expected import Array, Expected, divided, mean_over, spread_bound, spread_over_rows
from .paths import ROUNDING, Baseline, Measures, averaged, length, stream_error

#: Of /recovery, with one entry a point or a step; the others have none.
BY_POINT = ("ratio", "relative_distance", "spread_distance", "cosine")
BY_STEP = ("exponent", "inward_fraction")


def half_life(d: Array, loss: Array) -> tuple[float, float]:
    """Points from d[0] until half of it is left, log d being linear between; and how far that is off where d is off by
    `loss`: without bound where a distance is half the first one to within that."""
    half, half_loss = d[0] / 2, loss[0] / 2
    if not half > 0:
        return np.nan, 0.0
    in_doubt = False
    for s in range(1, len(d)):
        in_doubt = in_doubt or bool(abs(d[s] - half) <= loss[s] + half_loss)
        if d[s] <= half:
            above, whole = np.log(d[s - 1] / half), np.log(d[s - 1] / d[s])
            before, after = loss[s - 1] / d[s - 1], loss[s] / d[s]
            off = (before + half_loss / half) / whole + above * (before + after) / whole**2
            return s - 1 + above / whole, np.inf if in_doubt else 1.001 * off + ROUNDING * s
    return np.inf, np.inf if in_doubt else 0.0


def half_lives(distance: Expected, starts: Sequence[int]) -> Expected:
    """(Q, M, n) of distances (Q, M, n, P); M starts are points."""
    found = Expected(np.empty(distance.value.shape[:3]), np.empty(distance.value.shape[:3]))
    for q, m, i in np.ndindex(found.value.shape):
        d, loss = distance.value[q, m, i, starts[m] :], distance.bound[q, m, i, starts[m] :]
        found.value[q, m, i], found.bound[q, m, i] = half_life(d, loss)
    return found


def lower_median(one: Expected) -> Expected:
    """Along the last axis: the middle value, or the lower of the two middle ones. It is off by no more than the values
    are. NaN is left out."""
    value = np.full(one.value.shape[:-1], np.nan)
    bound = np.zeros_like(value)
    for at in np.ndindex(value.shape):
        defined = ~np.isnan(one.value[at])
        if defined.any():
            ordered = np.sort(one.value[at][defined])
            value[at] = ordered[(len(ordered) - 1) // 2]
            bound[at] = one.bound[at][defined].max()
    return Expected(value, bound)


@dataclass(frozen=True)
class Scales:
    """What distances are held against."""

    norm: Expected  #: (Q, P) of the unperturbed streams
    spread: Array  #: (P)
    plane: Expected  #: (Q, P, 2) their scores in the first two components
    starts: list[int]  #: (M) points

    @classmethod
    def of(cls, base: Baseline, spread: Array, layers: list[int]) -> Scales:
        norm = Expected(length(base.stream), stream_error(base.stream))
        return cls(norm, spread, base.score(base.stream, 2), [2 * layer for layer in layers])


def at_start(values: Array, starts: Sequence[int]) -> Array:
    """(Q, M, n, 1) of (Q, M, n, P)."""
    return np.stack([values[:, m, :, s, None] for m, s in enumerate(starts)], axis=1)


def distances(measured: Measures, scales: Scales) -> dict[str, Expected]:
    """(Q, M, n, P), or P − 1 for the exponent, of each perturbation."""
    d, loss = measured.distance.value, measured.distance.bound
    first = at_start(d, scales.starts)
    d = np.where(first > 0, d, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = loss / d
        ratio = d / first
        exponent = np.log(np.where(d[..., 1:] > 0, d[..., 1:], np.nan) / d[..., :-1])
        exponent = np.where(d[..., :-1] > 0, exponent, np.nan)
    norm = scales.norm.value[:, None, None]
    relative = measured.distance.value / norm
    by_spread = [divided(one, scales.spread) for one in (measured.distance.value, loss)]
    return {
        "ratio": Expected(ratio, 1.001 * ratio * (lost + at_start(lost, scales.starts))),
        "relative_distance": Expected(relative, (loss + relative * scales.norm.bound[:, None, None]) / norm),
        "spread_distance": Expected(*by_spread),
        "cosine": measured.cosine,
        "exponent": Expected(exponent, 1.001 * (lost[..., 1:] + lost[..., :-1])),
    }


def inward(plane: Expected, own: Expected) -> Expected:
    """(Q, M, n, P − 1): 1 where a step comes nearer to the unperturbed run's; in doubt where that hangs on the loss.

    `plane` (Q, M, n, P, 2), `own` (Q, P, 2)."""
    z = own.value[:, None, None]
    loss = np.sqrt((plane.bound**2).sum(-1)) + np.sqrt((own.bound[:, None, None] ** 2).sum(-1))
    away = z - plane.value
    gain = -np.diff(away, axis=3)  # (z′[s+1] − z′[s]) − (z[s+1] − z[s])
    product = (gain * away[..., :-1, :]).sum(axis=-1)
    gain_loss = loss[..., 1:] + loss[..., :-1]
    off = length(gain) * loss[..., :-1] + gain_loss * (length(away[..., :-1, :]) + loss[..., :-1])
    value = np.where(np.isnan(product), np.nan, product > 0)
    return Expected(value, np.where(np.abs(product) <= off, 1.0, 0.0))


def halved(distance: Expected, starts: Sequence[int]) -> Expected:
    """(Q, M, n): 1 where half the first distance or less is left at a later point."""
    value = np.full(distance.value.shape[:3], np.nan)
    bound = np.zeros_like(value)
    for m, s in enumerate(starts):
        d, loss = distance.value[:, m, :, s:], distance.bound[:, m, :, s:]
        half, slack = d[..., :1] / 2, loss[..., 1:] + loss[..., :1] / 2
        value[:, m] = np.where(d[..., 0] > 0, (d[..., 1:] <= half).any(axis=-1), np.nan)
        sure, possible = (d[..., 1:] + slack <= half).any(axis=-1), (d[..., 1:] - slack <= half).any(axis=-1)
        bound[:, m] = possible & ~sure
    return Expected(value, bound)


def recovery_of(measured: Measures, scales: Scales) -> dict[str, Expected]:
    """One case: every dataset of /recovery that has cases, without that axis: (Q, M, …)."""
    each = distances(measured, scales)
    each["inward_fraction"] = inward(measured.plane, scales.plane)
    each["halved"] = halved(measured.distance, scales.starts)
    each |= {"kl": measured.kl, "top1": measured.top1}
    found = {name: averaged(one, axis=2) for name, one in each.items()}
    found["half_life_median"] = lower_median(half_lives(measured.distance, scales.starts))
    return found


def stacked(cases: Sequence[dict[str, Expected]]) -> dict[str, Expected]:
    """(Q, C, M, …) of C cases (Q, M, …)."""

    def together(name: str, part: str) -> Array:
        return np.stack([getattr(case[name], part) for case in cases], axis=1)

    return {name: Expected(together(name, "value"), together(name, "bound")) for name in cases[0]}


def summary_of(recovery: dict[str, Expected], starts: Sequence[int]) -> dict[str, Expected]:
    """/summary: (C, M) over prompts, of /recovery (Q, C, M, …)."""

    def part(name: str, at: Sequence[int]) -> Expected:
        """(Q, C, M): each start layer's entry `at` its point."""
        parts = (recovery[name].value, recovery[name].bound)
        return Expected(*(np.stack([one[:, :, m, s] for m, s in enumerate(at)], axis=2) for one in parts))

    end = [-1] * len(starts)
    each = {f"{name}_end": part(name, end) for name in BY_POINT}
    each |= {f"{name}_start": part(name, starts) for name in ("relative_distance", "spread_distance")}
    each |= {name: averaged(recovery[name], axis=3) for name in BY_STEP}
    each |= {name: recovery[name] for name in ("halved", "kl", "top1")}
    found = {}
    for name, one in each.items():
        count = (~np.isnan(one.value)).sum(axis=0)
        loss = np.where(np.isnan(one.value), np.nan, one.bound)
        found[name] = averaged(one, axis=0)
        error = divided(spread_over_rows(one.value), np.sqrt(count))
        off = spread_bound(loss) / np.sqrt(np.maximum(count, 1))
        # A deviation's rounding is that of the values that it is taken of.
        off = off + ROUNDING * np.abs(mean_over(np.abs(one.value), 0))
        found[f"{name}_se"] = Expected(error, off)
    medians = recovery["half_life_median"]
    found["half_life_median"] = lower_median(
        Expected(np.moveaxis(medians.value, 0, -1), np.moveaxis(np.asarray(medians.bound), 0, -1))
    )
    return found
