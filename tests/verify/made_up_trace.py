"""Trace files of made-up numbers that hold together: every identity of the format is true of them.

The file comes from the example_file program of tests/archive, of all datasets; here its numbers are replaced.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
from checksums import refresh
from orrery_program import environment

KINDS = ("rows", "streaming", "all")
DRAWS = 9
SHARES = (0.50, 0.80, 0.90, 0.95, 0.99)

Array = np.ndarray


def spectrum(rows: Array) -> tuple[Array, Array]:
    """Eigenvalues, descending, 0 beyond the rank, and eigenvectors of the rows' covariance."""
    y = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eigh(y.T @ y / (len(rows) - 1))
    values, vectors = values[::-1], vectors.T[::-1]
    values = np.where(values > max(rows.shape) * 2.0**-52 * values[0], values, 0.0)
    largest = np.abs(vectors).argmax(axis=1)
    return values, vectors * np.sign(vectors[np.arange(len(vectors)), largest])[:, None]


def sample_numbers(generator: np.random.Generator, samples: int, tokens: int) -> dict[str, Array]:
    length = np.full(samples, 8)
    length[-1] = tokens - length[:-1].sum()
    return {
        "samples/row": np.arange(samples) * 2,
        "samples/characters": np.full(samples, 120),
        "samples/length": length,
        "samples/position": length - 1,
        "samples/token_offset": np.concatenate([[0], np.cumsum(length)]),
        "samples/token": generator.integers(0, 100, tokens),
    }


def unit_numbers(x: Array, generator: np.random.Generator) -> dict[str, Array]:
    rows, points, units = x.shape
    y = x - x.mean(axis=0)
    size = np.sqrt((y**2).sum(axis=0))
    r = np.einsum("nsd,ntd->std", y, y) / (size[:, None] * size[None])
    adjacent = np.stack([r[s, s + 1] for s in range(points - 1)])
    information = generator.uniform(0.1, 0.2, (points - 1, units)).astype(np.float32)
    velocity = np.linalg.norm(x[:, 1:] - x[:, :-1], axis=2).mean(axis=0)
    null = generator.uniform(0.5, 0.8, points - 1)
    return {
        "residual/last_token": x,
        "trajectory/mean": x.mean(axis=0),
        "trajectory/variance": x.var(axis=0, ddof=1),
        "continuity/correlation": r.mean(axis=2),
        "continuity/correlation_units": np.full((points, points), units),
        "continuity/unit_correlation": adjacent,
        "continuity/residual_null": null,
        "continuity/velocity_mean": velocity,
        "continuity/acceleration": np.diff(velocity),
        "continuity/mutual_information": information,
        "continuity/mutual_information_mean": information.astype(np.float64).mean(axis=1),
    }


def rotation_numbers(generator: np.random.Generator, units: int) -> dict[str, Array]:
    numbers = {}
    for suffix in ("", "_layer", "_step", "_sign"):
        above = generator.integers(0, DRAWS + 1, units)
        below = DRAWS - above + generator.integers(0, above + 1)
        numbers[f"rotation/p_more{suffix}"] = (1 + above) / (1 + DRAWS)
        numbers[f"rotation/p_fewer{suffix}"] = (1 + below) / (1 + DRAWS)
        numbers[f"rotation/null{suffix}_abs_mean"] = np.full(units, 0.9)
    return numbers


def space_numbers(x: Array, kept: int, eigenvalues: int) -> dict[str, Array]:
    rows, points, units = x.shape
    spectra = [spectrum(x[:, s]) for s in range(points)]
    values = np.stack([one[0][:eigenvalues] for one in spectra])
    total, squares = values.sum(axis=1), (values**2).sum(axis=1)
    freedom = rows - 1
    share = values / total[:, None]
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)
    counts = [[np.searchsorted(np.cumsum(one) / one.sum(), part - 1e-12) + 1 for part in SHARES] for one in values]
    pooled_values, pooled_vectors = spectrum(x.reshape(-1, units))
    mean = x.reshape(-1, units).mean(axis=0)
    score = (x - mean) @ pooled_vectors[:kept].T
    flow = np.array([[0.9, 0.1], [0.9, -0.1], [0.5, 0.0]])
    return {
        "pca/eigenvalue": values,
        "pca/component": np.stack([one[1][:kept] for one in spectra]),
        "pca/rank": (values > 0).sum(axis=1),
        "pca/total_variance": x.var(axis=0, ddof=1).sum(axis=1),
        "pca/participation_ratio": total**2 / squares,
        "pca/participation_ratio_corrected": total**2
        / (freedom**2 / ((freedom - 1) * (freedom + 2)) * (squares - total**2 / freedom)),
        "pca/participation_ratio_standardised": np.full(points, 2.0),
        "pca/effective_rank": np.exp(entropy),
        "pca/top_unit_share": x.var(axis=0, ddof=1).max(axis=1) / total,
        "pca/components_for": np.array(counts),
        "pooled/mean": mean,
        "pooled/eigenvalue": pooled_values,
        "pooled/component": pooled_vectors[:kept],
        "pooled/score": score,
        "pooled/mean_score": score.mean(axis=0),
        "pooled/score_range": np.stack([score.min(axis=0), score.max(axis=0)]),
        "geometry/straightness": np.full(rows, 3.0),
        "geometry/principal_angle": np.tile(np.linspace(0.1, 1.0, kept), (points - 1, 1)),
        "geometry/flow_eigenvalue": np.tile(flow, (points - 1, 1, 1)),
        "geometry/flow_explained": np.full(points - 1, 0.9),
        "geometry/flow_persistence": np.full(points - 1, 0.5),
    }


def control_numbers(known: dict[str, Array]) -> dict[str, Array]:
    points = len(known["trajectory/mean"])
    layers = np.roll(np.arange(points // 2), 2)
    shown = np.append(np.stack([2 * layers, 2 * layers + 1], axis=1).reshape(-1), points - 1)
    return {
        "control/layer_permuted/point": shown,
        "control/layer_permuted/correlation": known["continuity/correlation"][np.ix_(shown, shown)],
        "control/random_basis/velocity_mean": known["continuity/velocity_mean"],
    }


def headline(file: h5py.File) -> dict[str, float]:
    """The numbers of /headline that other numbers of the file give."""
    r = file["continuity/correlation"][()]
    points = len(r)
    last = points - 3
    adjacent = np.array([r[s, s + 1] for s in range(points - 1)])
    found = {}
    for name, line in (("adjacent_correlation", adjacent), ("residual_null", file["continuity/residual_null"][()])):
        found[f"{name}_within"] = line[0 : last + 1 : 2].mean()
        found[f"{name}_across"] = line[1:last:2].mean()
    for name in ("cosine", "velocity", "relative_velocity"):
        line = file[f"continuity/{name}_mean"][()]
        found[f"{name}_first"], found[f"{name}_last"] = line[0], line[last]
    for place, point in (("early", 1), ("late", points - 2)):
        found[f"components_90_{place}"] = file["pca/components_for"][point, 2]
        for name in ("participation_ratio", "participation_ratio_corrected"):
            found[f"{name}_{place}"] = file[f"pca/{name}"][point]
    return {name: float(value) for name, value in found.items()}


def make(path: Path, kind: str) -> Path:
    """A file of that kind at `path`, whose checksums are right."""
    subprocess.run([os.environ["ORRERY_EXAMPLE_FILE"], str(path), kind], check=True, env=environment())
    generator = np.random.default_rng(1)
    with h5py.File(path, "r+") as file:
        rows, kept = int(file.attrs["rows"]), len(file["pooled_mode"])
        points, units = file["trajectory/mean"].shape
        x = generator.normal(size=(rows, points, units)).cumsum(axis=1) + generator.normal(size=units)
        x = x.astype(np.float32).astype(np.float64)
        numbers = sample_numbers(generator, len(file["sample"]), len(file["token_index"]))
        numbers |= unit_numbers(x, generator) | rotation_numbers(generator, units)
        numbers |= space_numbers(x, kept, len(file["eigen"]))
        numbers |= control_numbers(numbers)

        def fill(name: str, item: h5py.HLObject) -> None:
            if not isinstance(item, h5py.Dataset) or item.is_scale or name.split("/")[0] in ("points", "timing"):
                return
            item[...] = numbers[name] if name in numbers else generator.uniform(0.2, 0.8, item.shape)

        file.visititems(fill)
        if "control/random_basis/cosine_mean" in file:
            file["control/random_basis/cosine_mean"][...] = file["continuity/cosine_mean"][()]
        file["headline"].attrs.update(headline(file))
        if kind == "all":
            file["geometry"].attrs.update(straightness_mean=3.0, straightness_std=0.5)
    refresh(path)
    return path
