"""open_with_python.py LAUNCHER...: makes a trace file with the command given and opens it with h5py and xarray."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import xarray

N, L, D, K, MODES, TOKENS, RANKS = 6, 2, 10, 5, 3, 50, 2
P = 2 * L + 1
LENGTHS = {"sample": N, "sample_bound": N + 1, "token_index": TOKENS, "point": P, "other_point": P, "step": P - 1,
           "bend": P - 2, "unit": D, "mode": MODES, "eigen": K, "share": 5, "rank_number": RANKS}
DIMENSIONS = {
    "samples": {"row": ("sample",), "token": ("token_index",), "token_offset": ("sample_bound",)},
    "points": {"layer": ("point",), "kind": ("point",)},
    "residual": {"last_token": ("sample", "point", "unit")},
    "trajectory": {"mean": ("point", "unit"), "variance": ("point", "unit")},
    "continuity": {"correlation": ("point", "other_point"), "unit_correlation": ("step", "unit"),
                   "acceleration": ("bend",), "cosine_mean": ("step",)},
    "density": {"hoyer_std": ("point",), "active_mean": ("point",)},
    "pca": {"eigenvalue": ("point", "eigen"), "component": ("point", "mode", "unit"),
            "components_for": ("point", "share"), "rank": ("point",)},
    "timing": {"peak_bytes": ("rank_number",)},
}


def check_h5py(path):
    with h5py.File(path) as file:
        assert file.attrs["format"] == "orrery-trace", file.attrs["format"]
        assert file.attrs["format_version"] == 1
        assert file.attrs["complete"] == 1
        assert file.attrs["config"] == "[trace]\nmodel=Übung\n"
        assert file.attrs["seed"] == 7
        assert file.attrs["not_computed"] == ""
        assert file["timing"].attrs["total_seconds"] == 1.5
        assert file["headline"].attrs["turns"] == 10.7
        assert file["density/active_mean"].attrs["threshold"] == 0.1
        assert list(file["share"]) == [50, 80, 90, 95, 99]
        assert [kind.decode() for kind in file["points/kind"]] == ["pre_attention", "pre_mlp"] * L + ["final"]
        assert list(file["points/layer"]) == [0, 0, 1, 1, 2]
        seen = []

        def visit(name, item):
            if not isinstance(item, h5py.Dataset):
                return
            seen.append(name)
            assert isinstance(item.attrs["long_name"], str) and item.attrs["long_name"], name
            assert isinstance(item.attrs["units"], str) and item.attrs["units"], name
            assert item.chunks is None and item.dtype.byteorder != ">", name
            if item.is_scale:
                assert item.shape == (LENGTHS[name.split("/")[-1]],), name
                return
            for axis, length in zip(item.dims, item.shape):
                assert len(axis) == 1 and axis[0].shape == (length,), name
            if item.dtype.kind in "if" and not name.startswith("points/"):
                expected = np.arange(item.size, dtype=item.dtype).reshape(item.shape)
                assert np.array_equal(item[()], expected), name

        file.visititems(visit)
        assert len(seen) == 43 + len(LENGTHS), len(seen)


def check_xarray(path):
    with xarray.open_dataset(path, engine="h5netcdf") as root:
        assert root.attrs["format"] == "orrery-trace"
        assert list(root.variables) == ["share"], list(root.variables)
    for group, variables in DIMENSIONS.items():
        with xarray.open_dataset(path, group=group, engine="h5netcdf") as data:
            for name, dimensions in variables.items():
                assert data[name].dims == dimensions, (group, name, data[name].dims)
                assert data[name].shape == tuple(LENGTHS[one] for one in dimensions), (group, name)
                assert data[name].attrs["long_name"]
    with xarray.open_dataset(path, group="points", engine="h5netcdf") as points:
        assert list(points.kind.values) == ["pre_attention", "pre_mlp"] * L + ["final"]
    with xarray.open_dataset(path, group="pca", engine="h5netcdf") as pca:
        assert float(pca.eigenvalue.isel(point=2, eigen=1)) == 2 * K + 1
    with xarray.open_datatree(path, engine="h5netcdf") as tree:
        assert tree["pca/component"].dims == ("point", "mode", "unit")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.h5")
        subprocess.run([*sys.argv[1:], path], check=True)
        assert os.listdir(folder) == ["run.h5"], os.listdir(folder)
        check_h5py(path)
        check_xarray(path)


main()
