"""Each dataset of a trace file: what it should hold and how far from that it may be.

`rounding` is what sums over N rows or D units lose, relative to their terms: so many roundings of double precision.
`moments` is what streaming may lose, whose sums are of whole quanta: means are within `moments` σ, covariances within
`moments` √(C_ii C_jj). `rows` is how far the rows themselves may be from the reference's, relative to their length.
What rests on an eigenvector is taken from the file's own, which has a check of its own (spectra.py): vectors of close
eigenvalues are no fact. Turns are taken from the file's own mean trajectory: they leap where an angle passes π.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from .control import layer_permuted, random_basis_numbers, sample_permuted
from .expected import (
    EPSILON,
    SINGLE,
    Array,
    Expected,
    largest_over_rows,
    mean_over,
    spread_bound,
    spread_over_rows,
)
from .points import (
    FLOW_MODES,
    SHARES,
    Flow,
    Spectrum,
    linear_flow,
    principal_angles,
    scores,
    scores_error,
    subspace_error,
)
from .rotation import NULLS, RUN, SUFFIXES, dataset_name, null_of, turning, turns_of_rows
from .rows import ROW_MEASURES, curvature, curvature_error, norm, straightness, velocity
from .units import (
    adjacent,
    correlation,
    mutual_information,
    residual_null,
    residual_null_error,
    variance,
)

STREAMED = 1e-6  # what the streamed moments promise


@dataclass
class Trace:
    """A file and the rows (N, P, D) that it should be about, in float64."""

    found: Mapping[str, Array]
    x: Array
    permutations: int = 1000
    seed: int = 0
    streamed: bool = False
    every_token: bool = False
    single: bool = True  #: the rows are float32
    rows: float = 0.0
    spectra: list[Spectrum] = field(init=False)
    pooled: Spectrum = field(init=False)

    def __post_init__(self) -> None:
        self.spectra = [Spectrum(self.x[:, s]) for s in range(self.x.shape[1])]
        # Each point's matrix adds up its rows, and the pooled one those of the points.
        self.pooled = Spectrum(self.x.reshape(-1, self.x.shape[2]), sum(self.x.shape[:2]))

    @property
    def moments(self) -> float:
        return STREAMED if self.streamed else 0.0

    @property
    def rounding(self) -> float:
        return 64 * EPSILON * max(self.x.shape[0], self.x.shape[2])

    @property
    def row_error(self) -> Array:
        """(N, P): the length of what a row may be off, beyond which its sums round."""
        return (self.rows + 8 * EPSILON) * norm(self.x)


def trajectory(trace: Trace) -> dict[str, Expected]:
    x, spread = trace.x, np.sqrt(np.nan_to_num(variance(trace.x)))
    size = np.abs(x).max(axis=0)
    off = trace.rows * norm(x).max(axis=0)[:, None]
    return {
        "trajectory/mean": Expected(x.mean(axis=0), trace.moments * spread + trace.rounding * size + off),
        "trajectory/variance": Expected(
            variance(x), (trace.moments + trace.rounding) * spread**2 + 2 * off * spread
        ),
    }


def continuity(trace: Trace) -> dict[str, Expected]:
    x = trace.x
    r = correlation(x)
    off = trace.moments + trace.rounding
    speed = velocity(x)
    numbers = {
        "correlation": Expected(mean_over(r, axis=2), off),
        "correlation_units": Expected((~np.isnan(r)).sum(axis=2)),
        "unit_correlation": Expected(adjacent(r), off),
        "residual_null": Expected(residual_null(x), residual_null_error(x, trace.moments) + trace.rounding),
        "acceleration": Expected(
            np.diff(speed.mean(axis=0)),
            2 * trace.rounding * speed.max() + 4 * trace.row_error.mean(axis=0).max(),
        ),
    }
    if not trace.streamed:
        information = mutual_information(x)
        numbers["mutual_information"] = Expected(information, trace.rounding)
        numbers["mutual_information_mean"] = Expected(
            mean_over(information, axis=1), SINGLE * np.nan_to_num(np.abs(information)).max() + trace.rounding
        )
    return {f"continuity/{name}": one for name, one in numbers.items()}


def row_measures(trace: Trace) -> dict[str, Expected]:
    numbers = {}
    off = trace.rounding + 16 * trace.rows
    for name, measure in ROW_MEASURES.items():
        values = measure(trace.x)
        size = largest_over_rows(values) + (name in ("continuity/cosine", "density/hoyer", "density/kurtosis"))
        if name.endswith("velocity"):
            # A small step between long vectors keeps what those are off.
            length = norm(trace.x) if name == "continuity/velocity" else np.ones(trace.x.shape[:2])
            size = size + largest_over_rows(length[:, 1:] + length[:, :-1]) * (trace.rows > 0)
        numbers[name + "_mean"] = Expected(mean_over(values, axis=0), off * size)
        numbers[name + "_std"] = Expected(spread_over_rows(values), 2 * off * size)
    return numbers


def spectra(trace: Trace) -> dict[str, Expected]:
    """What the spectrum of each point gives; the eigenvalues and components themselves are in spectra.py."""
    bounds = [one.bounds(trace.moments, trace.rounding + 4 * trace.rows) for one in trace.spectra]
    numbers = {
        f"pca/{name}": Expected(
            np.array([one.trace if name == "total_variance" else getattr(one, name)() for one in trace.spectra]),
            np.array([bound[name] for bound in bounds]),
        )
        for name in bounds[0]
    }
    numbers["pca/rank"] = Expected(
        np.array([one.rank for one in trace.spectra]), np.array([float(one.near_threshold) for one in trace.spectra])
    )
    wanted = np.array([[one.components_for(share) for share in SHARES] for one in trace.spectra])
    leeway = np.zeros(wanted.shape)
    for s, one in enumerate(trace.spectra):
        if one.is_level:
            continue
        # The first m eigenvalues together are off by at most ‖δC‖ in the nuclear norm, ≤ √D that of Frobenius.
        unsure = 2 * np.sqrt(one.units) * trace.moments + 1e-9
        reached = one.shares()
        for i, share in enumerate(SHARES):
            ends = np.searchsorted(reached, (share - unsure, share + unsure)) + 1
            leeway[s, i] = np.abs(ends - wanted[s, i]).max()
    numbers["pca/components_for"] = Expected(wanted, leeway)
    return numbers


def rotation(trace: Trace) -> dict[str, Expected]:
    mean = trace.found["trajectory/mean"]
    a = mean[:-1].T
    drawn = turning(a)
    numbers = {"turns": Expected(drawn.turns(), drawn.turns_bound())}
    unit = np.arange(len(a))
    for null in NULLS:
        one = null_of(null, a, unit, trace.permutations, trace.seed)
        for key in one.numbers:
            numbers[dataset_name(key, SUFFIXES[null])] = Expected(one.numbers[key], one.bounds[key])
    if a.shape[1] - 2 >= RUN:
        local, bound = drawn.local()
        numbers["local_turns"] = Expected(local.mean(axis=0), bound.mean(axis=0))
    if not trace.every_token:
        each, bound = turns_of_rows(trace.x)
        numbers["sample_turns_mean"] = Expected(each.mean(axis=0), bound.mean(axis=0) + trace.rounding)
        numbers["sample_turns_std"] = Expected(spread_over_rows(each), spread_bound(bound) + trace.rounding)
    return {f"rotation/{name}": one for name, one in numbers.items()}


def pooled(trace: Trace) -> dict[str, Expected]:
    """All but eigenvalue and component (spectra.py)."""
    x, mean, component = trace.x, trace.found["pooled/mean"], trace.found["pooled/component"]
    spread = np.sqrt(np.nan_to_num(variance(x))).mean(axis=0)
    off = trace.rounding * np.abs(x).max(axis=(0, 1)) + trace.rows * norm(x).max()
    numbers = {"pooled/mean": Expected(x.mean(axis=(0, 1)), trace.moments * spread + off)}
    z, bound = pooled_scores(trace)
    # The mean of scores comes from the mean's scores in streaming: that of the rows is within `moments` σ.
    there = trace.moments * np.sqrt(np.nan_to_num(variance(x))) @ np.abs(component).T.astype(np.float64)
    numbers["pooled/mean_score"] = Expected(scores(x.mean(axis=0), mean, component), bound.mean(axis=0) + there)
    numbers["pooled/score_range"] = Expected(np.stack([z.min(axis=0), z.max(axis=0)]), bound.max(axis=0))
    if not trace.every_token:
        numbers["pooled/score"] = Expected(z, bound)
    return numbers


def pooled_scores(trace: Trace) -> tuple[Array, Array]:
    """(N, P, k) and the bound of each, with the file's own mean and components."""
    mean, component = trace.found["pooled/mean"], trace.found["pooled/component"]
    z = scores(trace.x, mean, component)
    return z, scores_error(trace.x, mean, component) + trace.rows * norm(trace.x)[..., None]


def geometry(trace: Trace) -> dict[str, Expected]:
    x = trace.x
    numbers = dict(angles("geometry/curvature", curvature(x), curvature_error(x, trace.row_error), trace.rounding))
    arc = straightness(x)
    ends = norm(x[:, -1] - x[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        arc_bound = (trace.rounding + 4 * trace.rows * norm(x).sum(axis=1) / ends) * arc
    if trace.every_token:
        numbers["geometry/straightness_mean"] = Expected(mean_over(arc, 0), np.nanmean(arc_bound))
        numbers["geometry/straightness_std"] = Expected(
            spread_over_rows(arc), spread_bound(arc_bound) + trace.rounding * np.nanmax(arc)
        )
    else:
        numbers["geometry/straightness"] = Expected(arc, np.nan_to_num(arc_bound))
    z, bound = known_scores(trace, 2)
    plane, off = curvature(z), curvature_error(z, norm(bound))
    if z.shape[2] < 2:
        plane, off = np.full(plane.shape, np.nan), np.zeros(plane.shape)
    numbers |= angles("geometry/plane_curvature", plane, off, trace.rounding)
    if "pca/component" in trace.found:
        numbers["geometry/principal_angle"] = principal_angle(trace)
    flows = flow(trace)
    modes = min(len(trace.found["pooled/component"]), FLOW_MODES)
    value = np.full((len(flows), modes), complex(np.nan, np.nan))  # beyond the pooled rank
    for s, one in enumerate(flows):
        value[s, : len(one.eigenvalue)] = one.eigenvalue
    numbers["geometry/flow_eigenvalue"] = Expected(
        np.stack([value.real, value.imag], axis=-1),
        np.broadcast_to(np.array([one.eigenvalue_bound for one in flows])[:, None, None], (*value.shape, 2)),
    )
    for name in ("explained", "persistence"):
        numbers[f"geometry/flow_{name}"] = Expected(
            np.array([getattr(one, name) for one in flows]), np.array([getattr(one, f"{name}_bound") for one in flows])
        )
    return numbers


def angles(name: str, values: Array, errors: Array, rounding: float) -> Iterator[tuple[str, Expected]]:
    """Mean and standard deviation over rows."""
    off = np.nan_to_num(mean_over(errors, axis=0))
    yield f"{name}_mean", Expected(mean_over(values, axis=0), off + np.pi * rounding)
    yield f"{name}_std", Expected(spread_over_rows(values), spread_bound(errors) + np.pi * rounding)


def principal_angle(trace: Trace) -> Expected:
    """From the reference's own subspaces, or from the file's where those are the better known."""
    component = trace.found["pca/component"]
    k = component.shape[1]
    value = np.full((len(component) - 1, k), np.nan)
    bound = np.zeros(value.shape)
    for s, (one, other) in enumerate(zip(trace.spectra[:-1], trace.spectra[1:], strict=True)):
        leading = min(k, one.rank, other.rank)
        if leading == 0:
            continue
        rounding = 8 * EPSILON * one.units
        own = sum(
            subspace_error(each, leading, each.error + trace.moments * each.trace + 4 * trace.rows * each.trace)
            for each in (one, other)
        )
        files = 2 * SINGLE * np.sqrt(leading) if component.dtype == np.float32 else 0.0
        here, there = one.component[:leading], other.component[:leading]
        vectors = component[s : s + 2, :leading].astype(np.float64)
        if files < own and np.isfinite(vectors).all():
            here, there = vectors
        value[s, :leading] = principal_angles(here, there)
        bound[s, :leading] = min(own, files) + rounding  # a file without these vectors has its own complaint
    return Expected(value, bound)


def known_scores(trace: Trace, most: int) -> tuple[Array, Array]:
    """(N, P, m) in the leading pooled components, for what does not depend on a rotation among them, and bounds.

    From the reference's own components, or from the file's, as float32, where those are the better known. m is `most`
    or as many as there are within the rank.
    """
    modes = min(most, int(np.isfinite(trace.found["pooled/component"]).all(axis=1).sum()))
    z, bound = (values[..., :modes] for values in pooled_scores(trace))
    about = trace.x - trace.found["pooled/mean"]
    off = trace.pooled.error + (3 * trace.moments + 4 * trace.rows) * trace.pooled.trace
    turned = subspace_error(trace.pooled, modes, off) + 8 * EPSILON * about.shape[2]
    # The length of what a row's scores are off, shared out evenly.
    own = (turned + trace.rows) * norm(about)[..., None] * np.full(modes, max(modes, 1) ** -0.5)
    if own.max() < bound.max():
        z, bound = scores(trace.x, trace.found["pooled/mean"], trace.pooled.component[:modes]), own
    # Equal rows have equal scores, whatever a library makes of each.
    equal = (trace.x == trace.x[0]).all(axis=(0, 2))
    return np.where(equal[:, None], z[0], z), bound


def flow(trace: Trace) -> list[Flow]:
    z, bound = known_scores(trace, FLOW_MODES)
    return [
        linear_flow(z[:, s], z[:, s + 1], bound[:, s], bound[:, s + 1], trace.streamed) for s in range(z.shape[1] - 1)
    ]


def controls(trace: Trace) -> dict[str, Expected]:
    """Rows can be permuted only where they are kept; every token's are not gone through again in another basis."""
    x, moments, rounding = trace.x, trace.moments, trace.rounding
    controls = {"layer_permuted": layer_permuted(x, trace.found["trajectory/mean"], trace.seed, moments, rounding)}
    if not trace.streamed:
        controls["sample_permuted"] = sample_permuted(x, trace.seed, rounding)
    if not trace.every_token:
        controls["random_basis"] = random_basis_numbers(x, trace.seed, trace.single, moments, rounding)
    return {f"control/{name}/{key}": one for name, numbers in controls.items() for key, one in numbers.items()}


PARTS = (trajectory, continuity, row_measures, spectra, rotation, pooled, geometry, controls)


def expected_numbers(trace: Trace) -> dict[str, Expected]:
    """All datasets that are plain formulas; one without entries is absent."""
    numbers = {name: one for part in PARTS for name, one in part(trace).items()}
    return {name: one for name, one in numbers.items() if one.value.size}
