"""Works that faults are tried on: traces, sweeps, their parts and their join, each beside what it gives undisturbed.

The program is orrery_faulty for all of them, since the binary is part of what a run must have in common with the one
that it goes on with.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from background_run import BackgroundRun, is_alive, wait_until
from orrery_program import Outcome, ProgramTest, ranks_for, run
from tiny_models import tiny, write_corpus
from trace_file import differences

USAGE, BAD_INPUT, INTERNAL, IO, RESOURCES = 64, 65, 70, 74, 75
#: A run that is not over by then hangs; undisturbed it takes a few seconds.
LIMIT = 60.0
#: Of what is drawn; give it again to repeat a run.
SEED = int(os.environ.get("ORRERY_TEST_SEED") or time.time_ns() % 2**32)
#: For two ranks; more of them get as many each.
SAMPLES, PROMPTS = 7 * ranks_for(2) // 2, 6 * ranks_for(2) // 2
#: What stands on stderr where a process was ended from outside, or by a fault that nobody caught.
CRASHES = ("terminate called", "MPI_ABORT", "Signal: ", "HDF5-DIAG", "Segmentation fault", "core dumped")

TALK = ("--progress", "none", "--threads", "1", "--checkpoint-every", "0s")
#: Each sample is a tile of its own.
TRACE = ("--min-chars", "0", "--permutations", "3", "--tile-tokens", "64", *TALK)
#: Each prompt is a block of its own.
SWEEP = ("--prompts", f"0-{PROMPTS - 1}", "--batch-tokens", "1", "--grid", "2", "--epsilon", "0.1", "--directions", "1",
         "--pc-directions", "1", "--kinds", "teleport,ablate", "--ablate", "mean", *TALK)  # fmt: skip


@dataclass(frozen=True)
class Work:
    """A command with options that fix its numbers."""

    name: str
    command: str
    options: tuple[str, ...]
    part: str = ""  #: the prefix of its files, where it is a part

    def words(self, out: Path) -> tuple[str | Path, ...]:
        inputs = ("--model", Made.model, "--corpus", Made.corpus) if self.command == "trace" else ("--trace", Made.trace)
        return (self.command, *inputs, "--out", out, *self.options)

    def result(self, out: Path) -> Path:
        return part_of(out) / f"{self.part}h5" if self.part else out

    def is_begun(self, out: Path) -> bool:
        """Whether there is a checkpoint to go on with."""
        return (part_of(out) / f"{self.part}checkpoint").exists()

    def committed(self, out: Path) -> int:
        """The tiles or blocks that its checkpoint counts as done, of all passes so far; 0 where there is none."""
        try:
            checkpoint = json.loads((part_of(out) / f"{self.part}checkpoint").read_text())
        except FileNotFoundError:
            return 0
        return max(len(checkpoint["passes"]) - 1, 0) * SAMPLES + len(checkpoint["blocks"])


ROWS = Work("rows", "trace", TRACE)
NO_STORE = Work("no store", "trace", (*TRACE, "--store", "none"))
STREAMING = Work("streaming", "trace", (*TRACE, "--moments", "streaming"))
WHOLE_SWEEP = Work("sweep", "perturb", SWEEP)
PART = Work("part", "perturb", (*SWEEP, "--part", "1/2"), "1-of-2.")
OTHER_PART = Work("other part", "perturb", (*SWEEP, "--part", "0/2"), "0-of-2.")
JOIN = Work("join", "perturb", (*SWEEP, "--join"))
WORKS = (ROWS, NO_STORE, STREAMING, WHOLE_SWEEP, PART, JOIN)


class Made:
    """What all tests share."""

    scratch: tempfile.TemporaryDirectory[str]
    folder: Path
    shared_memory: Path  #: of ranks, who leave it when they are killed
    model: Path
    corpus: Path
    trace: Path
    whole: dict[str, Path]  #: by a work's name, what it gives undisturbed
    places: dict[str, list[tuple[str, int]]]  #: and what its ranks reached


def set_up() -> None:
    """Before all tests of a module."""
    print(f"seed {SEED}: ORRERY_TEST_SEED={SEED} repeats it", flush=True)
    Made.scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
    Made.folder = Path(Made.scratch.name)
    Made.shared_memory = Made.folder / "memory"
    Made.shared_memory.mkdir()
    Made.model = Made.folder / "model"
    shutil.copytree(tiny("llama31"), Made.model)
    for path in (Made.model, *Made.model.iterdir()):
        path.chmod(0o755)
    Made.corpus = write_corpus(Made.folder / "corpus.txt", SAMPLES)
    Made.whole, Made.places = {}, {}
    Made.trace = whole(ROWS)


def tear_down() -> None:
    """Behind them."""
    Made.scratch.cleanup()


def part_of(out: Path) -> Path:
    return Path(f"{out}.part")


def whole(work: Work) -> Path:
    """What the work gives undisturbed, on two ranks."""
    if work.name not in Made.whole:
        folder = Made.folder / f"whole {work.name}"
        folder.mkdir()
        out, places = folder / "out.h5", folder / "places"
        if work is JOIN:
            put_parts(out)
        outcome = run(*work.words(out), ranks=2, extra={"ORRERY_PLACES": str(places)}, timeout=LIMIT)
        assert outcome.code == 0, outcome
        Made.whole[work.name] = work.result(out)
        lines = [line.split(" ", 1) for line in places.read_text().splitlines()]
        Made.places[work.name] = sorted({(place, int(rank)) for rank, place in lines})
    return Made.whole[work.name]


def places(work: Work) -> list[tuple[str, int]]:
    """Each place that it reaches on two ranks, with a rank that does."""
    whole(work)
    return Made.places[work.name]


def put_parts(out: Path) -> None:
    """Lays finished parts where a join of OUT looks for them."""
    part_of(out).mkdir()
    for part in (PART, OTHER_PART):
        shutil.copy(whole(part), part.result(out))


def running(out: Path) -> list[int]:
    """The processes that have OUT on their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and str(out).encode() in folder.joinpath("cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if is_alive(pid)]


@dataclass
class Fault:
    """Something that goes wrong, as orrery_faulty understands it (tests/support/failpoint.cpp, failing_io.cpp)."""

    at: str = ""
    io: str = ""
    places: str = ""  #: a file that is told of what is reached

    def variables(self) -> dict[str, str]:
        given = {"ORRERY_FAULT": self.at, "ORRERY_IO_FAULT": self.io, "ORRERY_PLACES": self.places}
        return {name: value for name, value in given.items() if value}

    def __str__(self) -> str:
        return self.at or self.io


def has_its_name(place: str, rank: int) -> bool:
    """Whether a result may be there when this rank fails in that place: rank 0 gives it its name meanwhile."""
    return place == "publishing the file" and rank != 0


class FaultTest(ProgramTest):
    """A test in which a work is broken, and goes on."""

    def setUp(self) -> None:
        super().setUp()
        self.out = self.folder / "out.h5"
        self.chance = random.Random(f"{SEED} {self.id()}")

    def begin(self, work: Work) -> None:
        """Makes a folder for another one."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        if work is JOIN:
            put_parts(self.out)

    def work(self, work: Work, *more: str, ranks: int = 2, fault: Fault | None = None, limit: float = LIMIT) -> Outcome:
        """One run of it. Where it hangs, the message names the last place that each rank came to."""
        reached = Path(tempfile.mkstemp(dir=Made.folder)[1])
        extra = {
            **(fault or Fault()).variables(),
            "ORRERY_PLACES": str(reached),
            "OMPI_MCA_btl_vader_backing_directory": str(Made.shared_memory),
        }
        try:
            outcome = run(*work.words(self.out), *more, ranks=ranks, extra=extra, timeout=limit)
        except AssertionError as error:
            last = dict(line.split(" ", 1) for line in reached.read_text().splitlines())
            raise AssertionError(f"{work.name}, {fault}: it stood at {last}\n{error}") from None
        finally:
            reached.unlink()
        wait_until(lambda: not running(self.out), f"all ranks' end: {outcome}")
        return outcome

    def start(self, work: Work, *more: str, ranks: int = 2, fault: Fault) -> BackgroundRun:
        """The same, beside the test."""
        words = (*work.words(self.out), *more)
        return BackgroundRun(*words, ranks=ranks, shared_memory=Made.shared_memory, extra=fault.variables())

    def ended(self, run: BackgroundRun) -> Outcome:
        """What it left behind, once it is over."""
        run.wait()
        wait_until(lambda: not running(self.out), f"all ranks' end: {run}")
        return Outcome(" ".join(run.command), run.process.returncode, "", run.errors, 0, 0)

    def assert_broken(self, work: Work, outcome: Outcome, code: int, *named: str, published: bool = False) -> None:
        """That it ended in order: that code, one message, no crash, and nothing where it does not belong. `published`:
        it may have come to its end all the same."""
        self.assert_fails(outcome, code, *named)
        for word in CRASHES:
            self.assertNotIn(word, outcome.errors)
        if published and work.result(self.out).exists():
            self.assert_whole(work)
        else:
            self.assert_clean(work)

    def assert_clean(self, work: Work) -> None:
        """Nothing under the final name, and work in progress in OUT.part alone, with no lock that holds."""
        self.assertFalse(os.path.lexists(work.result(self.out)), "there is a result")
        allowed = {self.out.name, part_of(self.out).name}
        self.assertLessEqual({path.name for path in self.folder.iterdir()}, allowed)

    def assert_goes_on(self, work: Work, ranks: int = 3, *more: str) -> Outcome:
        """That --resume on other ranks gives the bits of an undisturbed run, and leaves nothing behind."""
        outcome = self.assert_done(self.work(work, "--resume", *more, ranks=ranks))
        self.assert_whole(work)
        return outcome

    def assert_whole(self, work: Work) -> None:
        result = work.result(self.out)
        left = [path.name for path in part_of(self.out).iterdir()] if part_of(self.out).exists() else []
        self.assertEqual(left, [result.name] if work.part else [], "work in progress was left behind")
        self.assertEqual(differences(whole(work), result), [])
        self.assert_done(run("verify", whole(work), result))
