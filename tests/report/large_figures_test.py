"""Figures of a file as large as the paper's run: in time for a login node, and in its memory."""

from __future__ import annotations

import unittest
from pathlib import Path

import h5py
import numpy as np
from figure_files import FiguresTest, read_data
from orrery_program import PATIENCE, memory_limit, run

SAMPLES, LAYERS, UNITS, MODES = 1000, 32, 4096, 64
POINTS = 2 * LAYERS + 1
#: Of each dimension that grows.
LENGTHS = {
    "sample": SAMPLES, "sample_bound": SAMPLES + 1, "point": POINTS, "other_point": POINTS, "place": POINTS,
    "other_place": POINTS, "step": POINTS - 1, "bend": POINTS - 2, "unit": UNITS, "mode": MODES, "pooled_mode": MODES, "eigen": SAMPLES - 1,
    "pooled_eigen": UNITS, "run": POINTS - 10, "flow_mode": 16,
}  # fmt: skip
SECONDS, BYTES = 60, 2 << 30


def enlarge(small: Path, large: Path) -> None:
    """A file of the same datasets with other lengths and made-up numbers: each one's of the small file's size."""
    chance = np.random.default_rng(3)
    with h5py.File(small) as source, h5py.File(large, "w") as target:
        target.attrs.update(source.attrs)
        target.attrs["rows"] = SAMPLES
        target.attrs["layers"] = (POINTS - 1) // 2

        def copy(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
                return
            names = [dimension[0].name.removeprefix("/") if len(dimension) else name for dimension in item.dims]
            shape = tuple(LENGTHS.get(one, length) for one, length in zip(names, item.shape, strict=True))
            if name.startswith("residual/"):
                return
            values = np.resize(item[()], shape)
            if item.dtype.kind == "f":
                values = (values * (1 + 0.01 * chance.standard_normal(shape))).astype(item.dtype)
            made = target.create_dataset(name, data=values, dtype=item.dtype)
            made.attrs.update({key: item.attrs[key] for key in ("long_name", "units") if key in item.attrs})

        source.visititems(copy)
        points = np.arange(POINTS)
        target["points/layer"][:] = points // 2
        target["points/kind"][:] = ["final" if s == POINTS - 1 else ("pre_attention", "pre_mlp")[s % 2] for s in points]


class LargeTest(FiguresTest):
    """All figures at once, in all formats."""

    def test_time_and_memory(self) -> None:
        large, out = self.folder / "large.h5", self.folder / "figures"
        enlarge(self.run_file, large)
        outcome = self.assert_done(run("figures", large, self.sweep_file, "--out", out, timeout=2 * SECONDS))
        print(f"{outcome.seconds:.1f} s, {outcome.peak_bytes / 2**20:.0f} MiB, {len(list(out.iterdir()))} files")
        self.assertLess(outcome.seconds, SECONDS * PATIENCE)
        self.assertLess(outcome.peak_bytes, memory_limit(BYTES))
        for path in out.glob("*.dat"):
            self.assertLess(sum(len(next(iter(layer.columns.values()))) for layer in read_data(path)), 100_000, path.name)


del FiguresTest

if __name__ == "__main__":
    unittest.main()
