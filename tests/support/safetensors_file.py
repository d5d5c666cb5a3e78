"""Reads and writes safetensors files by hand: eight bytes of length, a JSON header, the numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8"}


def read_header(path: Path) -> tuple[dict[str, dict], int]:
    """The tensors that the file names, and where its numbers begin."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a file."""
    header, begin = read_header(path)
    data = path.read_bytes()[begin:]
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }


def write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """A file of tensors in double precision."""
    header: dict[str, dict] = {}
    end = 0
    for name, values in tensors.items():
        begin, end = end, end + 8 * values.size
        header[name] = {"dtype": "F64", "shape": list(values.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    numbers = b"".join(values.astype("<f8").tobytes() for values in tensors.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
