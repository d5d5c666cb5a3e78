"""The checksums of a trace file, computed by hand: an independent XXH64, and what it is taken of."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np

BLOCK_BYTES = 16 * 2**20
MASK = 2**64 - 1
PRIMES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
#: The root's attributes that tell of the run.
OF_RUN = {"command", "complete", "config", "corpus_name", "created_utc", "devices", "git_commit", "hosts",
          "job_gpus", "job_id", "libraries", "model_name", "prompts_name", "ranks", "threads"}  # fmt: skip
#: HDF5's own, of dimension scales.
OF_LIBRARY = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"}


def rotl(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & MASK


def xxh64(data: bytes) -> int:
    """XXH64, seed 0, as its specification has it."""
    first, second, third, fourth, fifth = PRIMES

    def turn(lane: int, word: int) -> int:
        return rotl((lane + word * second) & MASK, 31) * first & MASK

    at, end = 0, len(data)
    hashed = fifth
    if end >= 32:
        lanes = [(first + second) & MASK, second, 0, -first & MASK]
        for words in struct.iter_unpack("<4Q", data[: end // 32 * 32]):
            lanes = [turn(lane, word) for lane, word in zip(lanes, words)]
        at = end // 32 * 32
        hashed = sum(rotl(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            hashed = ((hashed ^ turn(0, lane)) * first + fourth) & MASK
    hashed = (hashed + end) & MASK
    while end - at >= 8:
        hashed = (rotl(hashed ^ turn(0, int.from_bytes(data[at : at + 8], "little")), 27) * first + fourth) & MASK
        at += 8
    if end - at >= 4:
        word = int.from_bytes(data[at : at + 4], "little") * first & MASK
        hashed = (rotl(hashed ^ word, 23) * second + third) & MASK
        at += 4
    for byte in data[at:]:
        hashed = rotl(hashed ^ (byte * fifth & MASK), 11) * first & MASK
    hashed = (hashed ^ hashed >> 33) * second & MASK
    hashed = (hashed ^ hashed >> 29) * third & MASK
    return hashed ^ hashed >> 32


def checksum(data: bytes) -> str:
    return f"{xxh64(data):016x}"


def of_texts(texts: list[bytes]) -> str:
    return checksum(b"".join(text + b"\0" for text in texts))


def value_text(value: Any) -> bytes:
    if isinstance(value, str):
        return b"t" + value.encode()
    if isinstance(value, np.integer):
        return b"i%d" % value
    return b"r%016x" % struct.unpack("<Q", struct.pack("<d", value))


def of_attributes(file: h5py.File) -> str:
    """Of all attributes that do not tell of the run."""
    found = {"/": file}
    file.visititems(lambda name, item: found.update({f"/{name}": item}))
    texts = []
    for path in sorted(found):
        if path.split("/")[1] in ("timing", "checksum"):
            continue
        for name in sorted(set(found[path].attrs) - OF_LIBRARY):
            if path != "/" or name not in OF_RUN:
                texts += [path.encode(), name.encode(), value_text(found[path].attrs[name])]
    return of_texts(texts)


def checksums(file: h5py.File) -> dict[str, str]:
    """What the attributes of /checksum should be, but for what they say of themselves."""
    found = {"attributes": of_attributes(file)}

    def visit(name: str, item: h5py.HLObject) -> None:
        if not isinstance(item, h5py.Dataset) or name.startswith("timing/") or item.id.get_offset() is None:
            return
        values = item[()]
        if values.dtype == object:
            blocks = [of_texts(list(values.reshape(-1)))]
        else:
            data = values.tobytes()
            blocks = [checksum(data[first : first + BLOCK_BYTES]) for first in range(0, len(data), BLOCK_BYTES)]
        found[name.replace("/", ".")] = " ".join(blocks)

    file.visititems(visit)
    return found


def refresh(path: Path) -> None:
    """Writes the checksums of what the file holds now."""
    with h5py.File(path, "r+") as file:
        group = file["checksum"]
        for name in set(group.attrs) - {"algorithm", "block_bytes"}:
            del group.attrs[name]
        group.attrs.update(checksums(file))
