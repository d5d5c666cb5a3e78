"""What is done to sound files, and how `orrery verify` is asked about them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
from orrery_program import Outcome, ProgramTest, run

DAMAGED = 1

Damage = Callable[[h5py.File], object]


def add(name: str, place: object, amount: float) -> Damage:
    def damage(file: h5py.File) -> None:
        values = file[name][()]
        values[place] += amount
        file[name][...] = values

    return damage


def times(name: str, place: object, factor: float) -> Damage:
    def damage(file: h5py.File) -> None:
        values = file[name][()]
        values[place] *= factor
        file[name][...] = values

    return damage


def put(name: str, place: object, value: float) -> Damage:
    def damage(file: h5py.File) -> None:
        file[name][place] = value

    return damage


def both(*damages: Damage) -> Damage:
    return lambda file: [damage(file) for damage in damages]


def reverse(name: str) -> Damage:
    """The first line of a dataset backwards, or the dataset where it is a line."""
    def damage(file: h5py.File) -> None:
        values = file[name][()]
        line = values if values.ndim == 1 else values[0]
        line[:] = line[::-1].copy()
        file[name][...] = values

    return damage


def reshape(name: str) -> Damage:
    def damage(file: h5py.File) -> None:
        values = file[name][()]
        del file[name]
        made = file.create_dataset(name, data=values[:-1])
        made.attrs.update({"long_name": "shorter", "units": "1"})

    return damage


def describe(name: str, attribute: str) -> Damage:
    def damage(file: h5py.File) -> None:
        file[name].attrs[attribute] = ""

    return damage


def root(name: str, value: object) -> Damage:
    return lambda file: file.attrs.modify(name, value)


def subjects(outcome: Outcome, mark: str) -> set[str]:
    """What the lines with that mark are about."""
    return set(re.findall(rf"(?m)^{mark} *  (.+?): ", outcome.output))


class VerifyTest(ProgramTest):
    def assert_sound(self, path: Path) -> Outcome:
        outcome = self.assert_done(run("verify", path))
        self.assertEqual(subjects(outcome, "FAILED"), set(), str(outcome))
        self.assertTrue(outcome.output.endswith(f"{path}: sound\n"))
        return outcome

    def assert_damaged(self, path: Path) -> set[str]:
        """What fails in the file."""
        outcome = run("verify", path)
        self.assertEqual((outcome.code, outcome.messages), (DAMAGED, []), str(outcome))
        self.assertTrue(outcome.output.endswith(f"{path}: damaged\n"))
        return subjects(outcome, "FAILED")

    def damaged(self, path: Path, damage: Damage) -> Path:
        other = Path(shutil.copy(path, self.folder / "damaged.h5"))
        with h5py.File(other, "r+") as file:
            damage(file)
        return other
