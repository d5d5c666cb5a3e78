"""open_with_python.py LAUNCHER...: makes files with the command given and opens them with h5py and xarray."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import xarray

N, L, D, K, MODES, TOKENS, RANKS = 6, 5, 10, 5, 3, 50, 2
P = 2 * L + 1
LENGTHS = {"sample": N, "sample_bound": N + 1, "token_index": TOKENS, "point": P, "other_point": P, "place": P,
           "other_place": P, "step": P - 1, "bend": P - 2, "run": P - 10, "unit": D, "mode": MODES, "eigen": K,
           "pooled_mode": MODES, "pooled_eigen": D, "flow_mode": MODES, "complex_part": 2, "extreme": 2, "share": 5,
           "rank_number": RANKS}
#: Datasets that a file of this kind has, and how many lines of not_computed.
KINDS = {"rows": (97, 0), "streaming": (97 - 7, 8), "all": (97 - 7 - 9, 8 + 9)}
DIMENSIONS = {
    "samples": {"row": ("sample",), "token": ("token_index",), "token_offset": ("sample_bound",)},
    "points": {"layer": ("point",), "kind": ("point",)},
    "residual": {"last_token": ("sample", "point", "unit")},
    "trajectory": {"mean": ("point", "unit"), "variance": ("point", "unit")},
    "continuity": {"correlation": ("point", "other_point"), "unit_correlation": ("step", "unit"),
                   "acceleration": ("bend",), "cosine_mean": ("step",), "mutual_information": ("step", "unit")},
    "density": {"hoyer_std": ("point",), "active_mean": ("point",)},
    "pca": {"eigenvalue": ("point", "eigen"), "component": ("point", "mode", "unit"),
            "components_for": ("point", "share"), "rank": ("point",)},
    "rotation": {"turns": ("unit",), "null_step_abs_mean": ("unit",), "local_turns": ("run",)},
    "pooled": {"eigenvalue": ("pooled_eigen",), "component": ("pooled_mode", "unit"),
               "score": ("sample", "point", "pooled_mode"), "score_range": ("extreme", "point", "pooled_mode")},
    "geometry": {"curvature_std": ("bend",), "straightness": ("sample",), "principal_angle": ("step", "mode"),
                 "flow_eigenvalue": ("step", "flow_mode", "complex_part")},
    "control/sample_permuted": {"correlation": ("point", "other_point"), "sample_turns_mean": ("unit",)},
    "control/layer_permuted": {"correlation": ("place", "other_place"), "point": ("place",), "turns": ("unit",)},
    "control/random_basis": {"cosine_mean": ("step",), "turns": ("unit",)},
    "timing": {"peak_bytes": ("rank_number",)},
}


def lengths_of(kind):
    """A run over every token has more rows than units."""
    return LENGTHS | ({"eigen": D} if kind == "all" else {})


def check_h5py(path, kind):
    with h5py.File(path) as file:
        assert file.attrs["format"] == "orrery-trace", file.attrs["format"]
        assert file.attrs["format_version"] == 1
        assert file.attrs["complete"] == 1
        assert file.attrs["config"] == "[trace]\nmodel = Übung\n"
        assert file.attrs["seed"] == 7
        assert file.attrs["rows"] == (44 if kind == "all" else N)
        assert file.attrs["moments"] == ("rows" if kind == "rows" else "streaming")
        assert len(file.attrs["not_computed"].splitlines()) == KINDS[kind][1], file.attrs["not_computed"]
        assert file["timing"].attrs["total_seconds"] == 1.5
        assert file["headline"].attrs["turns"] == 10.7
        assert file["density/active_mean"].attrs["threshold"] == 0.1
        assert file["rotation/null_mean"].attrs["draws"] == 9
        assert list(file["share"]) == [50, 80, 90, 95, 99]
        assert [kind.decode() for kind in file["points/kind"]] == ["pre_attention", "pre_mlp"] * L + ["final"]
        assert list(file["points/layer"]) == [s // 2 for s in range(P)]
        lengths, seen = lengths_of(kind), []

        def visit(name, item):
            if not isinstance(item, h5py.Dataset):
                return
            seen.append(name)
            assert isinstance(item.attrs["long_name"], str) and item.attrs["long_name"], name
            assert isinstance(item.attrs["units"], str) and item.attrs["units"], name
            assert item.chunks is None and item.dtype.byteorder != ">", name
            if item.is_scale:
                assert item.shape == (lengths[name.split("/")[-1]],), name
                return
            for axis, length in zip(item.dims, item.shape):
                assert len(axis) == 1 and axis[0].shape == (length,), name
            if item.dtype.kind in "if" and not name.startswith("points/"):
                expected = np.arange(item.size, dtype=item.dtype).reshape(item.shape)
                assert np.array_equal(item[()], expected), name

        file.visititems(visit)
        assert len(seen) == KINDS[kind][0] + len(LENGTHS), len(seen)
        hashed = {name for name in seen if name.split("/")[0] != "timing" and file[name].id.get_offset() is not None}
        named = set(file["checksum"].attrs) - {"algorithm", "block_bytes", "attributes"}
        assert {name.replace("/", ".") for name in hashed} == named, hashed ^ named


def check_xarray(path):
    with xarray.open_dataset(path, engine="h5netcdf") as root:
        assert root.attrs["format"] == "orrery-trace"
        assert sorted(root.variables) == ["complex_part", "extreme", "point", "share", "step"], list(root.variables)
        assert list(root.point.values) == list(range(P)) and list(root.step.values) == list(range(P - 1))
        assert list(root.extreme.values) == ["least", "greatest"]
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
        # This group's own dataset has the name of the root's coordinate, which stands before it when inherited.
        permuted = tree["control/layer_permuted"].to_dataset(inherit=False)
        assert permuted["point"].dims == ("place",)
        # Of the coordinates at the root, a group's arrays have those of their dimensions.
        late = tree["pca/rank"].sel(point=[P - 3, P - 1])
        assert list(late.point.values) == [P - 3, P - 1] and list(late.values) == [P - 3, P - 1], late
        assert list(tree["continuity/cosine_mean"].step.values) == list(range(P - 1))
        greatest = tree["pooled/score_range"].sel(extreme="greatest")
        assert float(greatest.isel(point=0, pooled_mode=0)) == P * MODES


def check_sweep(path):
    """What users do with a sweep: entries by the names that its coordinates have."""
    with xarray.open_datatree(path, engine="h5netcdf") as tree:
        assert tree.attrs["format"] == "orrery-sweep"
        assert list(tree["case"].values) == ["teleport", "random_direction", "noise 0.01", "noise 0.1"]
        assert list(tree["part"].values) == ["head_0", "head_1", "head_2", "head_3", "mlp"]
        score = tree["teleport/score"]
        assert score.dims == ("prompt", "start_layer", "grid_point", "point", "component"), score.dims
        assert float(score.sel(prompt=0, start_layer=3).isel(grid_point=1, point=2, component=1)) == (
            (((1 * 2 + 1) * 4 + 1) * P + 2) * 3 + 1
        )
        assert tree["noise/top1"].dtype == np.uint8
        assert int(tree["noise/top1"].sel(prompt=2, start_layer=3, epsilon=0.01, direction="-pc_1")) == 8
        assert float(tree["summary/halved_se"].sel(case="noise 0.1", start_layer=0)) == 6
        assert tree["states/noise"].dims == (
            "state_prompt", "start_layer", "epsilon", "direction", "state_point", "unit"
        )
        assert list(tree["states"].state_point.values) == [0, 10]
        assert tree["ablation/cosine_mean"].sel(part="mlp").shape == (1, P - 1)
        assert tree["recovery/half_life"].attrs["infinite_where"] == "d never halves"


def main():
    with tempfile.TemporaryDirectory() as folder:
        sweep = os.path.join(folder, "sweep.h5")
        subprocess.run([*sys.argv[1:], sweep, "sweep"], check=True)
        check_sweep(sweep)
        for kind in KINDS:
            path = os.path.join(folder, f"{kind}.h5")
            subprocess.run([*sys.argv[1:], path, kind], check=True)
            assert f"{kind}.h5.part" not in os.listdir(folder), os.listdir(folder)
            check_h5py(path, kind)
        check_xarray(os.path.join(folder, "rows.h5"))
        with xarray.open_datatree(os.path.join(folder, "all.h5"), engine="h5netcdf") as tree:
            assert tree["pooled/mean_score"].dims == ("point", "pooled_mode")
            assert "sample_permuted" not in tree["control"].children


main()
