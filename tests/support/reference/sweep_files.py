"""A sweep file held against the reference: what is wrong with it, dataset by dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from trace_file import attributes, datasets

from .expected import Array, complaint
from .sweep import Sweep

#: What every file has beside the reference's numbers.
MEASURED = {"timing/peak_bytes", "rank_number"}
#: Kept as float32: what has an entry a perturbation and a point.
SINGLE_GROUPS = ("teleport", "noise", "control", "baseline", "ablation")
SINGLE_NAMES = {"score", "score_beside", "distance", "cosine", "norm", "velocity"}
WHOLE = {"points/layer": "int32", "prompts/row": "int64", "prompts/length": "int64", "baseline/next_token": "int32"}
SCALES = {"prompt": "int64", "start_layer": "int32", "grid_point": "int32", "epsilon": "float64",
          "ablated_layer": "int32", "state_prompt": "int64", "state_point": "int32"}  # fmt: skip


def type_of(name: str, states: str) -> str:
    """The type of a dataset, `states` being that of the streams."""
    group, last = name.split("/")[0], name.split("/")[-1]
    if name in WHOLE:
        return WHOLE[name]
    if group == "states":
        return states
    if last == "top1" and group not in ("recovery", "summary"):
        return "uint8"
    return "float32" if group in SINGLE_GROUPS and last in SINGLE_NAMES else "float64"


def texts(values: Array) -> list[Any]:
    return [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]


def scale_complaints(found: dict[str, Array], sweep: Sweep) -> list[str]:
    """Scales lie at the root."""
    expected = sweep.scales()
    wrong = [f"scale {name} is not checked" for name in found if "/" not in name and name not in expected]
    for name, values in expected.items():
        if name not in found:
            wrong.append(f"scale {name} is missing")
        elif isinstance(values, int):
            if found[name].shape != (values,):
                wrong.append(f"scale {name} has shape {found[name].shape}, expected {(values,)}")
        elif texts(found[name]) != values:
            wrong.append(f"scale {name} is {texts(found[name])}, expected {values}")
        elif name in SCALES and found[name].dtype != SCALES[name]:
            wrong.append(f"scale {name} has type {found[name].dtype}, expected {SCALES[name]}")
    return wrong


def attribute_complaints(path: Path, sweep: Sweep) -> list[str]:
    options = sweep.options
    expected: dict[str, Any] = {"format": "orrery-sweep", "format_version": 1, "complete": 1}
    expected |= {"mode": options.mode, "range": options.range}
    if sweep.runs("ablate"):
        expected["ablate"] = options.ablate
    found = attributes(path)
    return [
        f"attribute {name} is {found.get(('/', name))!r}, expected {value!r}"
        for name, value in expected.items()
        if found.get(("/", name)) != value
    ]


def sweep_complaints(path: Path, sweep: Sweep, states: str = "float64") -> list[str]:
    """All that is wrong, missing or unknown in a file; `states`: the type of the streams."""
    expected, found = sweep.numbers, {name: one for name, one in datasets(path).items() if name not in MEASURED}
    wrong = attribute_complaints(path, sweep)
    kinds = [*(["pre_attention", "pre_mlp"] * sweep.model.layers), "final"]
    if texts(found.pop("points/kind", np.zeros(0))) != kinds:
        wrong.append(f"points/kind is not {kinds}")
    for name, one in expected.items():
        if not np.isfinite(np.nan_to_num(np.asarray(one.bound, np.float64), posinf=np.inf)).all():
            wrong.append(f"{name} has entries that hang on rounding: choose other options")
        if name not in found:
            wrong.append(f"{name} is missing")
        elif found[name].dtype != type_of(name, states):
            wrong.append(f"{name} has type {found[name].dtype}, expected {type_of(name, states)}")
        else:
            wrong.append(complaint(name, found[name], one))
    wrong += [f"{name} is not checked" for name in found if "/" in name and name not in expected]
    return [one for one in wrong + scale_complaints(found, sweep) if one]
