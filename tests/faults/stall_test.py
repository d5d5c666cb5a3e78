"""A run in which nothing gets on ends by itself, and names who keeps it waiting; one that is merely slow does not."""

from __future__ import annotations

import os
import signal
import unittest
from pathlib import Path

from background_run import BackgroundRun
from orrery_program import Outcome, ProgramTest, ranks_for, run, slow_tiles
from tiny_models import tiny, write_corpus
from trace_file import differences

INTERNAL = 70
#: Seconds without a beat; a machine under load may be silent for one.
PATIENCE = 4
RANKS = ranks_for(3)
SAMPLES = 40


class Stalled(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.corpus = write_corpus(self.folder / "corpus.txt", SAMPLES)
        self.out = self.folder / "run.h5"

    def words(self, *more: str | Path, out: Path | None = None, minutes: float = PATIENCE / 60) -> tuple[str | Path, ...]:
        return ("trace", "--model", tiny("llama31"), "--corpus", self.corpus, "--out", out or self.out,
                "--min-chars", "0", "--permutations", "10", "--tile-tokens", "64", "--threads", "1",
                "--progress", "none", "--stall-minutes", str(minutes), *more)  # fmt: skip

    def stall(self, fault: str, *more: str | Path) -> Outcome:
        return run(*self.words(*more), ranks=RANKS, extra={"ORRERY_FAULT": fault}, timeout=60)

    def assert_goes_on(self, *more: str | Path) -> None:
        """With other ranks, to what an undisturbed run makes."""
        self.assert_done(run(*self.words("--resume", *more), ranks=2))
        whole = self.folder / "whole.h5"
        self.assert_done(run(*self.words(*more, out=whole)))
        self.assertEqual(differences(whole, self.out), [])
        self.assertFalse(os.path.lexists(f"{self.out}.part"))

    def test_a_rank_in_the_forward_pass(self) -> None:
        outcome = self.stall("a tile#2@1=stall", "--checkpoint-every", "0s")
        self.assert_fails(outcome, INTERNAL, f"{RANKS - 1} ranks wait for rank 1 on ", "phase: the forward pass", "--resume")
        self.assertLess(outcome.seconds, 40)
        self.assert_goes_on()

    def test_rank_0(self) -> None:
        outcome = self.stall("writing the checkpoint#2@0=stall", "--checkpoint-every", "0s")
        self.assert_fails(outcome, INTERNAL, f"{RANKS - 1} ranks wait for rank 0 on ", "phase: writing the checkpoint")
        self.assert_goes_on()

    def test_several_ranks_in_streaming(self) -> None:
        waiting = "1 rank waits" if RANKS == 3 else f"{RANKS - 2} ranks wait"
        outcome = self.stall("statistics of a round#3@1=stall;statistics of a round#3@2=stall", "--moments", "streaming",
                             "--checkpoint-every", "0s")  # fmt: skip
        self.assert_fails(outcome, INTERNAL, f"{waiting} for rank 1 on ", "rank 2 on ", "statistics of a round")
        self.assert_goes_on("--moments", "streaming")

    def test_before_there_is_an_output(self) -> None:
        """The ranks can't tell each other then: the one that hangs says so itself."""
        self.assert_fails(self.stall("planning@2=stall"), INTERNAL, "rank 2 on ", "phase: planning")
        self.assert_nothing_at(self.out)

    def test_stopped_processes(self) -> None:
        """A rank whose watchdog is silent, too; rank 0's place is taken by another."""
        for stopped in (1, 0):
            with BackgroundRun(*self.words("--overwrite"), ranks=RANKS, extra=slow_tiles(100)) as begun:
                begun.wait_for(lambda: " tiles, " in begun.errors, "its tiles")
                os.kill(begun.pids()[stopped], signal.SIGSTOP)
                self.assertEqual(begun.wait(), INTERNAL, str(begun))
                messages = [line for line in begun.errors.splitlines() if line.startswith("orrery:")]
                self.assertEqual(len(messages), 1, str(begun))
                self.assertIn(f"{RANKS - 1} ranks wait for rank {stopped}", messages[0])

    def test_slow_is_not_stalled(self) -> None:
        """Longer than the limit in all, and on one rank alone, but not without a beat."""
        # A rank's share of the tiles then takes three times the limit.
        slow = {"ORRERY_FAULT": f"a tile@1=delay:{3 * PATIENCE * 1000 * RANKS // SAMPLES}"}
        outcome = self.assert_done(run(*self.words(), ranks=RANKS, extra=slow, timeout=120))
        self.assertGreater(outcome.seconds, 2 * PATIENCE)

    def test_never(self) -> None:
        slow = {"ORRERY_FAULT": "planning@1=delay:3000"}
        self.assert_done(run(*self.words(minutes=0), ranks=2, extra=slow))
        self.assert_fails(run(*self.words(minutes=-1)), 64, "--stall-minutes", "-1")


if __name__ == "__main__":
    unittest.main()
