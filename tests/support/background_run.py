"""Runs the orrery program beside a test, which looks at it and kills one of its ranks."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from orrery_program import PATIENCE, assert_no_finding, environment, launcher, program, ranks_for

#: After so many seconds a test that waits has failed.
LONGEST = 60.0 * PATIENCE


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LONGEST
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"waited {LONGEST} s for {what}")
        time.sleep(0.003)


def is_alive(pid: int) -> bool:
    """Neither gone nor dead and only not yet waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class BackgroundRun:
    """`orrery words…`, alone (0 ranks) or under mpirun. Use it in a `with`: nothing of it outlives that."""

    def __init__(self, *words: str | Path, ranks: int = 0, shared_memory: Path | None = None,
                 extra: Mapping[str, str] | None = None) -> None:  # fmt: skip
        """`shared_memory`: where ranks put the memory that they share; killed ones leave it, else in /dev/shm. `extra`:
        variables of its environment."""
        self.command = [*(launcher(ranks) if ranks else []), str(program()), *map(str, words)]
        self.ranks = ranks_for(ranks)
        self._output, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        memory = {"OMPI_MCA_btl_vader_backing_directory": str(shared_memory)} if shared_memory else {}
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            env=environment({**memory, **(extra or {})}),
            start_new_session=True,
        )

    def __enter__(self) -> BackgroundRun:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._output.close()
        self._errors.close()

    def __str__(self) -> str:
        return f"{' '.join(self.command)}\nexit code {self.process.returncode}\n{self.errors}"

    @property
    def errors(self) -> str:
        """What stands on stderr by now."""
        # Not by seek and read: the place in the file is the run's own, too.
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode("utf-8", errors="replace")

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None

    def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        """Until that, or until the run is over."""
        wait_until(lambda: is_so() or self.is_over, f"{what}: {self}")

    def pids(self) -> dict[int, int]:
        """The processes of the ranks that live, by rank."""
        if not self.ranks:
            return {} if self.is_over else {0: self.process.pid}
        found: dict[int, int] = {}
        for folder in Path("/proc").iterdir():
            try:
                if not folder.name.isdigit() or folder.joinpath("exe").readlink() != program().resolve():
                    continue
                parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
                variables = folder.joinpath("environ").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended meanwhile, or is not ours to look at
            for variable in variables:
                name, _, value = variable.partition(b"=")
                if name == b"OMPI_COMM_WORLD_RANK" and parent == self.process.pid:
                    found[int(value)] = int(folder.name)
        return found

    def send(self, sign: signal.Signals) -> None:
        """To all ranks, not to the launcher."""
        for pid in self.pids().values():
            os.kill(pid, sign)

    def kill(self, rank: int, when: Callable[[], bool] = lambda: True) -> bool:
        """Kills a rank, -9, as soon as that is so, and waits until the launcher has ended by itself and no rank is
        left; false where the run came to its end before."""
        pids = self.pids()
        self.wait_for(when, "the moment to kill it")
        if rank in pids and is_alive(pids[rank]):
            os.kill(pids[rank], signal.SIGKILL)
        code = self.wait()
        wait_until(lambda: not any(map(is_alive, pids.values())), f"the ranks' end: {self}")
        return code != 0

    def wait(self) -> int:
        """The exit code."""
        wait_until(lambda: self.is_over, f"the end of {self}")
        assert_no_finding(self.errors)
        return self.process.returncode
