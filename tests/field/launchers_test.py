"""A lone process where Open MPI has nothing to start others by: containers, bare folders."""

from __future__ import annotations

import shutil
import unittest
from concurrent.futures import ThreadPoolExecutor

from field_faults import PLAIN, fault
from orrery_program import ProgramTest, run
from tiny_models import tiny, write_corpus


class LaunchersTest(ProgramTest):
    def assert_starts(self, extra: dict[str, str]) -> None:
        """doctor runs, and says nothing but its own."""
        outcome = self.assert_done(run("doctor", "--out", self.folder, extra=extra))
        self.assertEqual(outcome.errors, "", str(outcome))
        self.assertIn("1 rank", outcome.output)

    def test_mpi_without_ssh(self) -> None:
        self.assertIn("orted", (fault("mpi-without-ssh") / "PATH.txt").read_text())
        folder = self.folder / "bin"
        folder.mkdir()
        (folder / "orted").symlink_to(shutil.which("orted") or "/usr/bin/orted")
        self.assert_starts({"PATH": str(folder)})

    def test_without_anything_to_start(self) -> None:
        self.assert_starts({"PATH": "/nonexistent"})
        self.assert_starts({"PATH": ""})

    def test_without_folders_of_its_own(self) -> None:
        for extra in ({"HOME": "/nonexistent"}, {"TMPDIR": "/nonexistent"}, {"TMPDIR": "/proc"}, {"TMPDIR": "/" + "x" * 300}):
            with self.subTest(extra=extra):
                self.assert_starts(extra)

    def test_what_the_user_sets_stays(self) -> None:
        self.assert_starts({"OMPI_MCA_ess_singleton_isolated": "0", "OMPI_MCA_orte_create_session_dirs": "1"})

    def test_several_at_once(self) -> None:
        """They share neither folders nor names."""
        corpus = write_corpus(self.folder / "corpus.txt", 6)
        words = ("trace", "--model", tiny("llama-mha"), "--corpus", corpus, "--permutations", "10", *PLAIN, "--out")
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda n: run(*words, self.folder / f"{n}.h5"), range(4)))
        for number, outcome in enumerate(outcomes):
            self.assert_done(outcome)
            self.assert_done(run("verify", self.folder / f"{number}.h5", self.folder / "0.h5"))

    def test_ranks_are_started_as_ever(self) -> None:
        outcome = self.assert_done(run("doctor", "--out", self.folder, ranks=2))
        self.assertIn("2 ranks", outcome.output)


if __name__ == "__main__":
    unittest.main()
