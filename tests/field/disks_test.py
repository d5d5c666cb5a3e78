"""Disks without locks, files that another program writes, and files that another program stored anew."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
from field_faults import PLAIN, copy_of, fault
from orrery_program import ProgramTest, run
from tiny_models import tiny, write_corpus

BAD_INPUT, IO = 65, 74
#: What flock gives where a file system has no locks.
WITHOUT_LOCKS = ("ENOLCK", "EOPNOTSUPP", "ENOSYS")


class DisksTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.made = Path(scratch.name)
        cls.words = ("trace", "--model", tiny("llama-mha"), "--corpus", write_corpus(cls.made / "corpus.txt", 8),
                     "--permutations", "10", *PLAIN, "--out")  # fmt: skip
        cls.file = cls.made / "run.h5"
        outcome = run(*cls.words, cls.file)
        assert outcome.code == 0, str(outcome)

    def disk(self, error: str) -> dict[str, str]:
        """Variables by which flock fails so."""
        source = (fault("hdf5-no-locks") / "nolck.c").read_text()
        assert "ENOLCK" in source
        library = self.made / f"{error}.so"
        if not library.exists():
            (self.made / f"{error}.c").write_text(source.replace("ENOLCK", error))
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, self.made / f"{error}.c"], check=True)
        return {"LD_PRELOAD": str(library)}

    def test_hdf5_no_locks(self) -> None:
        for error in WITHOUT_LOCKS:
            with self.subTest(error=error):
                self.assert_done(run("verify", self.file, extra=self.disk(error)))
        self.assert_done(run("verify", self.file, self.file, extra=self.disk("ENOLCK")))
        self.assert_done(run("inspect", self.file, extra=self.disk("ENOLCK")))
        self.assert_done(run("figures", self.file, "--only", "correlation", "--format", "svg", "--out",
                             self.folder / "figures", extra=self.disk("ENOLCK")))  # fmt: skip

    def test_runs_where_there_are_no_locks(self) -> None:
        out, sweep = self.folder / "run.h5", self.folder / "sweep.h5"
        for error, ranks in (("ENOLCK", 0), ("EOPNOTSUPP", 2)):
            with self.subTest(error=error):
                disk = self.disk(error)
                self.assert_done(run(*self.words, out, "--overwrite", extra=disk, ranks=ranks))
                self.assert_done(run(*self.words, out, "--resume", extra=disk))
                self.assert_done(run("verify", out, self.file))
        few = ("--layers", "0", "--grid", "2")
        for more in (("--part", "0/2"), ("--part", "1/2"), ("--join",)):
            self.assert_done(run("perturb", "--trace", out, "--out", sweep, *few, *more, extra=disk))
        self.assert_done(run("verify", sweep))

    def test_what_the_user_says_of_locks(self) -> None:
        for value in ("FALSE", "BEST_EFFORT"):
            with self.subTest(value=value):
                extra = {"HDF5_USE_FILE_LOCKING": value}
                self.assert_done(run("verify", self.file, extra={**self.disk("ENOLCK"), **extra}))
        must = {**self.disk("ENOLCK"), "HDF5_USE_FILE_LOCKING": "TRUE"}
        self.assert_fails(run("verify", self.file, extra=must), IO, str(self.file), "HDF5_USE_FILE_LOCKING=FALSE")

    def test_locks_that_fail_otherwise(self) -> None:
        outcome = run("verify", self.file, extra=self.disk("EACCES"))
        self.assert_fails(outcome, IO, str(self.file), "Permission denied", "HDF5_USE_FILE_LOCKING=FALSE")
        self.assert_nothing_at(self.folder / "run.h5")
        outcome = run(*self.words, self.folder / "run.h5", extra=self.disk("EACCES"))
        self.assert_fails(outcome, IO, "HDF5_USE_FILE_LOCKING=FALSE")

    def test_a_file_that_is_written(self) -> None:
        """Never read on, and who writes is named; wherever a file is read."""
        out = self.folder / "sweep.h5"
        file = copy_of(self.file, self.folder / "run.h5")
        figures = self.folder / "figures"
        with h5py.File(file, "r+"):
            for words in (
                ("verify", file),
                ("verify", self.file, file),
                ("inspect", file),
                ("figures", file, "--out", figures),
                ("perturb", "--trace", file, "--out", out),
                (*self.words, file, "--resume"),
            ):
                with self.subTest(words=words[0]):
                    message = self.assert_fails(run(*words), IO, "another program is writing", str(file))
                    self.assertIn(f"pid {os.getpid()}", message)
                    self.assertNotIn("HDF5_USE_FILE_LOCKING", message)
        self.assert_nothing_at(out)
        self.assert_done(run("verify", file))
        # Who can't be named, since the kernel knows of no lock: a disk that other machines write to.
        message = self.assert_fails(run("verify", file, extra=self.disk("EWOULDBLOCK")), IO, "another program is writing")
        self.assertIn("another machine", message)

    def test_a_file_that_others_read(self) -> None:
        with h5py.File(self.file, "r"):
            self.assert_done(run("verify", self.file))
        with self.file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH)
            self.assert_done(run("inspect", self.file))


    def stored_anew(self, name: str, **how: object) -> Path:
        """A copy whose dataset /trajectory/mean is stored otherwise, as h5repack and its like do: its numbers are sound,
        so "damaged" would be wrong."""
        path = copy_of(self.file, self.folder / name)
        with h5py.File(path, "r+") as file:
            values = file["trajectory/mean"][...]
            attributes = {key: file["trajectory/mean"].attrs[key] for key in ("long_name", "units")}
            del file["trajectory/mean"]
            made = file.create_dataset("trajectory/mean", data=values, **how)
            made.attrs.update(attributes)
        return path

    def test_repacked(self) -> None:
        for how, named in (
            ({"chunks": True, "compression": "gzip"}, "in chunks that are compressed"),
            ({"chunks": True, "shuffle": True}, "in chunks that are compressed"),
            ({"chunks": True}, "in chunks"),
            ({"external": [(str(self.folder / "raw.bin"), 0, h5py.h5f.UNLIMITED)]}, "in another file"),
        ):
            with self.subTest(how=how):
                path = self.stored_anew("repacked.h5", **how)
                for command in (("verify", path), ("inspect", path), ("perturb", "--trace", path, "--out", "out.h5")):
                    message = self.assert_fails(run(*command, folder=self.folder), BAD_INPUT, str(path), named)
                    self.assertIn("/trajectory/mean", message)
                    self.assertIn("h5repack -f NONE -l CONTI", message)
                    self.assertNotIn("damaged", message)

    def test_other_files_by_their_first_bytes(self) -> None:
        path = self.folder / "run.h5"
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 9\n")
        self.assert_fails(run("verify", path), BAD_INPUT, str(path), "Git LFS pointer", "git lfs pull")


if __name__ == "__main__":
    unittest.main()
