"""`orrery verify FILE FILE` names what differs between two files, and nothing else."""

from __future__ import annotations

import shutil
import unittest
from pathlib import Path

import h5py
import numpy as np
from made_up_trace import make
from orrery_program import Outcome, ProgramTest, run, shared_data

DIFFERENT, BAD_INPUT = 1, 65


class CompareTest(ProgramTest):
    def same(self, one: Path, other: Path, *words: str) -> Outcome:
        outcome = self.assert_done(run("verify", one, other, *words))
        self.assertEqual(outcome.output.count("\n"), 1, str(outcome))
        self.assertRegex(outcome.output, r"^the same.*: \d+ datasets of \d+ entries and \d+ attributes compared\n$")
        return outcome

    def different(self, one: Path, other: Path, *words: str) -> list[str]:
        """The lines of what differs."""
        outcome = run("verify", one, other, *words)
        self.assertEqual((outcome.code, outcome.messages), (DIFFERENT, []), str(outcome))
        *lines, last = outcome.output.splitlines()
        self.assertTrue(last.startswith(f"{len(lines)} differences: "), str(outcome))
        return lines


class MadeUp(CompareTest):
    """A file of all datasets, and a copy of it with changes."""

    def setUp(self) -> None:
        super().setUp()
        self.one = make(self.folder / "one.h5", "rows")
        self.other = self.folder / "other.h5"
        self.renew()

    def renew(self) -> None:
        shutil.copy(self.one, self.other)

    def change(self, name: str, place: object, value: object) -> None:
        with h5py.File(self.other, "r+") as file:
            values = file[name][()]
            values[place] = value
            file[name][...] = values

    def attribute(self, item: str, name: str, value: object) -> None:
        with h5py.File(self.other, "r+") as file:
            file[item].attrs[name] = value

    def number(self, name: str, place: object) -> float:
        with h5py.File(self.one) as file:
            return file[name][place]

    def test_a_copy(self) -> None:
        self.same(self.one, self.other)
        self.same(self.one, self.other, "--tolerance", "0")
        self.same(self.one, self.other, "--common")

    def test_entries(self) -> None:
        value = self.number("pca/eigenvalue", (2, 3))
        changed = float(np.nextafter(value, 0))
        self.change("pca/eigenvalue", (slice(2, 4), 3), changed)
        line = f"/pca/eigenvalue: 2 of 55 entries differ, first at (2, 3): {float(value)!r} and {changed!r}"
        self.assertEqual(self.different(self.one, self.other), [line])
        self.renew()
        self.change("samples/token", 5, 7)
        old = self.number("samples/token", 5)
        self.assertEqual(self.different(self.one, self.other),
                         [f"/samples/token: 1 of 50 entries differ, first at (5): {old} and 7"])  # fmt: skip
        self.renew()
        self.change("points/kind", 3, "final")
        self.assertEqual(self.different(self.one, self.other),
                         ["/points/kind: 1 of 11 entries differ, first at (3): 'pre_mlp' and 'final'"])  # fmt: skip
        self.renew()
        self.change("pooled/score", (-1, -1, -1), 0.5)
        (line,) = self.different(self.one, self.other)
        self.assertIn("/pooled/score: 1 of 198 entries differ, first at (5, 10, 2): ", line)

    def test_every_bit_counts(self) -> None:
        with h5py.File(self.one, "r+") as file:
            file["rotation/turns"][:2] = (0.0, np.nan)
        self.renew()
        self.change("rotation/turns", 0, -0.0)
        self.assertIn(": 0 and -0", self.different(self.one, self.other)[0])
        self.same(self.one, self.other, "--tolerance", "0")
        self.renew()
        odd = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
        self.change("rotation/turns", 1, odd)
        self.assertIn(": nan and nan, whose bits differ", self.different(self.one, self.other)[0])
        self.same(self.one, self.other, "--tolerance", "0")

    def test_every_dataset_is_compared(self) -> None:
        names: list[str] = []
        with h5py.File(self.other, "r+") as file:

            def change(name: str, item: h5py.HLObject) -> None:
                if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None and item.dtype != object:
                    names.append(name)
                    item[...] = item[()] + item.dtype.type(1)

            file.visititems(change)
        found = [line.split(":")[0] for line in self.different(self.one, self.other)]
        self.assertEqual(found, sorted(f"/{name}" for name in names if not name.startswith("timing/")))

    def test_shapes_and_types(self) -> None:
        with h5py.File(self.other, "r+") as file:
            values = file["pooled/mean"][()]
            del file["pooled/mean"], file["pooled/score"]
            file["pooled/mean"] = values.astype(np.float32)
        lines = self.different(self.one, self.other)
        self.assertIn("/pooled/mean: float64 (10) and float32 (10)", lines)
        self.assertIn("/pooled/score: in the first file only", lines)
        self.assertIn("/pooled/score: in the second file only", self.different(self.other, self.one))
        self.same(self.one, self.other, "--common", "--tolerance", "1e-6")
        (line,) = self.different(self.one, self.other, "--common", "--tolerance", "1e-9")
        self.assertRegex(line, r"^/pooled/mean: \d+ of 10 entries differ")
        with h5py.File(self.other, "r+") as file:
            del file["pooled/mean"]
            file["pooled/mean"] = values[:-1]
        self.assertIn("/pooled/mean: float64 (10) and float64 (9)",
                      self.different(self.one, self.other, "--common", "--tolerance", "1"))  # fmt: skip

    def test_attributes(self) -> None:
        for item, name, value, line in (
            ("/", "seed", np.int64(8), "attribute seed of /: 7 and 8"),
            ("headline", "turns", 10.75, "attribute turns of /headline: 10.7 and 10.75"),
            ("rotation/p_more", "ties", 1e-8, "attribute ties of /rotation/p_more: 1e-09 and 1e-08"),
            ("pca/rank", "units", "m", "attribute units of /pca/rank: '1' and 'm'"),
            ("sample", "units", "m", "attribute units of /sample: '1' and 'm'"),
            ("pca", "note", "new", "attribute note of /pca: in the second file only"),
        ):
            with self.subTest(line=line):
                self.renew()
                self.attribute(item, name, value)
                self.assertEqual(self.different(self.one, self.other), [line])

    def test_what_is_set_aside(self) -> None:
        for name in ("command", "created_utc", "devices", "git_commit", "hosts", "job_gpus", "job_id", "libraries",
                     "ranks", "threads", "model_name", "corpus_name", "prompts_name"):  # fmt: skip
            self.attribute("/", name, "another")
        self.attribute("timing", "total_seconds", 9.0)
        self.attribute("checksum", "pca.rank", "0")
        self.change("timing/peak_bytes", 0, 9)
        with h5py.File(self.other, "r+") as file:
            file["timing/more"] = [1.0]
        self.same(self.one, self.other)

    def test_options(self) -> None:
        config = "[trace]\nmodel = m\nsamples = 3\nseed = 1\nthreads = 2\norder = tiles\nout = o\n"
        with h5py.File(self.one, "r+") as file:
            file.attrs["config"] = config
        self.renew()
        self.attribute("/", "config", "[trace]\nmodel = n\ncorpus = c\nsamples = 3\nseed = 1\nthreads = 4\nresume = yes\n")
        self.same(self.one, self.other)
        self.attribute("/", "config", config.replace("samples = 3", "samples = 4").replace("seed = 1\n", "device = cpu\n"))
        self.assertEqual(self.different(self.one, self.other),
                         ["option [trace] samples: 3 and 4", "option [trace] seed: in the first file only",
                          "option [trace] device: in the second file only"])  # fmt: skip
        self.same(self.one, self.other, "--common")

    def test_tolerance(self) -> None:
        """Relative to the largest magnitude of the dataset; whole numbers and texts stay exact."""
        with h5py.File(self.one) as file:
            scale = np.abs(file["trajectory/mean"][()]).max()
        value = self.number("trajectory/mean", (1, 1))
        self.change("trajectory/mean", (1, 1), value + 0.9e-6 * scale)
        self.same(self.one, self.other, "--tolerance", "1e-6")
        self.change("trajectory/mean", (1, 1), value + 1.1e-6 * scale)
        (line,) = self.different(self.one, self.other, "--tolerance", "1e-6")
        self.assertRegex(line, r"^/trajectory/mean: 1 of 110 entries differ, first at \(1, 1\): .*"
                               r"; the worst by 1\.1e-06 of the largest magnitude$")  # fmt: skip
        self.same(self.one, self.other, "--tolerance=1.2e-6")
        for value in (np.nan, np.inf):
            self.change("trajectory/mean", (1, 1), value)
            self.assertEqual(len(self.different(self.one, self.other, "--tolerance", "1e6")), 1)
        self.renew()
        self.change("pca/rank", 2, 4)
        self.assertEqual(len(self.different(self.one, self.other, "--tolerance", "1")), 1)
        self.renew()
        self.attribute("headline", "turns", 10.7 * (1 + 1e-7))
        self.same(self.one, self.other, "--tolerance", "1e-6")
        self.assertEqual(len(self.different(self.one, self.other, "--tolerance", "1e-8")), 1)
        self.attribute("/", "seed", np.int64(8))
        self.assertEqual(self.different(self.one, self.other, "--tolerance", "1"), ["attribute seed of /: 7 and 8"])

    def test_kept_beside_streamed(self) -> None:
        """Datasets of one file are differences, unless only the common ones are asked for."""
        other = make(self.folder / "streamed.h5", "streaming")
        lines = self.different(self.one, other)
        self.assertIn("/continuity/mutual_information: in the first file only", lines)
        self.assertIn("attribute moments of /: 'rows' and 'streaming'", lines)
        lines = self.different(self.one, other, "--common")
        self.assertFalse([line for line in lines if "only" in line or "moments" in line], lines)

    def test_incomplete(self) -> None:
        self.attribute("/", "complete", np.int64(0))
        for pair in ((self.one, self.other), (self.other, self.one)):
            self.assert_fails(run("verify", *pair), BAD_INPUT, "other.h5", "not complete")


class Traces(CompareTest):
    """Files of a tiny Llama."""

    def setUp(self) -> None:
        super().setUp()
        self.model = shared_data("models/llama31")

    def file(self, out: str, *words: str, ranks: int = 0) -> Path:
        return self.trace(self.model, self.model / "corpus.txt", "--min-chars", "0", *words, out=out, ranks=ranks)

    def test_ranks_threads_and_order(self) -> None:
        one = self.file("one.h5", "--threads", "1")
        self.same(one, self.file("three.h5", "--threads", "2", "--order", "layers", ranks=3))

    def test_another_number_of_samples(self) -> None:
        lines = self.different(self.file("four.h5"), self.file("three.h5", "--samples", "3"))
        self.assertIn("/residual/last_token: float32 (4, 9, 64) and float32 (3, 9, 64)", lines)
        self.assertIn("option [trace] samples: 1000 and 3", lines)
        self.assertIn("/sample: int32 (4) and int32 (3)", lines)

    def test_rows_not_stored(self) -> None:
        one, other = self.file("rows.h5"), self.file("none.h5", "--store", "none")
        self.assertIn("/residual/last_token: in the first file only", self.different(one, other))
        self.same(one, other, "--common")

    def test_double(self) -> None:
        """Another precision gives numbers that are close, and no more."""
        one, other = self.file("single.h5"), self.file("double.h5", "--dtype", "float64", "--residual", "float64")
        self.assertGreater(len(self.different(one, other, "--common")), 10)
        self.same(one, other, "--common", "--tolerance", "1e-3")


if __name__ == "__main__":
    unittest.main()
