"""The numbers of /headline, and the jackknife's standard error of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .expected import Array, mean_over
from .points import SHARES, Spectrum
from .rotation import NULLS, SUFFIXES, dataset_name, null_of, q_values, share_below, turns
from .rows import cosine, relative_velocity, velocity
from .units import adjacent, correlation, residual_null

BLOCKS = 10  # of contiguous rows
FEWER_DRAWS = 10  # a block's nulls have so many times fewer


def turn_headline(r: Array, null: Mapping[str, Mapping[str, Array]]) -> dict[str, float]:
    """Of R (D) and each null's abs_mean, p_more and p_fewer (D)."""
    found = {"turns": float(np.abs(r).mean())}
    for name, numbers in null.items():
        suffix = SUFFIXES[name]
        found[f"turns_null{suffix}"] = float(numbers["null_abs_mean"].mean())
        for tail in ("more", "fewer"):
            p = numbers[f"p_{tail}"]
            found[f"turns_{tail}{suffix}"] = share_below(p)
            found[f"turns_{tail}_q{suffix}"] = share_below(q_values(p))
    return found


def turn_headline_of_rows(x: Array, draws: int, seed: int) -> dict[str, float]:
    a = x.mean(axis=0)[:-1].T
    unit = np.arange(len(a))
    return turn_headline(turns(a), {null: null_of(null, a, unit, draws, seed).numbers for null in NULLS})


def turn_headline_of_file(found: Mapping[str, Array]) -> dict[str, float]:
    """Of the datasets of a file, whose own p-values decide what is on which side of 5 %."""
    null = {
        name: {key: found[f"rotation/{dataset_name(key, suffix)}"] for key in ("null_abs_mean", "p_more", "p_fewer")}
        for name, suffix in SUFFIXES.items()
    }
    return turn_headline(found["rotation/turns"], null)


def by_place(
    points: int, adjacent_r: Array, null: Array, steps: Mapping[str, Array], early_late: Mapping[str, Array]
) -> dict[str, float]:
    """The names of places: points 0 … S - 1 of the S + 1 = `points` count."""
    last = points - 3  # step S - 2
    found = {}
    for name, places in (("within", range(0, last + 1, 2)), ("across", range(1, last, 2))):
        found[f"adjacent_correlation_{name}"] = float(np.mean(adjacent_r[list(places)]))
        found[f"residual_null_{name}"] = float(np.mean(null[list(places)]))
    for name, step in (("first", 0), ("last", last)):
        found |= {f"{key}_{name}": float(values[step]) for key, values in steps.items()}
    for name, point in (("early", 1), ("late", points - 2)):
        found |= {f"{key}_{name}": float(values[point]) for key, values in early_late.items()}
    return found


def headline(x: Array, draws: int = 1000, seed: int = 0) -> dict[str, float]:
    """All numbers of the rows (N, P, D)."""
    points = x.shape[1]
    spectra = {point: Spectrum(x[:, point]) for point in (1, points - 2)}

    def at(measure: str, *words: float) -> Array:
        values = np.full(points, np.nan)
        for point, spectrum in spectra.items():
            values[point] = getattr(spectrum, measure)(*words)
        return values

    places = by_place(
        points,
        adjacent(mean_over(correlation(x), axis=2)),
        residual_null(x),
        {
            "cosine": mean_over(cosine(x), axis=0),
            "velocity": mean_over(velocity(x), axis=0),
            "relative_velocity": mean_over(relative_velocity(x), axis=0),
        },
        {
            "components_90": at("components_for", 0.90),
            "participation_ratio": at("participation_ratio"),
            "participation_ratio_corrected": at("participation_ratio_corrected"),
        },
    )
    return places | turn_headline_of_rows(x, draws, seed)


def headline_of_file(found: Mapping[str, Array]) -> dict[str, float]:
    """The same from the datasets of a file."""
    steps = {name: found[f"continuity/{name}_mean"] for name in ("cosine", "velocity", "relative_velocity")}
    ratios = {name: found[f"pca/{name}"] for name in ("participation_ratio", "participation_ratio_corrected")}
    counts = found["pca/components_for"][:, SHARES.index(0.90)]
    one_row = np.isnan(found["pca/total_variance"])  # no variance to count components for
    components = {"components_90": np.where(one_row, np.nan, counts)}
    r = found["continuity/correlation"]
    places = by_place(len(r), adjacent(r), found["continuity/residual_null"], steps, components | ratios)
    return places | turn_headline_of_file(found)


def headline_errors(x: Array, draws: int = 1000, seed: int = 0) -> dict[str, float]:
    """The jackknife's standard error of each, over 10 contiguous blocks of rows (N where N is less).

    A block's nulls have a tenth of the draws: the ten of them together cost as much as the whole.
    """
    blocks = min(BLOCKS, len(x))
    left_out = []
    for block in range(blocks):
        rows = np.r_[0 : block * len(x) // blocks, (block + 1) * len(x) // blocks : len(x)]
        left_out.append(headline(x[rows], max(1, draws // FEWER_DRAWS), seed))
    errors = {}
    for name in left_out[0]:
        values = np.array([one[name] for one in left_out])
        errors[name] = float(np.sqrt((blocks - 1) / blocks * ((values - values.mean()) ** 2).sum()))
    return errors
