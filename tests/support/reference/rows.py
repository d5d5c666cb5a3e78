"""What is measured of each row alone: the stream of one token over the capture points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .expected import Array, divided

ACTIVE = 0.1  # the threshold of /density/active


def norm(x: Array) -> Array:
    return np.sqrt((x**2).sum(axis=-1))


def cosine(x: Array) -> Array:
    """(N, P - 1)."""
    return divided((x[:, :-1] * x[:, 1:]).sum(axis=-1), norm(x[:, :-1]) * norm(x[:, 1:]))


def velocity(x: Array) -> Array:
    """(N, P - 1)."""
    return norm(x[:, 1:] - x[:, :-1])


def relative_velocity(x: Array) -> Array:
    return divided(velocity(x), norm(x[:, :-1]))


def hoyer(x: Array) -> Array:
    root = np.sqrt(x.shape[-1])
    return divided(root - divided(np.abs(x).sum(axis=-1), norm(x)), np.asarray(root - 1))


def kurtosis(x: Array) -> Array:
    about = x - x.mean(axis=-1, keepdims=True)
    return divided((about**4).mean(axis=-1), (about**2).mean(axis=-1) ** 2) - 3


#: Mean and standard deviation of each stand in the file.
ROW_MEASURES: dict[str, Callable[[Array], Array]] = {
    "continuity/cosine": cosine,
    "continuity/velocity": velocity,
    "continuity/relative_velocity": relative_velocity,
    "density/norm": norm,
    "density/abs": lambda x: np.abs(x).mean(axis=-1),
    "density/active": lambda x: (np.abs(x) > ACTIVE).mean(axis=-1),
    "density/hoyer": hoyer,
    "density/kurtosis": kurtosis,
}


def angle(u: Array, v: Array) -> Array:
    """Between vectors, exact where they are nearly parallel; NaN where one is zero."""
    u, v = divided(u, norm(u)[..., None]), divided(v, norm(v)[..., None])
    return 2 * np.arctan2(norm(u - v), norm(u + v))


def curvature(x: Array) -> Array:
    """(N, P - 2): the angle between a step and the next, radians."""
    step = x[:, 1:] - x[:, :-1]
    return angle(step[:, :-1], step[:, 1:])


def curvature_error(x: Array, error: Array) -> Array:
    """(N, P - 2): how far the curvature goes where each x[n, s] is off by a vector of length error[n, s] at most."""
    length = norm(x[:, 1:] - x[:, :-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        # A vector that is off by e turns by asin(e / length), which is at most π/2 times its argument.
        turn = np.minimum(np.pi / 2 * (error[:, :-1] + error[:, 1:]) / length, np.pi)
    turn = np.where(length > 0, turn, np.nan)
    return turn[:, :-1] + turn[:, 1:]


def straightness(x: Array) -> Array:
    """(N): arc length over end-to-end distance."""
    return divided(velocity(x).sum(axis=1), norm(x[:, -1] - x[:, 0]))
