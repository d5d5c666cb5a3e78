"""Perturbed runs beside the unperturbed ones: distances, cosines, scores and the next token, and how exact they are.

Q prompts, M start layers, n perturbations, P points, D units, V tokens. What lies before the start layer's point
2 · layer is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .expected import EPSILON, Array, Expected, mean_over
from .llama import Llama, Replacement, Run, log_softmax
from .perturbation import Pooled

#: A run in double precision is off by this part of a stream's length at most (README of the models).
FORWARD = 1e-11
#: Of sums of some dozen doubles.
ROUNDING = 64 * EPSILON


def length(x: Array) -> Array:
    return np.sqrt((x**2).sum(axis=-1))


def stream_error(x: Array) -> Array:
    """(…, P): how far streams (…, P, D) are off: what was lost of an earlier one stays in the later ones."""
    return FORWARD * np.fmax.accumulate(length(x), axis=-1)


def averaged(one: Expected, axis: int) -> Expected:
    """The mean of what is defined, which is off by no more than the mean of the bounds."""
    value = mean_over(one.value, axis)
    bound = mean_over(np.where(np.isnan(one.value), np.nan, one.bound), axis)
    return Expected(value, bound + ROUNDING * np.abs(value))


@dataclass(frozen=True)
class Baseline:
    """The unperturbed runs."""

    model: Llama
    pooled: Pooled
    prompts: list[Array]  #: ids of the tokens that run
    runs: list[Run]

    @property
    def stream(self) -> Array:
        """(Q, P, D)."""
        return np.stack([run.residual[-1] for run in self.runs])

    @property
    def logits(self) -> Array:
        """(Q, V)."""
        return np.stack([run.logits for run in self.runs])

    def score(self, x: Array, count: int) -> Expected:
        """(…, P, count) of streams (…, P, D); the components have length 1."""
        loss = stream_error(x) + ROUNDING * length(self.pooled.mean)
        return Expected(self.pooled.scores(x, count), np.repeat(1.001 * loss[..., None], count, axis=-1))


@dataclass(frozen=True)
class Paths:
    """Perturbed runs."""

    stream: Array  #: (Q, M, n, P, D)
    logits: Array  #: (Q, M, n, V)


def follow(base: Baseline, layers: list[int], begin: Callable[[int, int], Array]) -> Paths:
    """Runs each prompt again with its last stream replaced: begin(q, m) are the streams (n, D) to begin with."""
    streams, logits = [], []
    for q, ids in enumerate(base.prompts):
        for m, layer in enumerate(layers):
            for x in begin(q, m):
                run = base.model.run(ids, Replacement(layer, x))
                stream = run.residual[-1].copy()
                stream[: 2 * layer] = np.nan
                streams.append(stream)
                logits.append(run.logits)
    shape = (len(base.prompts), len(layers), -1)
    return Paths(
        np.array(streams).reshape(*shape, *streams[0].shape), np.array(logits).reshape(*shape, len(logits[0]))
    )


def logit_error(model: Llama, x: Array) -> Array:
    """(…): how far logits are off where the streams (…, P, D) ended."""
    return model.logit_error(1.0) * (stream_error(x) / length(x))[..., -1]


def kl_of(base: Array, logits: Array, error: Array) -> Expected:
    """(…): D_KL(base ‖ perturbed) in nats of logits (…, V), each of them off by `error`.

    With p and q the two distributions its derivative by p's logits is p (log p/q − KL), by q's q − p."""
    log_p, log_q = log_softmax(base), log_softmax(logits)
    p, q = np.exp(log_p), np.exp(log_q)
    apart = log_p - log_q
    value = (p * apart).sum(axis=-1)
    slope = (p * np.abs(apart - value[..., None])).sum(axis=-1) + np.abs(q - p).sum(axis=-1)
    # The second derivative is below 1 along each; log p is rounded to its own size.
    rounding = EPSILON * logits.shape[-1] * (p * (np.abs(log_p) + np.abs(log_q))).sum(axis=-1)
    return Expected(value, error * slope + 4 * error**2 + rounding)


def top1_of(base: Array, logits: Array, error: Array) -> Expected:
    """(…): 1 where the most likely token is the same; in doubt where another is as likely within the error."""

    def doubt(values: Array) -> Array:
        leading = np.sort(values, axis=-1)[..., -2:]
        return leading[..., 1] - leading[..., 0] <= 2 * error

    same = (base.argmax(axis=-1) == logits.argmax(axis=-1)).astype(np.float64)
    return Expected(same, (doubt(base) | doubt(logits)).astype(np.float64))


@dataclass(frozen=True)
class Measures:
    """Of paths against the unperturbed runs."""

    distance: Expected  #: (Q, M, n, P)
    cosine: Expected  #: (Q, M, n, P)
    plane: Expected  #: (Q, M, n, P, 2) scores in the first two components
    kl: Expected  #: (Q, M, n)
    top1: Expected  #: (Q, M, n)

    def chosen(self, first: int, last: int) -> Measures:
        """Those of perturbations first … last − 1."""
        parts = (self.distance, self.cosine, self.plane, self.kl, self.top1)
        return Measures(*(Expected(one.value[:, :, first:last], one.bound[:, :, first:last]) for one in parts))


def distance_of(x: Array, other: Array) -> Expected:
    return Expected(length(x - other), stream_error(x) + stream_error(other))


def cosine_of(x: Array, other: Array) -> Expected:
    """A vector that is off by a part of its length turns by π/2 of that at most."""
    lost = np.pi / 2 * (stream_error(x) / length(x) + stream_error(other) / length(other))
    return Expected((x * other).sum(axis=-1) / (length(x) * length(other)), lost + ROUNDING)


def measures(base: Baseline, paths: Paths) -> Measures:
    logits = np.broadcast_to(base.logits[:, None, None], paths.logits.shape)
    own = np.broadcast_to(base.stream[:, None, None], paths.stream.shape)
    error = np.maximum(logit_error(base.model, own), logit_error(base.model, paths.stream))
    return Measures(
        distance_of(paths.stream, own),
        cosine_of(paths.stream, own),
        base.score(paths.stream, 2),
        kl_of(logits, paths.logits, error),
        top1_of(logits, paths.logits, error),
    )
