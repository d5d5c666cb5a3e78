"""A disk of a few megabytes: what does not fit is said before anything is computed, and what is lost later, when others
fill the disk, is no more than was not committed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import unittest

from faulty_runs import (
    IO,
    ROWS,
    STREAMING,
    WHOLE_SWEEP,
    Fault,
    FaultTest,
    Made,
    Work,
    part_of,
    set_up,
    tear_down,
)
from orrery_program import PATIENCE, ranks_for, run, slow_tiles

SIZE = ranks_for(2) << 21
#: Each tile or block takes so long that the disk can be filled in between.
SLOW = Fault(slow_tiles(500)["ORRERY_FAULT"])
INSIDE = "ORRERY_TEST_OWN_MOUNTS"


def mount(folder: str) -> str:
    """Mounts a small file system there; why not, where that fails."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "orrery-test", folder]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


def setUpModule() -> None:
    set_up()


def tearDownModule() -> None:
    tear_down()


class FullDisk(FaultTest):
    def setUp(self) -> None:
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        problem = mount(str(self.disk))
        if problem and INSIDE not in os.environ:
            # Whoever is not root, or is in a container, may mount in a namespace of its own.
            os.environ[INSIDE] = "1"
            self.doCleanups()
            tear_down()
            os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--mount", sys.executable, *sys.argv])
        self.assertEqual(problem, "", "a small file system can be mounted neither as root nor in a user namespace")
        self.addCleanup(lambda: subprocess.run(["umount", "--lazy", str(self.disk)], check=True))
        self.out = self.disk / "out.h5"
        self.filler = self.disk / "filler"

    def begin(self, work: Work) -> None:
        """The disk is the folder here."""
        for path in self.disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def assert_clean(self, work: Work) -> None:
        self.assertFalse(self.out.exists(), "there is a result")
        self.assertLessEqual({path.name for path in self.disk.iterdir()}, {"filler", part_of(self.out).name})

    def free(self) -> int:
        state = os.statvfs(self.disk)
        return state.f_bavail * state.f_frsize

    def fill(self, left: int) -> None:
        """Until so many bytes are left."""
        with self.filler.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, self.filler.stat().st_size + self.free() - left)

    def refuse(self, work: Work, left: int) -> None:
        self.begin(work)
        self.fill(left)
        reached = Made.folder / f"places {self.id()} {work.name}"
        outcome = run(*work.words(self.out), ranks=2, extra={"ORRERY_PLACES": str(reached)})
        message = self.assert_fails(outcome, IO, str(part_of(self.out)))
        needed, available = map(int, re.search(r"(\d+) bytes needed, (\d+) available", message).groups())
        self.assertGreater(needed, available)
        self.assertLessEqual(available, left)
        self.assertNotIn("a tile", reached.read_text())
        self.assertFalse(part_of(self.out).exists(), "work in progress was left behind")
        self.filler.unlink()
        self.assert_goes_on(work, ranks=3)

    def test_too_small(self) -> None:
        """For the file itself, and for the sums that a checkpoint holds."""
        for work in (ROWS, WHOLE_SWEEP):
            with self.subTest(work=work.name):
                self.refuse(work, left=128 << 10)
        with self.subTest(work=STREAMING.name):
            self.refuse(STREAMING, left=520 << 10)

    def test_filled_under_way(self) -> None:
        """By somebody else: checkpoints fail, and the run ends at once."""
        for work in (ROWS, STREAMING, WHOLE_SWEEP):
            with self.subTest(work=work.name):
                self.begin(work)
                with self.start(work, fault=SLOW) as begun:
                    begun.wait_for(lambda: work.committed(self.out) >= 2, "some of its work")
                    self.fill(left=0)
                    filled = time.monotonic()
                    outcome = self.ended(begun)
                    self.assertLess(time.monotonic() - filled, 20 * PATIENCE, str(outcome))
                self.assert_broken(work, outcome, IO, str(part_of(self.out)))
                done = work.committed(self.out)
                self.assertGreaterEqual(done, 2)
                # What the run cleared away when it ended is room again.
                if self.free():
                    self.fill(left=0)
                again = self.work(work, "--resume")
                self.assert_broken(work, again, IO, str(part_of(self.out)))
                self.assertEqual(work.committed(self.out), done, str(again))
                self.filler.unlink()
                self.assert_goes_on(work, ranks=3)


if __name__ == "__main__":
    unittest.main()
