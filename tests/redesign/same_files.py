"""Where two of orrery's files differ, as h5py and numpy see it: nothing of the program decides what is the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np


@dataclass(frozen=True)
class Difference:
    """`place` names what differs ("values of /pca/rank", "attribute units of /step"), `seen` how it does."""

    place: str
    seen: str

    def __str__(self) -> str:
        return f"{self.place}: {self.seen}"


@dataclass(frozen=True)
class Allowed:
    """Differences that a redesign may make: those whose whole place the pattern matches, and why they may be there."""

    places: str
    why: str


#: All that may differ between a file of the program before and one of the program after. Nothing else may.
ALLOWED = (
    Allowed(r"attribute (command|created_utc) of /", "the programs lie at two paths, and run one after the other"),
    Allowed(r"attribute (git_commit|program_version) of /", "they are different programs"),
    Allowed(r"attribute libraries of /", "a library may take the place of code of our own"),
    Allowed(r"option \[\w+\] out of /", "each program writes into a folder of its own"),
    Allowed(r"(values|attribute \w+) of /timing(/\w+)?", "measured in time or memory; what is measured stays"),
    Allowed(r"(type|values|storage|(type of )?attribute \w+) of /(point|step)", "points and steps get coordinates"),
    Allowed(r"(presence of )?attribute (point|step) of /checksum", "coordinates have a checksum, as all values have"),
    Allowed(r"attribute long_name of /.+", "its wording may improve; that there is one may not change"),
    Allowed(r"attribute attributes of /checksum", "the checksum of all attributes, with those above among them"),
)  # fmt: skip

#: The library's own, for dimension scales: references, which are followed instead.
REFERENCES = {"DIMENSION_LIST", "REFERENCE_LIST"}


def unexpected(differences: Iterable[Difference], allowed: Iterable[Allowed] = ALLOWED) -> list[Difference]:
    """Those that are not on the list."""
    patterns = [re.compile(one.places) for one in allowed]
    return [one for one in differences if not any(pattern.fullmatch(one.place) for pattern in patterns)]


def differences(one: Path, other: Path) -> list[Difference]:
    """All of them, whether or not they are allowed."""
    with h5py.File(one) as left, h5py.File(other) as right:
        return list(_of_objects(_objects(left), _objects(right)))


def _objects(file: h5py.File) -> dict[str, h5py.HLObject]:
    """All groups and datasets by path, the root included."""
    found: dict[str, h5py.HLObject] = {"/": file}
    file.visititems(lambda name, item: found.update({f"/{name}": item}))
    return found


def _presence(what: Callable[[str], str], left: Iterable[str], right: Iterable[str]) -> Iterator[Difference]:
    """Names that one of the two lacks."""
    for name in sorted(set(left) ^ set(right)):
        yield Difference(f"presence of {what(name)}", f"in the {'first' if name in left else 'second'} file only")


def _unlike(place: str, left: Any, right: Any) -> Iterator[Difference]:
    if left != right:
        yield Difference(place, f"{left!r} and {right!r}")


def _of_objects(left: dict[str, h5py.HLObject], right: dict[str, h5py.HLObject]) -> Iterator[Difference]:
    yield from _presence(str, left, right)
    for path in sorted(left.keys() & right.keys()):
        one, other = left[path], right[path]
        yield from _unlike(f"kind of {path}", isinstance(one, h5py.Group), isinstance(other, h5py.Group))
        yield from _of_attributes(path, one, other)
        if isinstance(one, h5py.Dataset) and isinstance(other, h5py.Dataset):
            yield from _of_dataset(path, one, other)


def _of_attributes(path: str, one: h5py.HLObject, other: h5py.HLObject) -> Iterator[Difference]:
    left, right = set(one.attrs) - REFERENCES, set(other.attrs) - REFERENCES
    yield from _presence(lambda name: f"attribute {name} of {path}", left, right)
    for name in sorted(left & right):
        if (path, name) == ("/", "config"):
            yield from _of_options(path, one.attrs[name], other.attrs[name])
            continue
        place = f"attribute {name} of {path}"
        first, second = one.attrs.get_id(name), other.attrs.get_id(name)
        if not first.get_type().equal(second.get_type()) or first.shape != second.shape:
            yield Difference(f"type of {place}", f"{first.dtype} {first.shape} and {second.dtype} {second.shape}")
        else:
            yield from _of_values(place, np.asarray(one.attrs[name]), np.asarray(other.attrs[name]))


def _options(ini: str) -> dict[str, str]:
    """The lines of an INI text by "[section] name"."""
    section, found = "", {}
    for line in ini.splitlines():
        if line.startswith("["):
            section = line
        elif line:
            name, _, value = line.partition(" = ")
            found[f"{section} {name}"] = value
    return found


def _of_options(path: str, one: str, other: str) -> Iterator[Difference]:
    left, right = _options(one), _options(other)
    yield from _presence(lambda name: f"option {name} of {path}", left, right)
    for name in sorted(left.keys() & right.keys()):
        yield from _unlike(f"option {name} of {path}", left[name], right[name])


def _axes(dataset: h5py.Dataset) -> list[tuple[str, list[str]]]:
    """The label of each axis, and the scales that are attached to it."""
    return [(axis.label, [scale.name for scale in axis.values()]) for axis in dataset.dims]


def _storage(dataset: h5py.Dataset) -> dict[str, Any]:
    """How it lies in the file."""
    made = dataset.id.get_create_plist()
    return {
        "layout": made.get_layout(),
        "filters": made.get_nfilters(),
        "allocated": made.get_alloc_time(),
        "filled": made.get_fill_time(),
        "bytes": dataset.id.get_storage_size(),
        "longest": dataset.maxshape,
    }


def _of_dataset(path: str, one: h5py.Dataset, other: h5py.Dataset) -> Iterator[Difference]:
    yield from _unlike(f"shape of {path}", one.shape, other.shape)
    yield from _unlike(f"scale {path}", one.is_scale, other.is_scale)
    yield from _unlike(f"axes of {path}", _axes(one), _axes(other))
    yield from _unlike(f"storage of {path}", _storage(one), _storage(other))
    if not one.id.get_type().equal(other.id.get_type()):
        yield Difference(f"type of {path}", f"{one.dtype} and {other.dtype}")
    elif one.shape == other.shape:
        yield from _of_values(f"values of {path}", np.asarray(one[()]), np.asarray(other[()]))


def _of_values(place: str, one: np.ndarray, other: np.ndarray) -> Iterator[Difference]:
    """Of arrays of one shape and type, bit by bit: NaN is itself, and -0 is not 0."""
    if one.dtype.kind in "OSU":
        unlike = np.asarray(one != other)
    else:
        bits = [np.ascontiguousarray(values).reshape(-1).view(np.uint8) for values in (one, other)]
        unlike = (bits[0] != bits[1]).reshape(*one.shape, -1).any(axis=-1)
    count = int(unlike.sum())
    if count:
        first = tuple(map(int, np.argwhere(unlike)[0])) if one.shape else ()
        seen = [value.item() if isinstance(value, np.generic) else value for value in (one[first], other[first])]
        yield Difference(place, f"{count} of {one.size} differ, first at {first}: {seen[0]!r} and {seen[1]!r}")
