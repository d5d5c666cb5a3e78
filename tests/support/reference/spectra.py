"""Eigenvalues and eigenvectors of a file against the covariance of the rows.

An eigenvector is known as well as its eigenvalue stands apart (Davis and Kahan); where it does not, any vectors of
that subspace are right that are orthonormal, follow the sign rule, and that the covariance only stretches.
"""

from __future__ import annotations

import numpy as np

from .expected import EPSILON, SINGLE, Array, Expected, complaint
from .points import Spectrum
from .table import Trace

TURNED = 1e-3  # a vector that may have turned by more is held against the covariance alone


def eigenvalue_complaint(name: str, found: Array, spectrum: Spectrum, rank: int, moments: float) -> str:
    """`found` (K), zero beyond the file's own rank."""
    largest = spectrum.eigenvalue[:1].max(initial=0.0)
    bound = moments * largest + spectrum.error + 1e-13 * spectrum.eigenvalue
    wrong = complaint(name, found, Expected(spectrum.eigenvalue, bound))
    if wrong:
        return wrong
    if (np.diff(found) > 0).any():
        return f"{name}: not in descending order at {int(np.argmax(np.diff(found) > 0))}"
    if (found[rank:] != 0).any() or (found[:rank] <= 0).any():
        return f"{name}: {int((found > 0).sum())} positive values, but rank {rank}"
    return ""


def vectors_complaint(name: str, found: Array, spectrum: Spectrum, rank: int, error: float) -> str:
    """`found` (k, D), NaN beyond the rank; `error` is how far the covariance may be off (spectral norm)."""
    kept = min(len(found), rank)
    whole = np.isfinite(found).all(axis=1)
    if found.shape[1] != spectrum.units or not whole[:kept].all() or whole[kept:].any():
        return f"{name}: shape {found.shape}, {int(whole.sum())} vectors, expected {kept}"
    if not np.isnan(found[kept:]).all():
        return f"{name}: numbers beyond the rank {rank}"
    v = found[:kept].astype(np.float64)
    # Each entry is off by its rounding, so a vector by no more than that of its length, 1.
    unit = (SINGLE if found.dtype == np.float32 else 0.0) + 8 * EPSILON * spectrum.units
    product = v @ v.T
    wrong = complaint(f"{name}, products of vectors,", product, Expected(np.eye(kept), 4 * unit))
    if wrong:
        return wrong
    largest = np.abs(found[:kept]).argmax(axis=1)  # the first of equals
    negative = found[np.arange(kept), largest] <= 0
    if negative.any():
        return f"{name}[{int(negative.argmax())}]: its largest entry, {largest[negative.argmax()]}, is not positive"
    value = spectrum.eigenvalue[:kept]
    scale = spectrum.eigenvalue[0]
    residual = np.linalg.norm(v @ spectrum.covariance - value[:, None] * v, axis=1)
    wrong = complaint(f"{name}, ‖C v - λ v‖,", residual, Expected(np.zeros(kept), 2 * error + 4 * unit * scale))
    return wrong or apart_complaint(name, found[:kept], spectrum, error)


def apart_complaint(name: str, found: Array, spectrum: Spectrum, error: float) -> str:
    """Entry for entry, the vectors whose eigenvalue stands apart."""
    value = spectrum.all_eigenvalues
    # What the rows leave untouched has eigenvalue 0.
    others = np.append(value, [0.0] * (len(value) < spectrum.units))
    wanted, bound = found.astype(np.float64), np.full(len(found), np.inf)
    for i in range(len(found)):
        gap = np.abs(np.delete(others, i) - value[i]).min(initial=np.inf)
        turned = np.pi / 2 * (error + spectrum.error) / gap if gap > 0 else np.inf
        if turned < TURNED:
            wanted[i] = spectrum.component[i] * np.sign(spectrum.component[i] @ wanted[i])
            bound[i] = turned + 16 * EPSILON
    return complaint(name, found, Expected(wanted, bound[:, None]))


def spectra_complaints(trace: Trace) -> list[str]:
    """Of /pca and /pooled: eigenvalues, components, and the covariance that they make."""
    found = trace.found
    wrong = []
    for s, spectrum in enumerate(trace.spectra if "pca/eigenvalue" in found else []):
        rank = int(found["pca/rank"][s])
        # |δC_ij| ≤ moments √(C_ii C_jj), so ‖δC‖ ≤ moments tr C.
        error = spectrum.error + (trace.moments + 4 * trace.rows) * spectrum.trace
        component = found["pca/component"][s]
        wrong += [
            eigenvalue_complaint(f"pca/eigenvalue[{s}]", found["pca/eigenvalue"][s], spectrum, rank, trace.moments),
            vectors_complaint(f"pca/component[{s}]", component, spectrum, rank, error),
            covariance_complaint(trace, s),
        ]
    pooled = trace.pooled
    value = found["pooled/eigenvalue"]
    rank = int((value > 0).sum())
    if abs(rank - pooled.rank) > pooled.near_threshold:
        wrong.append(f"pooled/eigenvalue: {rank} positive values, expected {pooled.rank}")
    # Between points the means, within `moments` σ, add as much again, twice.
    error = pooled.error + (3 * trace.moments + 4 * trace.rows) * pooled.trace
    wrong += [
        eigenvalue_complaint("pooled/eigenvalue", value, pooled, rank, trace.moments),
        vectors_complaint("pooled/component", found["pooled/component"], pooled, rank, error),
    ]
    return [one for one in wrong if one]


def covariance_complaint(trace: Trace, s: int) -> str:
    """Σ λ v vᵀ is the covariance, where all components are in the file: each C_ij to `moments` √(C_ii C_jj)."""
    spectrum = trace.spectra[s]
    rank = int(trace.found["pca/rank"][s])
    component = trace.found["pca/component"][s]
    if rank == 0 or rank > len(component):
        return ""
    v = component[:rank].astype(np.float64)
    value = trace.found["pca/eigenvalue"][s][:rank]
    size = np.sqrt(np.diag(spectrum.covariance))
    # Entries rounded by u make Σ λ |v_i| |v_j| 2u at most, which is 2u √(C_ii C_jj).
    unit = SINGLE if component.dtype == np.float32 else 0.0
    relative = (trace.moments + 4 * trace.rows + 3 * unit) * np.outer(size, size)
    absolute = 4 * spectrum.error
    return complaint(f"covariance of point {s}", (v.T * value) @ v, Expected(spectrum.covariance, relative + absolute))
