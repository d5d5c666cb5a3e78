"""Runs the orrery program for tests, alone and under mpirun, and finds the shared test data."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build" / "venv" / "bin" / "python"

# Of a launcher around the tests: what they start is no part of its job.
FOREIGN = ("SLURM_", "PMIX_", "PMI_", "OMPI_", "PRTE_")


#: Limits of time are for a program on cores of its own; a slower build, or ranks by the dozen, get so many times as much.
PATIENCE = float(os.environ.get("ORRERY_TEST_PATIENCE", "1"))

#: Whether the program is built with sanitizers: it then takes more memory, and what it says of a finding begins so.
SANITIZED = "ORRERY_SANITIZE" in os.environ
FINDING = re.compile(r"==\d+== ?(ERROR: )?\w+Sanitizer|: runtime error: ")


@dataclass(frozen=True)
class Outcome:
    """What a run of the program left behind."""

    command: str
    code: int
    output: str
    errors: str
    seconds: float
    peak_bytes: int  #: of the greatest process, launcher included

    @property
    def messages(self) -> list[str]:
        """The lines on stderr in which the program says why it ends."""
        return [line for line in self.errors.splitlines() if line.startswith("orrery:")]

    def __str__(self) -> str:
        return f"{self.command}\nexit code {self.code}\n{self.output}{self.errors}"


def shared_data(name: str) -> Path:
    """A file or folder of the shared test data; where it is missing a test fails."""
    folder = os.environ.get("ORRERY_SHARED_DATA", "")
    path = Path(folder) / name
    if not folder or not path.exists():
        raise AssertionError(f"test data is missing: set ORRERY_SHARED_DATA to its folder (looked for {path})")
    return path


def program() -> Path:
    """The binary under test."""
    path = Path(os.environ.get("ORRERY_PROGRAM", ""))
    if not path.is_file():
        raise AssertionError(f"set ORRERY_PROGRAM to the orrery binary (it is '{path}')")
    return path


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what a launcher put there, and with what mpirun needs as root."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **kept,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": "1",
        **(extra or {}),
    }


def ranks_for(ranks: int) -> int:
    """How many ranks a run gets that asks for so many: where several are asked for, at least ORRERY_TEST_RANKS, if that
    is set."""
    return max(ranks, int(os.environ.get("ORRERY_TEST_RANKS") or ranks)) if ranks > 1 else ranks


def slow_tiles(milliseconds: int) -> dict[str, str]:
    """Variables of orrery_faulty, by which a tile, or block, takes so much longer on two ranks, and on more of them in
    proportion: a test that does something meanwhile has as long."""
    return {"ORRERY_FAULT": f"a tile@*=delay:{milliseconds * ranks_for(2) // 2}"}


def memory_limit(size: int) -> int:
    """What a process may take of which `size` bytes are expected: more where it is sanitized."""
    return 3 * size if SANITIZED else size


def assert_no_finding(errors: str) -> None:
    """A sanitizer found nothing; whatever exit code was expected, and whichever rank speaks."""
    if FINDING.search(errors):
        raise AssertionError(f"a sanitizer found something: {errors}")


def launcher(ranks: int) -> list[str]:
    """The words before a command that start it on ranks_for(ranks) ranks."""
    found = os.environ.get("ORRERY_MPIRUN") or shutil.which("mpirun")
    if not found:
        raise AssertionError("mpirun is missing: install Open MPI")
    return [found, "--oversubscribe", "--bind-to", "none", "-n", str(ranks_for(ranks))]


def run(
    *words: str | Path,
    ranks: int = 0,
    extra: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float = 60,
) -> Outcome:
    """Runs `orrery words…`: alone, or under mpirun where `ranks` is not 0.

    A run that is not over after `timeout` seconds is killed with all its ranks, and fails the test.
    """
    timeout *= PATIENCE
    command = [*(launcher(ranks) if ranks else []), str(program()), *map(str, words)]
    start = time.monotonic()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment(extra),
            cwd=folder,
            start_new_session=True,
        )
        # wait4 alone tells the memory of this very child.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        while pid == 0 and time.monotonic() - start < timeout:
            time.sleep(0.01)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        late = pid == 0
        if late:
            os.killpg(process.pid, signal.SIGKILL)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", errors="replace"))
    outcome = Outcome(
        " ".join(command), process.returncode, *texts, time.monotonic() - start, usage.ru_maxrss * 1024
    )
    if late:
        raise AssertionError(f"not over after {timeout} s: {outcome}")
    assert_no_finding(outcome.errors)
    return outcome


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own and with what the program's outcomes have in common."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def assert_done(self, outcome: Outcome) -> Outcome:
        """Exit code 0, and nothing said of an error."""
        self.assertEqual(outcome.code, 0, str(outcome))
        self.assertEqual(outcome.messages, [], str(outcome))
        return outcome

    def assert_fails(self, outcome: Outcome, code: int, *named: str) -> str:
        """That exit code and one message, of the form "problem (seen): what to do", which names all of `named`."""
        self.assertEqual(outcome.code, code, str(outcome))
        self.assertEqual(len(outcome.messages), 1, str(outcome))
        message = outcome.messages[0]
        self.assertRegex(message, r"^orrery: .+ \(.+\): .+", str(outcome))
        for word in named:
            self.assertIn(word, message)
        return message

    def assert_nothing_at(self, out: Path) -> None:
        """Neither the output nor the folder of work in progress is there."""
        self.assertFalse(os.path.lexists(out), f"{out} is there")
        self.assertFalse(os.path.lexists(f"{out}.part"), f"{out}.part is there")

    def trace(
        self,
        model: Path,
        corpus: Path,
        *words: str | Path,
        out: str = "run.h5",
        ranks: int = 0,
        timeout: float = 60,
    ) -> Path:
        """The file of a trace that must succeed; `words` are more options."""
        path = self.folder / out
        self.assert_done(
            run("trace", "--model", model, "--corpus", corpus, "--out", path, *words, ranks=ranks, timeout=timeout)
        )
        self.assertTrue(path.is_file())
        self.assertFalse(os.path.lexists(f"{path}.part"), "work in progress was left behind")
        return path
