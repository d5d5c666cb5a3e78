"""Every number of a trace file, computed again from its rows: slow, plain, in double precision.

Written from the formulas alone: x[n, s, d] is the residual stream of row n at capture point s in unit d; means and
spreads go over rows, with divisor N - 1; what is not defined is NaN and is left out of means.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

EPSILON = 2.0**-52
ACTIVE = 0.1  # the threshold of /density/active
SHARES = (0.50, 0.80, 0.90, 0.95, 0.99)

Array = np.ndarray


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


def divided(above: Array, below: Array) -> Array:
    """above / below, and NaN where nothing is below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


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


def residual_null(x: Array) -> Array:
    """(P - 1): the correlation that the addition of an independent step leaves, mean over units."""
    here = variance(x)[:-1]
    change = variance(x[:, 1:] - x[:, :-1])
    constant = is_constant(x)
    null = divided(np.sqrt(here), np.sqrt(here + change))
    return mean_over(np.where(constant[:-1] | constant[1:], np.nan, null), axis=1)


def norm(x: Array) -> Array:
    return np.sqrt((x**2).sum(axis=-1))


def cosine(x: Array) -> Array:
    """(N, P - 1)."""
    return divided((x[:, :-1] * x[:, 1:]).sum(axis=-1), norm(x[:, :-1]) * norm(x[:, 1:]))


def velocity(x: Array) -> Array:
    return norm(x[:, 1:] - x[:, :-1])


def relative_velocity(x: Array) -> Array:
    return divided(velocity(x), norm(x[:, :-1]))


def hoyer(x: Array) -> Array:
    root = np.sqrt(x.shape[-1])
    return divided(root - divided(np.abs(x).sum(axis=-1), norm(x)), np.asarray(root - 1))


def kurtosis(x: Array) -> Array:
    about = x - x.mean(axis=-1, keepdims=True)
    return divided((about**4).mean(axis=-1), (about**2).mean(axis=-1) ** 2) - 3


#: What is measured of each row alone: mean and standard deviation of each stand in the file.
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


class Spectrum:
    """The PCA of one point's rows (N, D), by a singular value decomposition of the centred rows."""

    def __init__(self, rows: Array) -> None:
        self.samples, self.units = rows.shape
        self.y = centred(rows)
        self.freedom = self.samples - 1
        self.count = max(0, min(self.freedom, self.units))
        if self.samples < 2:
            self.all_eigenvalues = self.eigenvalue = np.zeros(0)
            self.rank = 0
            return
        _, singular, right = np.linalg.svd(self.y, full_matrices=False)
        self.component = right[: self.count]
        self.all_eigenvalues = singular[: self.count] ** 2 / self.freedom
        self.threshold = max(self.samples, self.units) * EPSILON * self.all_eigenvalues[0]
        self.rank = int((self.all_eigenvalues > self.threshold).sum())
        self.eigenvalue = np.where(self.all_eigenvalues > self.threshold, self.all_eigenvalues, 0.0)
        self.covariance = self.y.T @ self.y / self.freedom

    @property
    def trace(self) -> float:
        return float(np.trace(self.covariance)) if self.samples > 1 else np.nan

    @property
    def trace_of_square(self) -> float:
        return float((self.covariance**2).sum())

    @property
    def is_level(self) -> bool:
        return self.samples < 2 or not self.trace > 0

    def participation_ratio(self) -> float:
        return np.nan if self.is_level else self.trace**2 / self.trace_of_square

    def participation_ratio_corrected(self) -> float:
        m = self.freedom
        if self.is_level or m < 2:
            return np.nan
        return self.trace**2 / (m**2 / ((m - 1) * (m + 2)) * (self.trace_of_square - self.trace**2 / m))

    def participation_ratio_standardised(self) -> float:
        if self.is_level:
            return np.nan
        varies = np.diag(self.covariance) > 0
        size = np.sqrt(np.diag(self.covariance)[varies])
        r = self.covariance[np.ix_(varies, varies)] / np.outer(size, size)
        return varies.sum() ** 2 / (r**2).sum()

    def effective_rank(self) -> float:
        if self.is_level:
            return np.nan
        share = self.eigenvalue[self.eigenvalue > 0] / self.eigenvalue.sum()
        return float(np.exp(-(share * np.log(share)).sum()))

    def top_unit_share(self) -> float:
        return np.nan if self.is_level else float(np.diag(self.covariance).max() / self.trace)

    def components_for(self, share: float) -> int:
        """How many eigenvalues have that share of their sum; 0 where there is none."""
        if self.is_level:
            return 0
        reached = np.cumsum(self.eigenvalue) / self.eigenvalue.sum()
        return int(np.searchsorted(reached, share - 1e-12) + 1)

    def is_close_call(self, share: float) -> bool:
        """Rounding decides how many components have that share."""
        reached = np.cumsum(self.eigenvalue) / self.eigenvalue.sum()
        return bool((np.abs(reached - share) < 1e-9).any())


def trace_numbers(x: Array) -> dict[str, Array]:
    """All datasets of the file that are plain formulas of the rows (N, P, D), in float64."""
    r = correlation(x)
    adjacent = np.stack([r[s, s + 1] for s in range(x.shape[1] - 1)])
    numbers = {
        "trajectory/mean": x.mean(axis=0),
        "trajectory/variance": variance(x),
        "continuity/correlation": mean_over(r, axis=2),
        "continuity/correlation_units": (~np.isnan(r)).sum(axis=2),
        "continuity/unit_correlation": adjacent,
        "continuity/residual_null": residual_null(x),
        "continuity/acceleration": np.diff(velocity(x).mean(axis=0)),
    }
    for name, measure in ROW_MEASURES.items():
        values = measure(x)
        numbers[name + "_mean"] = mean_over(values, axis=0)
        numbers[name + "_std"] = spread_over_rows(values)
    spectra = [Spectrum(x[:, s]) for s in range(x.shape[1])]
    numbers["pca/total_variance"] = np.array([one.trace for one in spectra])
    for name in ("participation_ratio", "participation_ratio_corrected", "participation_ratio_standardised",
                 "effective_rank", "top_unit_share"):  # fmt: skip
        numbers[f"pca/{name}"] = np.array([getattr(one, name)() for one in spectra])
    return numbers


def headline(x: Array) -> dict[str, float]:
    """The numbers of /headline, over points 0 … S - 1 of the S + 1 = P."""
    points = x.shape[1]
    last = points - 3  # step S - 2
    r = mean_over(correlation(x), axis=2)
    adjacent = np.array([r[s, s + 1] for s in range(points - 1)])
    null = residual_null(x)
    found = {}
    for name, steps in (("within", range(0, last + 1, 2)), ("across", range(1, last, 2))):
        found[f"adjacent_correlation_{name}"] = float(np.mean(adjacent[list(steps)]))
        found[f"residual_null_{name}"] = float(np.mean(null[list(steps)]))
    for name, step in (("first", 0), ("last", last)):
        found[f"cosine_{name}"] = float(mean_over(cosine(x), axis=0)[step])
        found[f"velocity_{name}"] = float(velocity(x).mean(axis=0)[step])
        found[f"relative_velocity_{name}"] = float(mean_over(relative_velocity(x), axis=0)[step])
    for name, point in (("early", 1), ("late", points - 2)):
        spectrum = Spectrum(x[:, point])
        found[f"components_90_{name}"] = spectrum.components_for(0.90)
        found[f"participation_ratio_{name}"] = spectrum.participation_ratio()
        found[f"participation_ratio_corrected_{name}"] = spectrum.participation_ratio_corrected()
    return found


def headline_errors(x: Array) -> dict[str, float]:
    """The jackknife's standard error of each, over 10 contiguous blocks of rows (N where N is less)."""
    blocks = min(10, len(x))
    left_out = []
    for block in range(blocks):
        rows = np.r_[0 : block * len(x) // blocks, (block + 1) * len(x) // blocks : len(x)]
        left_out.append(headline(x[rows]))
    errors = {}
    for name in left_out[0]:
        values = np.array([one[name] for one in left_out])
        errors[name] = float(np.sqrt((blocks - 1) / blocks * ((values - values.mean()) ** 2).sum()))
    return errors
