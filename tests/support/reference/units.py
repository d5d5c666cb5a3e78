"""What is measured of each unit over the rows, at one capture point or two."""

from __future__ import annotations

import math

import numpy as np

from .expected import Array, divided, mean_over


def is_constant(x: Array) -> Array:
    """(P, D): units that have one value in all rows."""
    return x.max(axis=0) == x.min(axis=0)


def centred(x: Array) -> Array:
    """The rows less their mean, twice: the first mean of a unit near 3000 is off by its rounding."""
    y = x - x.mean(axis=0)
    return y - y.mean(axis=0)


def variance(x: Array) -> Array:
    """(P, D), divisor N - 1; NaN of one row."""
    if len(x) < 2:
        return np.full(x.shape[1:], np.nan)
    return np.where(is_constant(x), 0.0, (centred(x) ** 2).sum(axis=0) / (len(x) - 1))


def correlation(x: Array) -> Array:
    """(P, P, D): Pearson's, of each unit between each two points."""
    y = centred(x)
    product = np.einsum("nsd,ntd->std", y, y)
    size = np.sqrt((y**2).sum(axis=0))
    r = divided(product, size[:, None] * size[None, :])
    defined = ~is_constant(x)
    return np.where(defined[:, None] & defined[None, :], r, np.nan)


def adjacent(r: Array) -> Array:
    """(P - 1, …) of (P, P, …)."""
    return np.stack([r[s, s + 1] for s in range(len(r) - 1)])


def residual_null_of_units(x: Array) -> Array:
    """(P - 1, D): the correlation that the addition of an independent step leaves."""
    here = variance(x)[:-1]
    change = variance(x[:, 1:] - x[:, :-1])
    constant = is_constant(x)
    null = divided(np.sqrt(here), np.sqrt(here + change))
    return np.where(constant[:-1] | constant[1:], np.nan, null)


def residual_null(x: Array) -> Array:
    """(P - 1), mean over units."""
    return mean_over(residual_null_of_units(x), axis=1)


def residual_null_error(x: Array, moments: float) -> Array:
    """(P - 1): how far it goes where covariances are off by `moments` σ σ′ at most: f = (1 + σ_Δ²/σ²)^(-1/2)."""
    here, there = variance(x)[:-1], variance(x)[1:]
    change = variance(x[:, 1:] - x[:, :-1])
    off = moments * (np.sqrt(here) + np.sqrt(there)) ** 2
    error = residual_null_of_units(x) ** 3 / 2 * (divided(off, here) + moments * divided(change, here))
    return np.nan_to_num(mean_over(error, axis=1))


def bin_count(rows: int) -> int:
    """⌊√(N/5)⌋, at least 2 and at most 32."""
    return min(max(math.isqrt(rows // 5), 2), 32)


def bin_indexes(values: Array) -> Array:
    """The bin of each value: ⌊rB/N⌋ of its rank r, equal values at the lowest of their ranks."""
    rank = np.searchsorted(np.sort(values), values, side="left")
    return rank * bin_count(len(values)) // len(values)


def information(one: Array, other: Array) -> float:
    """Mutual information of two columns in nats: plug-in on equal-frequency bins less Miller and Madow's bias."""
    rows, bins = len(one), bin_count(len(one))
    table = np.zeros((bins, bins))
    np.add.at(table, (bin_indexes(one), bin_indexes(other)), 1)
    p = table / rows
    occupied = p > 0
    independent = np.outer(p.sum(axis=1), p.sum(axis=0))
    plug_in = (p[occupied] * np.log(p[occupied] / independent[occupied])).sum()
    k_xy, k_x, k_y = occupied.sum(), occupied.any(axis=1).sum(), occupied.any(axis=0).sum()
    return float(plug_in - (k_xy - k_x - k_y + 1) / (2 * rows))


def mutual_information(x: Array) -> Array:
    """(P - 1, D) between points s and s + 1; NaN where a unit is constant at either."""
    constant = is_constant(x)
    found = np.full((x.shape[1] - 1, x.shape[2]), np.nan)
    for s, d in np.argwhere(~(constant[:-1] | constant[1:])):
        found[s, d] = information(x[:, s, d], x[:, s + 1, d])
    return found
