"""Fifty kills, -9, of a random rank at a random moment of a trace or a sweep: after --resume each file is the one that
an undisturbed run makes, bit for bit."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

from background_run import BackgroundRun
from orrery_program import ProgramTest, ranks_for, run, slow_tiles
from tiny_models import tiny, write_corpus
from trace_file import attributes, differences

KILLS, INSIDE = 50, 25
#: Of when what is killed; give it again to repeat a run, as far as a machine repeats itself.
SEED = int(os.environ.get("ORRERY_TEST_SEED") or time.time_ns() % 2**32)
SAMPLES = 36
#: Each tile, or block of prompts, takes so many seconds longer.
DELAY = 0.06 * ranks_for(2) / 2
SLOW = slow_tiles(60)
QUIET = ("--threads", "1", "--progress", "none", "--checkpoint-every", "0s", "--stall-minutes", "1")


@dataclass(frozen=True)
class Kind:
    """A run that is killed."""

    name: str
    words: tuple[str, ...]
    passes: int = 1  #: over the tiles


TRACE = ("trace", "--min-chars", "0", "--permutations", "5", "--tile-tokens", "64")
KINDS = (
    Kind("kept rows", TRACE),
    Kind("rows that are not stored", (*TRACE, "--store", "none")),
    Kind("streamed rows", (*TRACE, "--moments", "streaming"), passes=2),
    Kind("every token", (*TRACE, "--tokens", "all"), passes=2),
    Kind("a sweep", ("perturb", "--prompts", "all", "--batch-tokens", "1", "--grid", "4", "--directions", "2")),
)


class Kills(ProgramTest):
    scratch: tempfile.TemporaryDirectory[str]
    made: Path

    @classmethod
    def setUpClass(cls) -> None:
        print(f"seed {SEED}: ORRERY_TEST_SEED={SEED} repeats it", flush=True)
        cls.scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.made = Path(cls.scratch.name)
        (cls.made / "memory").mkdir()
        write_corpus(cls.made / "corpus.txt", SAMPLES)

    def setUp(self) -> None:
        super().setUp()
        self.chance = random.Random(SEED)
        self.whole: dict[str, Path] = {}
        self.kills = 0
        self.found: list[str] = []  #: what those who went on found done, of all

    def words(self, kind: Kind, out: Path) -> tuple[str | Path, ...]:
        if kind.words[0] == "trace":
            inputs: tuple[str | Path, ...] = ("--model", tiny("llama31"), "--corpus", self.made / "corpus.txt")
        else:
            inputs = ("--trace", self.whole[KINDS[0].name])
        return (*kind.words, *inputs, *QUIET, "--out", out)

    def whole_of(self, kind: Kind) -> Path:
        """The file that nothing disturbed."""
        if kind.name not in self.whole:
            out = self.made / f"{kind.name}.h5"
            self.assert_done(run(*self.words(kind, out)))
            self.whole[kind.name] = out
        return self.whole[kind.name]

    def committed(self, out: Path) -> int:
        """Tiles, or blocks, that a later run need not do again."""
        try:
            checkpoint = json.loads(Path(f"{out}.part/checkpoint").read_text())
        except FileNotFoundError:
            return 0
        return max(len(checkpoint["passes"]) - 1, 0) * SAMPLES + len(checkpoint["blocks"])

    def attack(self, kind: Kind, out: Path) -> bool:
        """Starts or resumes a run and kills one of its ranks; false where it was through before."""
        ranks = self.chance.randint(1, 3)
        # Of a run's length, on a machine without other work: some come before the first tile, some after the last.
        moment = self.chance.random() * (SAMPLES * kind.passes * DELAY / ranks_for(ranks) + 0.5)
        from_tiles = self.chance.random() < 0.8  # or from the beginning
        with BackgroundRun(*self.words(kind, out), "--resume", ranks=ranks, shared_memory=self.made / "memory",
                           extra=SLOW) as begun:  # fmt: skip
            begun.wait_for(lambda: len(begun.pids()) == begun.ranks, "its ranks")
            if from_tiles:
                begun.wait_for(lambda: " of 1 thread" in begun.errors, "its tiles")
            end = time.monotonic() + moment
            died = begun.kill(self.chance.randrange(begun.ranks), when=lambda: time.monotonic() >= end)
            if not died:
                self.assertTrue(out.exists(), str(begun))
                return False
        self.assertTrue(not out.exists() or not Path(f"{out}.part/data.h5").exists(), "two files of one run")
        self.kills += 1
        return True

    def finish(self, kind: Kind, out: Path, expected: int) -> None:
        """Lets a run come to its end, and compares."""
        was_there = out.exists()
        self.assert_done(run(*self.words(kind, out), "--resume", ranks=self.chance.randint(1, 3)))
        self.assertEqual(differences(self.whole_of(kind), out), [])
        self.assert_done(run("verify", self.whole_of(kind), out))
        self.assertFalse(os.path.lexists(f"{out}.part"), "work in progress was left behind")
        if not was_there:
            self.assertEqual(attributes(out)[("timing", "resumed_tiles")], expected)

    def test_fifty_kills(self) -> None:
        start = time.monotonic()
        inside = 0
        for kind in KINDS:
            self.whole_of(kind)
        while self.kills < KILLS or inside < INSIDE:
            self.assertLess(self.kills, 3 * KILLS, f"found done: {self.found}")
            kind = self.chance.choice(KINDS)
            out = self.folder / "run.h5"
            done = 0
            for _ in range(self.chance.randint(1, 4)):
                if not self.attack(kind, out):
                    break
                now = self.committed(out)
                self.assertTrue(out.exists() or now >= done, f"{kind.name}: {now} tiles left of {done}")
                inside += 0 < now < SAMPLES * kind.passes
                done = now
                self.found.append(f"{now}/{SAMPLES * kind.passes}")
            self.finish(kind, out, done)
            out.unlink()
        took = time.monotonic() - start
        print(f"{self.kills} kills in {took:.0f} s, {inside} in the middle; found done: {' '.join(self.found)}", flush=True)
        shutil.rmtree(self.made / "memory")


if __name__ == "__main__":
    unittest.main()
