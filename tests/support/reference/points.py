"""What is measured at each capture point over all its rows, between neighbouring points, and of all points pooled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .expected import EPSILON, SINGLE, Array
from .units import centred

SHARES = (0.50, 0.80, 0.90, 0.95, 0.99)
FLOW_MODES = 16
FLOW_CUT = 1e-10  # of the largest singular value


class Spectrum:
    """The PCA of rows (N, D), by a singular value decomposition of the centred rows.

    `terms`: how many numbers follow each other in the longest sum of a program that adds up a covariance.
    """

    def __init__(self, rows: Array, terms: int = 0) -> None:
        self.samples, self.units = rows.shape
        self.terms = terms or self.samples
        self.y = centred(rows)
        self.freedom = self.samples - 1
        self.count = max(0, min(self.freedom, self.units))
        if self.samples < 2:
            self.all_eigenvalues = self.eigenvalue = np.zeros(0)
            self.component = np.zeros((0, self.units))
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

    @property
    def error(self) -> float:
        """How far eigenvalues of a covariance go by the roundings of its sums, in double precision."""
        if self.is_level:
            return 0.0
        return float(16 * max(self.terms, self.units) * EPSILON * self.all_eigenvalues[0])

    @property
    def near_threshold(self) -> int:
        """Eigenvalues so near the threshold of the rank that rounding may decide."""
        if self.is_level:
            return 0
        value = self.all_eigenvalues
        return int(((value > self.threshold / 30) & (value < self.threshold * 30)).sum())

    def participation_ratio(self) -> float:
        return np.nan if self.is_level else self.trace**2 / self.trace_of_square

    def excess(self) -> float:
        """T: tr(C²) less what so few rows add to it."""
        m = self.freedom
        return m**2 / ((m - 1) * (m + 2)) * (self.trace_of_square - self.trace**2 / m)

    def participation_ratio_corrected(self) -> float:
        return np.nan if self.is_level or self.freedom < 2 else self.trace**2 / self.excess()

    def correlations(self) -> Array:
        """(D′, D′) over the units that vary."""
        varies = np.diag(self.covariance) > 0
        size = np.sqrt(np.diag(self.covariance)[varies])
        return self.covariance[np.ix_(varies, varies)] / np.outer(size, size)

    def participation_ratio_standardised(self) -> float:
        if self.is_level:
            return np.nan
        r = self.correlations()
        return len(r) ** 2 / (r**2).sum()

    def effective_rank(self) -> float:
        if self.is_level:
            return np.nan
        share = self.eigenvalue[self.eigenvalue > 0] / self.eigenvalue.sum()
        return float(np.exp(-(share * np.log(share)).sum()))

    def top_unit_share(self) -> float:
        return np.nan if self.is_level else float(np.diag(self.covariance).max() / self.trace)

    def shares(self) -> Array:
        """The part of the variance in the first 1, 2, … components."""
        return np.cumsum(self.eigenvalue) / self.eigenvalue.sum()

    def components_for(self, share: float) -> int:
        """How many eigenvalues have that share of their sum; 0 where there is none."""
        if self.is_level:
            return 0
        return int(np.searchsorted(self.shares(), share - 1e-12) + 1)

    def bounds(self, moments: float, rounding: float) -> dict[str, float]:
        """How far each number may be where C_ij is off by `moments` √(C_ii C_jj) and sums by `rounding`, relative."""
        names = ("total_variance", "participation_ratio", "participation_ratio_corrected",
                 "participation_ratio_standardised", "effective_rank", "top_unit_share")  # fmt: skip
        if self.is_level:
            return dict.fromkeys(names, 0.0)
        off = moments + rounding
        trace, square = self.trace, self.trace_of_square
        ratio = self.participation_ratio()
        # ‖δC‖_F ≤ off tr C, so tr(C²) is off by 2 off tr C ‖C‖_F: relative to it 2 off √ratio.
        square_off = 2 * off * np.sqrt(ratio)
        r = self.correlations()
        # ‖δC‖ in the nuclear norm is at most √D times that of Frobenius.
        entropy = self.entropy_error(np.sqrt(self.units) * moments * trace + self.count * self.error)
        bounds = {
            "total_variance": off * trace,
            "participation_ratio": (2 * off + square_off) * ratio,
            "participation_ratio_standardised": 2 * off * np.abs(r).sum() / (r**2).sum() * len(r) ** 2 / (r**2).sum(),
            "effective_rank": self.effective_rank() * np.expm1(entropy),
            "top_unit_share": 2 * off * self.top_unit_share(),
        }
        corrected = 0.0
        if self.freedom > 1:
            m = self.freedom
            scale = m**2 / ((m - 1) * (m + 2))
            lost = scale * (square_off * square + 2 * off * trace**2 / m) / abs(self.excess())
            corrected = abs(self.participation_ratio_corrected()) * (2 * off + lost)
        return bounds | {"participation_ratio_corrected": corrected}

    def entropy_error(self, nuclear: float) -> float:
        """How far the entropy goes where all eigenvalues together are off by `nuclear`: Fannes and Audenaert."""
        distance = min(nuclear / self.trace, 0.25)
        count = max(self.count - 1, 1)
        return float(distance * np.log(count) - distance * np.log(distance) - (1 - distance) * np.log1p(-distance))


def subspace_error(spectrum: Spectrum, leading: int, error: float) -> float:
    """How far (radians) its leading subspace turns where the covariance is off by `error`: Davis and Kahan."""
    if leading >= spectrum.units:
        return 0.0  # all of the space
    beyond = spectrum.all_eigenvalues[leading] if leading < len(spectrum.all_eigenvalues) else 0.0
    gap = spectrum.all_eigenvalues[leading - 1] - beyond
    return float(min(np.pi / 2, np.pi / 2 * error / gap)) if gap > 0 else np.pi / 2


def principal_angles(one: Array, other: Array) -> Array:
    """Between the row spaces of (m, D) and (m, D), ascending; small ones from the sine."""
    q0, q1 = np.linalg.qr(one.T)[0], np.linalg.qr(other.T)[0]
    cosines = np.linalg.svd(q0.T @ q1, compute_uv=False)
    sines = np.linalg.svd(q1 - q0 @ (q0.T @ q1), compute_uv=False)[::-1]
    from_cosine = np.arccos(np.clip(cosines, -1, 1))
    from_sine = np.arcsin(np.clip(sines, -1, 1))
    return np.where(from_sine < np.pi / 4, from_sine, from_cosine)


def scores(x: Array, mean: Array, component: Array) -> Array:
    """(…, k): V (x - μ)."""
    return (x - mean) @ component.T


def scores_error(x: Array, mean: Array, component: Array) -> Array:
    """(…, k): how far they go where the components are known as float32, or to the rounding of the sums."""
    unit = SINGLE if component.dtype == np.float32 else 0.0
    rounding = 4 * EPSILON * x.shape[-1]
    # The mean is subtracted from numbers that may be much larger than what is left.
    size = np.abs(x - mean) + EPSILON * (np.abs(x) + np.abs(mean))
    return (unit + rounding) * size @ np.abs(component).T.astype(np.float64)


@dataclass
class Flow:
    """The least-squares map of a step: eigenvalues (f) complex, how well it fits; and how far each may be."""

    eigenvalue: Array
    explained: float
    persistence: float
    eigenvalue_bound: float = 0.0
    explained_bound: float = 0.0
    persistence_bound: float = 0.0


def sorted_eigenvalues(value: Array) -> Array:
    """By descending modulus, then real part, then imaginary part."""
    return value[np.lexsort((-value.imag, -value.real, -np.abs(value)))]


def centred_scores(z: Array) -> Array:
    """Less their mean; exactly zero where all rows are equal, which a rounded mean would not leave."""
    return np.where((z == z[0]).all(axis=0), 0.0, z - z.mean(axis=0))


def least_squares_map(z: Array, to: Array) -> Array:
    """A of minimum norm with to ≈ z Aᵀ, both (N, f)."""
    return (np.linalg.pinv(z, rcond=FLOW_CUT) @ to).T


def linear_flow(z: Array, to: Array, z_error: Array, to_error: Array, by_moments: bool) -> Flow:
    """Of scores (N, f) at a point and at the next, off by at most the errors given entry for entry.

    With `by_moments` the singular values come from the eigenvalues of ZᵀZ, whose rounding their square carries.
    """
    rows, modes = z.shape
    if rows < 2:
        undefined = np.full(modes, complex(np.nan, np.nan))
        return Flow(undefined, np.nan, np.nan)
    z, to = centred_scores(z), centred_scores(to)
    map_ = least_squares_map(z, to)
    total = (to**2).sum()
    flow = Flow(sorted_eigenvalues(np.linalg.eigvals(map_)), np.nan, np.nan)
    misfit = np.sqrt(((to - z @ map_.T) ** 2).sum())
    if total > 0:
        flow.explained = float(1 - ((to - z @ map_.T) ** 2).sum() / total)
        flow.persistence = float(1 - ((to - z) ** 2).sum() / total)
    rounding = 16 * EPSILON * max(rows, modes)
    flow.explained_bound = flow.persistence_bound = rounding * (1 + abs(np.nan_to_num(flow.persistence)))
    singular = np.linalg.svd(z, compute_uv=False)
    kept = singular[singular > FLOW_CUT * singular[0]] if singular[0] > 0 else singular[:0]
    if total == 0 or not len(kept):
        return flow
    size = np.linalg.norm(map_, 2)
    z_off = np.linalg.norm(z_error) + rounding * singular[0]
    to_off = np.linalg.norm(to_error) + rounding * np.sqrt(total)
    condition = singular[0] / kept[-1]
    # δA: of the rows' errors, and of the normal equations' rounding. What the map does not explain enters with the
    # inverse square (the pseudoinverse turns towards it).
    off = (to_off + size * z_off) / kept[-1] + z_off * misfit / kept[-1] ** 2
    if by_moments:
        off += rounding * condition**2 * (size + np.sqrt(total) / kept[-1])
    flow.eigenvalue_bound = float(4 * off * eigenvector_condition(map_, len(kept)))
    part = (to_off + size * z_off + off * singular[0]) / np.sqrt(total)
    flow.explained_bound = float(2 * part * (misfit / np.sqrt(total) + part) + rounding)
    kept_off = (z_off + to_off) / np.sqrt(total)
    stay = np.linalg.norm(to - z) / np.sqrt(total)
    flow.persistence_bound = float(2 * kept_off * (stay + kept_off) + rounding * max(1.0, stay**2))
    if by_moments:
        # The misfit is a difference of traces, each as large as those of ZᵀZ.
        lost = rounding * (singular[0] / np.sqrt(total) + 1) ** 2 * modes
        flow.explained_bound += float(lost * max(1.0, size) ** 2)
        flow.persistence_bound += float(lost)
    return flow


def eigenvector_condition(map_: Array, rank: int) -> float:
    """Bauer and Fike's factor: an eigenvalue goes by at most this times ‖δA‖."""
    value, vector = np.linalg.eig(map_)
    if rank < len(map_):
        # The vectors of the eigenvalue 0 are any basis of the kernel: an orthonormal one is the best.
        _, _, right = np.linalg.svd(map_)
        order = np.argsort(-np.abs(value))
        vector = np.concatenate([vector[:, order[:rank]], right[rank:].T.conj()], axis=1)
    return float(np.linalg.cond(vector))
