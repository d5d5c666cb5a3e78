"""Reads trace files for tests, and compares two of them bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

#: Root attributes that may differ between two runs with the same numbers (docs: the trace file).
SET_ASIDE = {
    "command",
    "created_utc",
    "devices",
    "git_commit",
    "hosts",
    "job_gpus",
    "job_id",
    "libraries",
    "ranks",
    "threads",
}
#: Options in the recorded INI text that cannot change a number.
FREE_OPTIONS = {"checkpoint-every", "corpus", "model", "order", "out", "threads", "trace"}
#: What is measured in time, or by rank.
TIMING = "timing"


def datasets(path: Path) -> dict[str, np.ndarray]:
    """All datasets of a file by path, "/" in front left out; dimension scales without values included."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def attributes(path: Path) -> dict[tuple[str, str], Any]:
    """All attributes of a file, by object and name; the library's own for dimension scales left out."""
    own = {"DIMENSION_LIST", "REFERENCE_LIST"}
    found: dict[tuple[str, str], Any] = {}

    def visit(name: str, item: Any) -> None:
        found.update({(name, key): value for key, value in item.attrs.items() if key not in own})

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return found


def config_of(path: Path) -> dict[str, str]:
    """The options that a file records."""
    with h5py.File(path) as file:
        lines = file.attrs["config"].splitlines()
    return dict(line.split(" = ", 1) for line in lines if " = " in line)


def same_bits(one: Any, other: Any) -> bool:
    """Equal in type, shape and every bit: NaN equals itself, and -0 is not 0."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind in "OUS":
        return one.tolist() == other.tolist()
    return one.tobytes() == other.tobytes()


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two runs that ought to have given the same numbers; empty where nothing does."""
    found: list[str] = []

    def compare(what: str, left: dict[Any, Any], right: dict[Any, Any]) -> None:
        for key in sorted(left.keys() | right.keys(), key=str):
            if key not in left or key not in right:
                found.append(f"{what} {key} is in one file only")
            elif not same_bits(left[key], right[key]):
                found.append(f"{what} {key} differs")

    def numbers(path: Path) -> dict[str, np.ndarray]:
        return {name: value for name, value in datasets(path).items() if name.split("/")[0] != TIMING}

    def facts(path: Path) -> dict[tuple[str, str], Any]:
        return {
            (item, name): value
            for (item, name), value in attributes(path).items()
            if item.split("/")[0] != TIMING and not (item == "/" and name in SET_ASIDE | {"config"})
        }

    def options(path: Path) -> dict[str, str]:
        return {name: value for name, value in config_of(path).items() if name not in FREE_OPTIONS}

    compare("dataset", numbers(one), numbers(other))
    compare("attribute", facts(one), facts(other))
    compare("option", options(one), options(other))
    return found
