"""Traces that were stopped go on: asked to, or killed, they end in the bits of an undisturbed run. What differs from how
they were begun is refused, and what was damaged meanwhile is seen."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
import unittest
from collections.abc import Sequence
from pathlib import Path

from background_run import BackgroundRun
from orrery_program import Outcome, ProgramTest, ranks_for, run, slow_tiles
from tiny_models import tiny, write_corpus
from trace_file import attributes, differences

BAD_USAGE, BAD_INPUT, STOPPED = 64, 65, 85
SAMPLES = 40
#: Time enough to be stopped in the middle.
SLOW = slow_tiles(50)
KINDS = ((), ("--store", "none"), ("--moments", "streaming"), ("--tokens", "all"))


class Made:
    """What all tests share: a corpus, and traces that nothing disturbed."""

    scratch: tempfile.TemporaryDirectory[str]
    folder: Path
    whole: dict[tuple[str, ...], Path]


def setUpModule() -> None:
    Made.scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
    Made.folder = Path(Made.scratch.name)
    Made.whole = {}
    write_corpus(Made.folder / "corpus.txt", SAMPLES)


def tearDownModule() -> None:
    Made.scratch.cleanup()


def words(out: Path, *more: str | Path, every: str = "0s") -> tuple[str | Path, ...]:
    """Where an option is given twice, the later one counts."""
    given: dict[str, str | Path] = {
        "--model": tiny("llama31"), "--corpus": Made.folder / "corpus.txt", "--out": out, "--min-chars": "0",
        "--permutations": "10", "--tile-tokens": "64", "--threads": "1", "--progress": "none",
        "--checkpoint-every": every,
    }  # fmt: skip
    rest, flags = list(more), []
    while rest:
        word = rest.pop(0)
        if word in ("--resume", "--overwrite"):
            flags.append(word)
        else:
            given[str(word)] = rest.pop(0)
    return ("trace", *(word for pair in given.items() for word in pair), *flags)


def whole(kind: Sequence[str]) -> Path:
    """The trace made at once."""
    key = tuple(kind)
    if key not in Made.whole:
        out = Made.folder / f"whole-{len(Made.whole)}.h5"
        outcome = run(*words(out, *kind))
        assert outcome.code == 0, outcome
        Made.whole[key] = out
    return Made.whole[key]


class ResumeTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.out = self.folder / "run.h5"
        self.work = Path(f"{self.out}.part")

    def trace_again(self, *more: str | Path, ranks: int = 0) -> Outcome:
        return run(*words(self.out, *more), ranks=ranks)

    def checkpoint(self) -> dict[str, object]:
        return dict(json.loads((self.work / "checkpoint").read_text()))

    def done(self) -> int:
        """Tiles that the checkpoint has, over all passes."""
        described = json.loads((self.work / "checkpoint").read_text())
        return max(len(described["passes"]) - 1, 0) * SAMPLES + len(described["blocks"])

    def stop(self, *more: str | Path, ranks: int, after: int = 5, every: str = "0s", sign: signal.Signals = signal.SIGUSR1,
             extra: dict[str, str] | None = None) -> str:  # fmt: skip
        """Stops a run once it has done so many tiles, and returns what it said."""
        with BackgroundRun(*words(self.out, *more, every=every), ranks=ranks, extra={**SLOW, **(extra or {})}) as begun:
            begun.wait_for(lambda: " tiles, " in begun.errors, "its tiles")
            begun.wait_for(lambda: (self.work / "checkpoint").exists() and self.done() >= after, f"{after} tiles")
            begun.send(sign)
            asked = time.monotonic()
            self.assertEqual(begun.wait(), STOPPED, str(begun))
            self.assertLess(time.monotonic() - asked, 20)
            messages = [line for line in begun.errors.splitlines() if line.startswith("orrery:")]
            self.assertEqual(len(messages), 1, str(begun))
            self.assertRegex(messages[0], r"^orrery: stopped on request \(\d+ of 40 tiles are done.* in .+\): .*--resume")
            self.assertFalse(self.out.exists())
            return begun.errors

    def assert_whole(self, kind: Sequence[str], resumed: int | None = None) -> None:
        self.assertFalse(os.path.lexists(self.work), "work in progress was left behind")
        self.assertEqual(differences(whole(kind), self.out), [])
        self.assert_done(run("verify", whole(kind), self.out))
        self.assert_done(run("verify", self.out))
        if resumed is not None:
            self.assertEqual(attributes(self.out)[("timing", "resumed_tiles")], resumed)

    def refuse(self, code: int, *more: str | Path, named: tuple[str, ...], ranks: int = 0) -> None:
        """That code, all of that named, and nothing changed."""
        before = {file.name: file.read_bytes() for file in self.work.iterdir()}
        self.assert_fails(self.trace_again(*more, ranks=ranks), code, *named)
        self.assertEqual({file.name: file.read_bytes() for file in self.work.iterdir()}, before)


class Stopped(ResumeTest):
    def test_each_kind_goes_on_with_other_ranks(self) -> None:
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.stop(*kind, ranks=2)
                done = self.done()
                self.assertGreater(done, 4)
                self.assertLess(done, SAMPLES)
                self.assert_done(self.trace_again(*kind, "--resume", "--threads", "2", "--order", "layers", ranks=3))
                self.assert_whole(kind, resumed=done)
                self.out.unlink()

    def test_in_the_pass_of_the_scores(self) -> None:
        for kind in KINDS[2:]:
            self.stop(*kind, ranks=3, after=SAMPLES + 6)
            done = self.done()
            self.assertLess(done, 2 * SAMPLES)
            self.assert_done(self.trace_again(*kind, "--resume", ranks=1))
            self.assert_whole(kind, resumed=done)
            self.out.unlink()

    def test_several_times(self) -> None:
        for kind in (KINDS[0], KINDS[2]):
            self.stop(*kind, ranks=3, after=3)
            first = self.done()
            self.stop(*kind, "--resume", ranks=1, after=first + 4)
            second = self.done()
            self.assertGreater(second, first)
            self.stop(*kind, "--resume", ranks=2, after=second + 4)
            self.assert_done(self.trace_again(*kind, "--resume"))
            self.assert_whole(kind)
            self.out.unlink()

    def test_a_stop_writes_the_checkpoint_that_is_not_due(self) -> None:
        """And not later than the tiles in hand are through."""
        with BackgroundRun(*words(self.out, every="10m"), ranks=2, extra=SLOW) as begun:
            begun.wait_for(lambda: " tiles, " in begun.errors, "its tiles")
            time.sleep(0.4)
            self.assertEqual(self.done(), 0)
            begun.send(signal.SIGUSR1)
            self.assertEqual(begun.wait(), STOPPED, str(begun))
        self.assertGreater(self.done(), 0)
        self.assertLess(self.done(), SAMPLES)
        self.assert_done(self.trace_again("--resume"))
        self.assert_whole(KINDS[0])

    def test_one_rank_alone_is_asked(self) -> None:
        with BackgroundRun(*words(self.out), ranks=3, extra=SLOW) as begun:
            begun.wait_for(lambda: self.work.joinpath("checkpoint").exists() and self.done() > 3, "3 tiles")
            os.kill(begun.pids()[2], signal.SIGUSR1)
            self.assertEqual(begun.wait(), STOPPED, str(begun))

    def test_term_is_a_request_under_srun_alone(self) -> None:
        self.stop(ranks=0, sign=signal.SIGTERM, extra={"SLURM_STEP_NUM_TASKS": "1"})
        self.assert_done(self.trace_again("--resume"))
        self.assert_whole(KINDS[0])
        self.out.unlink()
        with BackgroundRun(*words(self.out), extra=SLOW) as begun:
            begun.wait_for(lambda: self.work.joinpath("checkpoint").exists() and self.done() > 3, "3 tiles")
            begun.send(signal.SIGTERM)
            self.assertEqual(begun.wait(), -signal.SIGTERM, str(begun))
        self.assert_done(self.trace_again("--resume"))
        self.assert_whole(KINDS[0])

    def test_before_anything_is_done(self) -> None:
        """Nothing is worth keeping then; --resume begins."""
        outcome = run(*words(self.out), ranks=2, extra={"ORRERY_FAULT": "planning@1=stop"})
        self.assert_fails(outcome, STOPPED, "0 of 40 tiles", "--resume")
        self.assert_nothing_at(self.out)
        self.assert_done(self.trace_again("--resume"))
        self.assert_whole(KINDS[0], resumed=0)


class Refused(ResumeTest):
    def setUp(self) -> None:
        super().setUp()
        self.stop(ranks=1)

    def test_other_options(self) -> None:
        self.refuse(BAD_USAGE, named=(str(self.work), "--resume", "--overwrite"))
        self.refuse(BAD_USAGE, "--resume", "--overwrite", named=("--resume", "--overwrite"))
        self.refuse(BAD_USAGE, "--resume", "--seed", "9", named=("seed", "0 in", "9 now"))
        self.refuse(BAD_USAGE, "--resume", "--dtype", "float64", named=("dtype", "float32 in", "float64 now"), ranks=2)
        self.refuse(BAD_USAGE, "--resume", "--store", "none", named=("store",))

    def test_other_inputs(self) -> None:
        corpus = write_corpus(self.folder / "other.txt", SAMPLES + 1)
        self.refuse(BAD_INPUT, "--resume", "--corpus", corpus, named=("corpus",), ranks=2)
        # A corpus elsewhere is the same corpus.
        shutil.copy(Made.folder / "corpus.txt", self.folder / "moved.txt")
        self.assert_done(self.trace_again("--resume", "--corpus", self.folder / "moved.txt"))
        self.assertFalse(self.work.exists())

    def test_another_model(self) -> None:
        """Its hash is known only while tiles run; what they did is not committed."""
        model = self.folder / "model"
        shutil.copytree(tiny("llama31"), model)
        for path in (model, *model.iterdir()):
            path.chmod(0o755)
        weights = model / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[-3] ^= 1
        weights.write_bytes(data)
        done = self.done()
        self.assert_fails(self.trace_again("--resume", "--model", model, ranks=2), BAD_INPUT, "model", "--overwrite")
        self.assertEqual(self.done(), done)
        self.assert_done(self.trace_again("--resume"))
        self.assert_whole(KINDS[0])

    def test_overwrite_begins_anew(self) -> None:
        self.assert_done(self.trace_again("--overwrite", "--seed", "3"))
        self.assertEqual(attributes(self.out)[("timing", "resumed_tiles")], 0)


class Complete(ResumeTest):
    def test_complete_already(self) -> None:
        shutil.copy(whole(KINDS[0]), self.out)
        outcome = self.assert_done(self.trace_again("--resume", ranks=2))
        self.assertEqual(outcome.output, f"{self.out}: complete already\n")
        self.assert_fails(self.trace_again("--resume", "--seed", "4"), BAD_USAGE, "seed")
        corpus = write_corpus(self.folder / "other.txt", SAMPLES + 1)
        self.assert_fails(self.trace_again("--resume", "--corpus", corpus), BAD_INPUT, "corpus")
        self.assertEqual(differences(whole(KINDS[0]), self.out), [])


class Damaged(ResumeTest):
    def flip(self, path: Path, place: int) -> None:
        with path.open("r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 4]))

    def test_rows_that_are_lost(self) -> None:
        """Tiles whose rows are not as they were committed are done again."""
        self.stop("--store", "none", ranks=1, after=8)
        done = self.done()
        rows = self.work / "rows.h5"
        self.flip(rows, rows.stat().st_size - 100)
        damaged = [place for place in range(2048, rows.stat().st_size, 4096)]
        for place in damaged:
            self.flip(rows, place)
        outcome = self.assert_done(self.trace_again("--store", "none", "--resume", ranks=2))
        self.assertIn("done again", outcome.errors)
        self.assert_whole(("--store", "none"))
        self.assertLess(attributes(self.out)[("timing", "resumed_tiles")], done)

    def test_rows_file_that_is_gone(self) -> None:
        self.stop("--store", "none", ranks=1, after=8)
        (self.work / "rows.h5").unlink()
        self.assert_done(self.trace_again("--store", "none", "--resume", ranks=2))
        self.assert_whole(("--store", "none"), resumed=0)

    def test_sums(self) -> None:
        self.stop("--moments", "streaming", ranks=2)
        names = sorted(path.name for path in self.work.glob("state-*"))
        self.assertEqual(len(names), 1 + ranks_for(2))  # what all know, and each rank's
        for name in names:
            path = self.work / name
            sound = path.read_bytes()
            self.flip(path, len(sound) * 2 // 3)
            self.refuse(BAD_INPUT, "--moments", "streaming", "--resume", named=(name, "--overwrite"), ranks=2)
            path.write_bytes(sound[: len(sound) // 2])
            self.refuse(BAD_INPUT, "--moments", "streaming", "--resume", named=(name, "--overwrite"))
            path.write_bytes(sound)
        (self.work / names[-1]).rename(self.folder / "away")
        self.refuse(BAD_INPUT, "--moments", "streaming", "--resume", named=(names[-1],), ranks=3)
        (self.folder / "away").rename(self.work / names[-1])
        self.assert_done(self.trace_again("--moments", "streaming", "--resume"))
        self.assert_whole(("--moments", "streaming"))

    def test_scores_that_are_lost(self) -> None:
        """Their tiles are in the pass's sums: the pass begins anew."""
        kind = ("--moments", "streaming")
        self.stop(*kind, ranks=1, after=SAMPLES + 10)
        checkpoint = self.work / "checkpoint"
        described = self.checkpoint()
        blocks = described["blocks"]
        assert isinstance(blocks, list)
        blocks[2]["hash"] = "0123456789abcdef"
        checkpoint.write_text(json.dumps(described))
        outcome = self.assert_done(self.trace_again(*kind, "--resume", ranks=2))
        self.assertIn("done again", outcome.errors)
        self.assert_whole(kind, resumed=SAMPLES)

    def test_a_leftover_checkpoint_is_no_harm(self) -> None:
        """Of a process that was killed while it wrote one."""
        kind = ("--moments", "streaming")
        self.stop(*kind, ranks=1)
        (self.work / "checkpoint.new").write_text("half")
        (self.work / "state-99").write_text("half")
        (self.work / "state-99-7").write_text("half")
        self.assert_done(self.trace_again(*kind, "--resume"))
        self.assert_whole(kind)


if __name__ == "__main__":
    unittest.main()
