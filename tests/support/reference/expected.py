"""What a dataset should hold, how far it may be from that, and what to say where it is farther."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

EPSILON = 2.0**-52
SINGLE = 2.0**-24  # the largest relative rounding of float32


@dataclass
class Expected:
    """Numbers, NaN where none is defined, and the largest distance allowed from each (its shape, or one for all)."""

    value: Array
    bound: Array | float = 0.0


def allowed(found: Array, expected: Expected) -> Array:
    """The bound of each entry, with the rounding of the type that the file keeps it in."""
    bound = np.broadcast_to(np.asarray(expected.bound, np.float64), expected.value.shape)
    if found.dtype == np.float32:
        bound = bound + SINGLE * np.abs(expected.value) + 2.0**-150
    return bound


def stored_single(expected: Expected) -> Expected:
    """The same with what float32 may have rounded off."""
    return Expected(expected.value, expected.bound + SINGLE * np.abs(expected.value))


def complaint(name: str, found: Array, expected: Expected) -> str:
    """What is wrong with a dataset, worst entry first; empty where nothing is."""
    value = np.asarray(expected.value)
    if found.shape != value.shape:
        return f"{name}: shape {found.shape}, expected {value.shape}"
    if found.dtype.kind not in "iuf":
        return f"{name}: type {found.dtype}"
    bound = allowed(found, expected)
    with np.errstate(invalid="ignore"):
        # An infinity or a NaN in one of the two alone is wrong.
        distance = np.abs(found.astype(np.float64) - value)
        right = (distance <= bound) | (np.isnan(found) & np.isnan(value)) | (found == value)
    if right.all():
        return ""
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = np.where(right, 0.0, np.where(np.isnan(distance), np.inf, distance / bound))
    worst = np.unravel_index(int(np.nanargmax(np.nan_to_num(excess, nan=np.inf))), found.shape)
    index = ", ".join(map(str, worst))
    return (
        f"{name}[{index}] is {float(found[worst])!r}, expected {float(value[worst])!r} within {bound[worst]:.3g} "
        f"(off by {distance[worst]:.3g}; {int((~right).sum())} of {right.size} entries are wrong)"
    )


def mean_over(values: Array, axis: int) -> Array:
    """The mean of what is defined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(values, axis=axis)


def spread_over_rows(values: Array) -> Array:
    """The standard deviation down the rows of what is defined, NaN of fewer than two values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanstd(values, axis=0, ddof=1)


def spread_bound(errors: Array) -> Array:
    """How far the standard deviation down the rows goes with values that are off by `errors` at most."""
    defined = ~np.isnan(errors)
    return np.sqrt(np.nansum(errors**2, axis=0) / np.maximum(defined.sum(axis=0) - 1, 1))


def largest_over_rows(values: Array) -> Array:
    """The largest magnitude down the rows of what is defined, 0 where nothing is."""
    return np.abs(np.nan_to_num(values)).max(axis=0)


def divided(above: Array, below: Array) -> Array:
    """above / below, and NaN where nothing is below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)
