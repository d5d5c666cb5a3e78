"""The controls: rows permuted point by point, layers relabelled, a random orthogonal basis."""

from __future__ import annotations

import numpy as np
from philox import Purpose, Random

from .expected import EPSILON, SINGLE, Array, Expected, divided, largest_over_rows, mean_over
from .rotation import turning, turns_of_rows
from .rows import cosine, norm, velocity
from .units import centred, correlation, variance


def permuted_samples(seed: int, point: int, samples: int) -> list[int]:
    """The row that stands at each place of a point."""
    return Random(seed, Purpose.sample_permutation, point).shuffle(list(range(samples)))


def permuted_layers(seed: int, points: int) -> Array:
    """(P): the capture point that is shown at each place; the last stays."""
    layers = Random(seed, Purpose.layer_permutation).shuffle(list(range(points // 2)))
    return np.array([point for layer in layers for point in (2 * layer, 2 * layer + 1)] + [points - 1])


def random_basis(units: int, seed: int) -> Array:
    """(D, D) orthogonal: Q of a matrix of normals, the diagonal of R positive."""
    rows = [Random(seed, Purpose.basis, row) for row in range(units)]
    q, r = np.linalg.qr(np.array([[row.normal() for _ in range(units)] for row in rows]))
    return q * np.sign(np.diag(r))


def correlation_error(x: Array, error: Array) -> Array:
    """(P, P): how far the mean correlation goes where x[n, s, d] is off by error[n, s, d] at most.

    r is a product of unit vectors, each of which turns by at most ‖error‖ / ‖centred column‖.
    """
    size = np.sqrt((centred(x) ** 2).sum(axis=0))
    turn = np.minimum(np.nan_to_num(2 * divided(np.sqrt((error**2).sum(axis=0)), size)), 1.0)
    found = np.empty((x.shape[1],) * 2)
    for s in range(x.shape[1]):
        found[s] = mean_over(turn[s] + turn, axis=1)
    np.fill_diagonal(found, 0.0)  # 1, whatever the rows
    return found


def row_numbers(x: Array, error: Array, rounding: float) -> dict[str, Expected]:
    """Cosine and velocity of rows that are off by vectors of length error[n, s] at most."""
    size = divided(error, norm(x))
    there = np.nan_to_num(size[:, :-1] + size[:, 1:]).mean(axis=0)
    step = (error[:, :-1] + error[:, 1:]).mean(axis=0)
    return {
        "cosine_mean": Expected(mean_over(cosine(x), axis=0), rounding + there),
        "velocity_mean": Expected(
            mean_over(velocity(x), axis=0), rounding * largest_over_rows(velocity(x)) + step
        ),
    }


def sample_permuted(x: Array, seed: int, rounding: float) -> dict[str, Expected]:
    rows, points, _ = x.shape
    shown = np.stack([x[permuted_samples(seed, s, rows), s] for s in range(points)], axis=1)
    turned, bound = turns_of_rows(shown)
    numbers = {
        "correlation": Expected(mean_over(correlation(shown), axis=2), rounding),
        "sample_turns_mean": Expected(turned.mean(axis=0), bound.mean(axis=0) + rounding),
    }
    return numbers | row_numbers(shown, np.zeros((rows, points)), rounding)


def layer_permuted(x: Array, mean: Array, seed: int, moments: float, rounding: float) -> dict[str, Expected]:
    """`mean`: the mean trajectory (P, D) as the program has it."""
    point = permuted_layers(seed, x.shape[1])
    shown = x[:, point]
    relabelled = turning(mean[point][:-1].T)
    numbers = {
        "point": Expected(point),
        "correlation": Expected(mean_over(correlation(shown), axis=2), moments + rounding),
        "turns": Expected(relabelled.turns(), relabelled.turns_bound()),
    }
    return numbers | row_numbers(shown, np.zeros(shown.shape[:2]), rounding)


def random_basis_numbers(x: Array, seed: int, single: bool, moments: float, rounding: float) -> dict[str, Expected]:
    """`single`: the rotated rows are rounded to float32."""
    rotated = x @ random_basis(x.shape[2], seed)
    # The sums of a product are off by their roundings; the basis itself, of which a library's QR is the maker, too.
    product = 16 * EPSILON * x.shape[2] * norm(x)[..., None]
    error = product + (SINGLE * np.abs(rotated) if single else 0.0)
    spread = np.sqrt(np.nan_to_num(variance(rotated)))
    mean_error = (error.mean(axis=0) + moments * spread + rounding * np.abs(rotated).max(axis=0))[:-1]
    basis = turning(rotated.mean(axis=0)[:-1].T, mean_error.max(axis=0))
    numbers = {
        "correlation": Expected(
            mean_over(correlation(rotated), axis=2), moments + rounding + correlation_error(rotated, error)
        ),
        "turns": Expected(basis.turns(), basis.turns_bound()),
    }
    return numbers | row_numbers(rotated, norm(error), rounding)

