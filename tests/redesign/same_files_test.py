"""The comparison of two files finds whatever is changed in one of them, and lets pass what is on its list alone."""

from __future__ import annotations

import re
import shutil
import sys
import unittest
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from orrery_program import ProgramTest
from same_files import differences, unexpected

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from made_up_trace import make  # noqa: E402


class SameFiles(ProgramTest):
    """A file of all datasets, and a copy of it in which one thing is changed."""

    def setUp(self) -> None:
        super().setUp()
        self.one = make(self.folder / "one.h5", "rows")
        self.other = self.folder / "other.h5"
        with h5py.File(self.one, "r+") as file:
            for name in ("command", "created_utc", "git_commit", "libraries", "program_version"):
                file.attrs[name] = "as it was"

    def places(self, change: Callable[[h5py.File], object], *, all_of_them: bool = False) -> list[str]:
        """What differs after the change, allowed or not, or only what isn't allowed."""
        shutil.copy(self.one, self.other)
        with h5py.File(self.other, "r+") as file:
            change(file)
        found = differences(self.one, self.other)
        return [one.place for one in (found if all_of_them else unexpected(found))]

    def test_a_copy(self) -> None:
        self.assertEqual(self.places(lambda file: None, all_of_them=True), [])

    def test_one_bit_of_every_dataset(self) -> None:
        places: list[tuple[str, int]] = []  # of each dataset's last byte in the file
        texts: list[str] = []  # they lie elsewhere

        def change_texts(file: h5py.File) -> None:
            def visit(path: str, item: h5py.HLObject) -> None:
                if not isinstance(item, h5py.Dataset) or item.id.get_offset() is None:
                    return
                if item.dtype == object:
                    texts.append(path)
                    item[-1] = "another"
                else:
                    places.append((path, item.id.get_offset() + item.id.get_storage_size() - 1))

            file.visititems(visit)

        self.assertEqual(self.places(change_texts), [f"values of /{path}" for path in sorted(texts)])
        self.assertGreater(len(places), 60)
        shutil.copy(self.one, self.other)
        data = bytearray(self.one.read_bytes())
        for _, at in places:
            data[at] ^= 1
        self.other.write_bytes(data)
        found = differences(self.one, self.other)
        self.assertEqual([one.place for one in found], [f"values of /{path}" for path, _ in sorted(places)])
        self.assertTrue(all(one.seen.startswith("1 of ") for one in found))
        strict = [one.place for one in unexpected(found)]
        allowed = re.compile(r"timing/|(point|step)$")
        self.assertEqual(strict, [f"values of /{path}" for path, _ in sorted(places) if not allowed.match(path)])

    def test_every_attribute(self) -> None:
        def for_attributes(file: h5py.File, work: Callable[[h5py.AttributeManager, str], None]) -> set[str]:
            """The places of all but the library's own, and of the options, which are compared one by one."""
            found: set[str] = set()

            def visit(path: str, item: h5py.HLObject) -> None:
                for name in sorted(set(item.attrs) - {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "config"}):
                    found.add(f"attribute {name} of {path}")
                    work(item.attrs, name)

            visit("/", file)
            file.visititems(lambda path, item: visit(f"/{path}", item))
            return found

        def change(attributes: h5py.AttributeManager, name: str) -> None:
            old = attributes[name]
            attributes.modify(name, f"{old} and more" if isinstance(old, str) else old + 1)

        expected: set[str] = set()
        changed = self.places(lambda file: expected.update(for_attributes(file, change)), all_of_them=True)
        self.assertGreater(len(expected), 200)
        self.assertEqual(set(changed), expected)
        gone = self.places(lambda file: for_attributes(file, lambda all_of, name: all_of.pop(name)), all_of_them=True)
        self.assertEqual(set(gone), {f"presence of {place}" for place in expected})

    def test_what_is_not_allowed(self) -> None:
        def other_type(file: h5py.File) -> None:
            values = file["pooled/mean"][()]
            attributes = dict(file["pooled/mean"].attrs)
            del file["pooled/mean"]
            file["pooled/mean"] = values.astype(np.float32)
            file["pooled/mean"].attrs.update({k: v for k, v in attributes.items() if k != "DIMENSION_LIST"})

        def other_option(file: h5py.File) -> None:
            file.attrs["config"] += "seed = 8\n"

        for change, places in (
            (lambda file: file.pop("pca/rank"), ["presence of /pca/rank"]),
            (lambda file: file.create_group("more"), ["presence of /more"]),
            (lambda file: file.pop("timing/peak_bytes"), ["presence of /timing/peak_bytes"]),
            (other_type, ["axes of /pooled/mean", "storage of /pooled/mean", "type of /pooled/mean"]),
            (lambda file: file["pca/rank"].dims[0].detach_scale(file["point"]), ["axes of /pca/rank"]),
            (lambda file: file["unit"].attrs.modify("NAME", b"another"), ["attribute NAME of /unit"]),
            (lambda file: file["trajectory"].move("mean", "means"),
             ["presence of /trajectory/mean", "presence of /trajectory/means"]),
            (lambda file: file["pca/rank"].attrs.pop("units"), ["presence of attribute units of /pca/rank"]),
            (lambda file: file["pca/rank"].attrs.pop("long_name"), ["presence of attribute long_name of /pca/rank"]),
            (lambda file: file["pca/rank"].attrs.update(long_name=1.0), ["type of attribute long_name of /pca/rank"]),
            (lambda file: file["pca/rank"].attrs.update(units="m"), ["attribute units of /pca/rank"]),
            (lambda file: file.attrs.update(format_version=np.int64(2)), ["attribute format_version of /"]),
            (lambda file: file["checksum"].attrs.update({"pca.rank": "0"}), ["attribute pca.rank of /checksum"]),
            (other_option, ["presence of option [trace] seed of /"]),
        ):
            with self.subTest(places=places):
                self.assertEqual(self.places(change), places)

    def test_what_is_allowed(self) -> None:
        def coordinates(file: h5py.File) -> None:
            file["point"][...] = np.arange(len(file["point"]))
            file["point"].attrs["long_name"] = "capture point"
            file["step"].attrs["units"] = "2"
            file["checksum"].attrs["point"] = "0123456789abcdef"

        self.assertEqual(self.places(coordinates), [])
        for item, name in (("/", "command"), ("/", "created_utc"), ("/", "git_commit"), ("/", "libraries"),
                           ("/", "program_version"), ("timing", "total_seconds"), ("pca/rank", "long_name"),
                           ("checksum", "attributes")):  # fmt: skip
            with self.subTest(name=name):
                def change(file: h5py.File) -> None:
                    old = file[item].attrs[name]
                    file[item].attrs.modify(name, "another" if isinstance(old, str) else old + 1)

                self.assertEqual(len(self.places(change, all_of_them=True)), 1)
                self.assertEqual(self.places(change), [])


if __name__ == "__main__":
    unittest.main()
