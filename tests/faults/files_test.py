"""Files that are taken away under a run, and files and folders that it may not touch."""

from __future__ import annotations

import os
import shutil
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from faulty_runs import (
    BAD_INPUT,
    IO,
    NO_STORE,
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
from orrery_program import Outcome, launcher, slow_tiles

#: Each tile or block takes so long that a test can come between.
SLOW = Fault(slow_tiles(500)["ORRERY_FAULT"])


def setUpModule() -> None:
    set_up()


def tearDownModule() -> None:
    tear_down()


class InTheMiddle(FaultTest):
    """A test that does something once a run has committed some of its work."""

    def disturbed(self, work: Work, disturb: Callable[[], None]) -> Outcome:
        self.begin(work)
        with self.start(work, ranks=2, fault=SLOW) as begun:
            begun.wait_for(lambda: work.committed(self.out) >= 2, "some of its work")
            self.assertFalse(begun.is_over, str(begun))
            disturb()
            return self.ended(begun)


class Removed(InTheMiddle):
    def remove(self, work: Work, name: str) -> Outcome:
        """A file of the work in progress, or all of it where the name is empty."""

        def disturb() -> None:
            found = list(part_of(self.out).glob(name)) if name else [part_of(self.out)]
            self.assertTrue(found, f"no {name}")
            for path in found:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

        return self.disturbed(work, disturb)

    def test_result(self) -> None:
        """It is missed when it is opened again; there is nothing to go on with then."""
        for work in (ROWS, WHOLE_SWEEP):
            with self.subTest(work=work.name):
                self.assert_broken(work, self.remove(work, "data.h5"), IO, "data.h5")
                self.assert_goes_on(work, ranks=3)

    def test_folder(self) -> None:
        for work in (ROWS, STREAMING):
            with self.subTest(work=work.name):
                self.assert_broken(work, self.remove(work, ""), IO, str(part_of(self.out)))
                self.assert_goes_on(work, ranks=1)

    def test_not_missed(self) -> None:
        """What is written anew, or was for later runs alone."""
        for work, name in ((ROWS, "checkpoint"), (WHOLE_SWEEP, "lock"), (NO_STORE, "rows.h5"), (STREAMING, "state-*"),
                           (ROWS, "heartbeat")):  # fmt: skip
            with self.subTest(work=work.name, name=name):
                self.assert_done(self.remove(work, name))
                self.assert_whole(work)

    def test_weights(self) -> None:
        """Before their hash is taken: nobody could tell later what the numbers are of."""
        weights, away = Made.model / "model.safetensors", Made.folder / "away"
        for work in (ROWS, WHOLE_SWEEP):
            self.begin(work)
            places = Made.folder / f"places of {work.name}"
            slow = Fault("reading the weights@*=delay:2000", places=str(places))
            with self.subTest(work=work.name), self.start(work, ranks=2, fault=slow) as begun:
                begun.wait_for(lambda: places.exists() and "reading the weights" in places.read_text(), "the weights")
                weights.rename(away)
                try:
                    self.assert_broken(work, self.ended(begun), BAD_INPUT, str(weights))
                finally:
                    away.rename(weights)
                self.assert_goes_on(work, ranks=3)


class Rights(InTheMiddle):
    """As a user who may not do everything."""

    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            return
        # Root without its rights over files, which it owns here.
        found = shutil.which("setpriv")
        self.assertTrue(found, "setpriv is missing: install util-linux")
        less = "-dac_override,-dac_read_search"
        wrapper = self.scratch_file("mpirun")
        wrapper.write_text(f'#!/bin/sh\nexec {found} --inh-caps={less} --bounding-set={less} {launcher(1)[0]} "$@"\n')
        wrapper.chmod(0o755)
        changed = mock.patch.dict(os.environ, ORRERY_MPIRUN=str(wrapper))
        changed.start()
        self.addCleanup(changed.stop)

    def scratch_file(self, name: str) -> Path:
        return Made.folder / f"{self.id()} {name}".replace(" ", "-")

    def deny(self, path: Path, mode: int) -> None:
        before = path.stat().st_mode
        path.chmod(mode)
        self.addCleanup(lambda: path.exists() and path.chmod(before))

    def test_folder(self) -> None:
        """Nothing can be made in it: said before anything is computed."""
        for work in (ROWS, WHOLE_SWEEP):
            with self.subTest(work=work.name):
                self.begin(work)
                self.deny(self.folder, 0o555)
                self.assert_broken(work, self.work(work), IO, str(part_of(self.out)), "Permission denied")
                self.folder.chmod(0o755)
                self.assert_nothing_at(self.out)

    def test_work_in_progress(self) -> None:
        """Taken away in the middle: what was committed is there, and is gone on with."""
        for work in (ROWS, STREAMING):
            with self.subTest(work=work.name):
                outcome = self.disturbed(work, lambda: part_of(self.out).chmod(0o555))
                self.assert_broken(work, outcome, IO, str(part_of(self.out)), "Permission denied")
                part_of(self.out).chmod(0o755)
                self.assertGreaterEqual(work.committed(self.out), 2)
                self.assert_goes_on(work, ranks=3)

    def test_inputs(self) -> None:
        for work, path in (
            (ROWS, Made.corpus),
            (STREAMING, Made.model),
            (ROWS, Made.model / "model.safetensors"),
            (WHOLE_SWEEP, Made.trace),
        ):
            with self.subTest(work=work.name, path=path.name):
                self.begin(work)
                self.deny(path, 0)
                self.assert_broken(work, self.work(work), BAD_INPUT, str(path), "Permission denied")
                path.chmod(0o755)
                self.assert_nothing_at(self.out)


if __name__ == "__main__":
    unittest.main()
