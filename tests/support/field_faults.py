"""The faults that users met: small inputs, one folder a fault, beside the shared test data. A test per fault bears its
folder's name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from orrery_program import shared_data

#: What most of their commands have in common.
PLAIN = ("--min-chars", "0")
IN_DOUBLE = (*PLAIN, "--dtype", "float64", "--residual", "float64")


def fault(name: str) -> Path:
    """The folder of a fault; where it is missing a test fails."""
    path = shared_data(".").resolve().parent / "faults" / name
    if not path.is_dir():
        raise AssertionError(f"test data is missing: {path} (it lies beside the folder that ORRERY_SHARED_DATA names)")
    return path


def copy_of(source: Path, target: Path) -> Path:
    """A copy of a file or folder that may be changed."""
    if source.is_file():
        shutil.copyfile(source, target)
        return target
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o755)
    return target
