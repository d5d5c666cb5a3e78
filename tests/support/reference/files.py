"""A trace file held against the reference: what is wrong with it, dataset by dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from trace_file import attributes, config_of, datasets, same_bits

from .expected import Array, Expected, complaint
from .points import sorted_eigenvalues
from .spectra import spectra_complaints
from .table import Trace, expected_numbers

#: What spectra.py checks.
SPECTRA = {"pca/eigenvalue", "pca/component", "pooled/eigenvalue", "pooled/component"}
#: Groups of facts and of what is measured in time.
NO_NUMBERS = {"samples", "points", "residual", "timing", "checksum"}


def flow_complaint(name: str, found: Array, expected: Expected) -> str:
    """Eigenvalues in whatever order near ties leave them, each one near one of the reference's; and that order."""
    if found.shape != expected.value.shape:
        return f"{name}: shape {found.shape}, expected {expected.value.shape}"
    matched = found.astype(np.float64)
    for s in range(len(found)):
        value = found[s, :, 0] + 1j * found[s, :, 1]
        if np.isnan(value).any() or np.isnan(expected.value[s]).any():
            continue
        again = sorted_eigenvalues(value)
        if not np.allclose(np.abs(again), np.abs(value), rtol=1e-14, atol=0):
            return f"{name}[{s}]: not by descending modulus"
        left = list(expected.value[s, :, 0] + 1j * expected.value[s, :, 1])
        for i, one in enumerate(value):
            # The nearest that is left stands at this place.
            nearest = min(range(len(left)), key=lambda j: abs(left[j] - one))
            other = left.pop(nearest)
            matched[s, i] = other.real, other.imag
    return complaint(name, found, Expected(np.where(np.isnan(expected.value), np.nan, matched), expected.bound))


def rows_of(path: Path) -> Array:
    """(N, P, D) in float64, of a file that keeps them."""
    return datasets(path)["residual/last_token"].astype(np.float64)


def read_trace(path: Path, x: Array | None = None, *, streamed: bool = False, rows: float = 0.0) -> Trace:
    """A file and the rows that it is about: its own, or `x`, from which its own may differ by `rows`."""
    found = datasets(path)
    for (item, name), value in attributes(path).items():
        if item == "geometry":
            found[f"geometry/{name}"] = np.asarray(value)  # what has one number in all
    config = config_of(path)
    return Trace(
        found,
        rows_of(path) if x is None else x,
        permutations=int(config["permutations"]),
        seed=int(config["seed"]),
        streamed=streamed,
        every_token=config["tokens"] == "all",
        single=config["residual"] == "float32",
        rows=rows,
    )


def dataset_complaint(name: str, found: Array, expected: Expected) -> str:
    """What is wrong with a dataset that is a plain formula."""
    check = flow_complaint if name == "geometry/flow_eigenvalue" else complaint
    return check(name, found, expected)


def streaming_complaints(kept: Path, streamed: Path) -> list[str]:
    """How a streaming run disagrees with one of the same samples that kept its rows: more than streaming may lose."""
    trace = read_trace(streamed, rows_of(kept), streamed=True)
    facts = datasets(kept)
    others = [
        f"{name} differs"
        for name, value in trace.found.items()
        if name.split("/")[0] in ("samples", "points") and not same_bits(value, facts[name])
    ]
    return others + complaints(trace)


def complaints(trace: Trace) -> list[str]:
    """All that is wrong, missing or unknown."""
    expected = expected_numbers(trace)
    wrong = []
    for name, one in expected.items():
        if name not in trace.found:
            wrong.append(f"{name} is missing")
        else:
            wrong.append(dataset_complaint(name, trace.found[name], one))
    wrong += spectra_complaints(trace)
    wrong += [f"{name} is not checked" for name in unknown(trace.found, expected)]
    return [one for one in wrong if one]


def unknown(found: Mapping[str, Array], expected: Mapping[str, Expected]) -> list[str]:
    """Datasets that no check knows; scales lie at the root."""
    return [
        name
        for name in found
        if "/" in name and name.split("/")[0] not in NO_NUMBERS and name not in SPECTRA and name not in expected
    ]
