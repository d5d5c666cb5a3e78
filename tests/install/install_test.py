"""What `cmake --install` puts in its place works from there: the program, the jobs for Slurm, and the CMake package."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from orrery_program import ROOT, environment
from tiny_models import tiny

CMAKE, BUILD, TORCH = sys.argv[1:4]
BAD_USAGE, BAD_INPUT = 64, 65


def call(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, both of its streams in one; it hears nothing of the program under test."""
    known = {name: value for name, value in environment(variables).items() if name != "ORRERY_PROGRAM"}
    return subprocess.run(
        [*map(str, words)], env=known, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=200,
    )  # fmt: skip


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.prefix = cls.folder / "orrery"
        done = call(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        if done.returncode != 0:
            raise AssertionError(f"cmake --install failed: {done.stdout}")

    def assert_ends(self, done: subprocess.CompletedProcess[str], code: int, output: str) -> None:
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertIn(output, done.stdout)

    def test_program(self) -> None:
        self.assert_ends(call(self.prefix / "bin/orrery", "--version"), 0, (ROOT / "VERSION").read_text().strip())

    def test_jobs(self) -> None:
        """All of slurm/ is there, and finds the program by PATH and what it shares in its own folder."""
        jobs = self.prefix / "share/orrery/slurm"
        for script in (ROOT / "slurm").iterdir():
            with self.subTest(script=script.name):
                self.assertEqual((jobs / script.name).read_bytes(), script.read_bytes())
        path = f"{self.prefix}/bin:{os.environ['PATH']}"
        self.assert_ends(call("bash", jobs / "pipeline.sh", PATH=path), BAD_USAGE, "an option is missing (--model)")
        self.assert_ends(call("bash", jobs / "pipeline.sh", PATH="/usr/bin:/bin"), BAD_USAGE, "mend PATH")

    def test_manual_pages(self) -> None:
        """Those that the program itself makes."""
        pages = {path.relative_to(self.prefix / "share/man") for path in (self.prefix / "share/man").rglob("orrery*")}
        self.assertIn(Path("man1/orrery-trace.1"), pages)
        self.assertIn(Path("man7/orrery-files.7"), pages)
        self.assert_ends(call(self.prefix / "bin/orrery", "help", "--man", self.folder / "man"), 0, "")
        self.assertEqual({path.name for path in pages}, {path.name for path in (self.folder / "man").iterdir()})
        for page in pages:
            made = (self.folder / "man" / page.name).read_bytes()
            self.assertEqual((self.prefix / "share/man" / page).read_bytes(), made)

    def test_package(self) -> None:
        """A program is built upon it, and reads a model."""
        source, build = Path(__file__).parent / "package", self.folder / "package"
        found = (f"-Dorrery_ROOT={self.prefix}", f"-DTorch_DIR={TORCH}")
        self.assert_ends(call(CMAKE, "-G", "Ninja", "-S", source, "-B", build, *found), 0, "")
        self.assert_ends(call(CMAKE, "--build", build), 0, "")
        self.assert_ends(call(build / "points", tiny("llama31")), 0, "9\n")
        self.assert_ends(call(build / "points", self.folder), BAD_INPUT, "config.json")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
