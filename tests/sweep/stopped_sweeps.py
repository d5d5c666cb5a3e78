"""For tests of sweeps that are stopped: a trace, sweeps that nothing disturbed, and runs to be killed."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from background_run import BackgroundRun
from orrery_program import Outcome, ProgramTest, run
from tiny_models import tiny, write_corpus
from trace_file import attributes, differences

BAD_USAGE, BAD_INPUT = 64, 65
PROMPTS = 48
EVERYTHING = ("--kinds", "teleport,noise,ablate", "--ablate", "mean", "--prompts", "all", "--epsilon", "0.1,1",
              "--directions", "2", "--pc-directions", "1", "--store", "states", "--state-points", "0,8",
              "--threads", "1", "--progress", "none")  # fmt: skip
#: Seconds of computing, in blocks of one prompt and of several.
LONG = (*EVERYTHING, "--batch-tokens", "150", "--grid", "14", "--state-prompts", "3,17")
#: A moment of computing, each prompt in a block of its own.
SHORT = (*EVERYTHING, "--batch-tokens", "1", "--grid", "4", "--state-prompts", "all")


class Made:
    """What all tests share: traces, and sweeps that nothing disturbed."""

    scratch: tempfile.TemporaryDirectory[str]
    folder: Path
    shared_memory: Path
    trace: Path
    whole: dict[tuple[str, ...], Path]


def set_up() -> None:
    """Before all tests of a module."""
    Made.scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
    Made.folder = Path(Made.scratch.name)
    Made.shared_memory = Made.folder / "shared-memory"
    Made.shared_memory.mkdir()
    Made.whole = {}
    Made.trace = make_trace("trace.h5", tiny("llama31"), PROMPTS)


def tear_down() -> None:
    """Behind them."""
    Made.scratch.cleanup()


def make_trace(name: str, model: Path, rows: int) -> Path:
    out = Made.folder / name
    corpus = write_corpus(Made.folder / "corpus.txt", rows)
    words = ("--min-chars", "0", "--permutations", "10", "--progress", "none")
    outcome = run("trace", "--model", model, "--corpus", corpus, "--out", out, *words)
    assert outcome.code == 0, outcome
    return out


def sweep_words(out: Path, options: tuple[str, ...], *more: str | Path) -> tuple[str | Path, ...]:
    """Where an option is given twice, the later one counts."""
    given: dict[str, str | Path] = {"--trace": Made.trace, "--out": out}
    words = [*options, *more]
    flags = []
    while words:
        word = words.pop(0)
        if word in ("--resume", "--overwrite", "--join"):
            flags.append(word)
        else:
            given[str(word)] = words.pop(0)
    return ("perturb", *(word for pair in given.items() for word in pair), *flags)


def whole(options: tuple[str, ...]) -> Path:
    """The sweep made at once, on two ranks."""
    if options not in Made.whole:
        out = Made.folder / f"whole-{len(Made.whole)}.h5"
        outcome = run(*sweep_words(out, options), ranks=2)
        assert outcome.code == 0, outcome
        Made.whole[options] = out
    return Made.whole[options]


def work_of(out: Path) -> Path:
    return Path(f"{out}.part")


def committed(checkpoint: Path) -> int:
    """The blocks that a checkpoint counts as done; 0 where there is none."""
    try:
        return len(json.loads(checkpoint.read_text())["blocks"])
    except FileNotFoundError:
        return 0


def content(path: Path) -> dict[str, bytes]:
    """A file's bytes, or those of a folder's files, without what a run says of itself while it lives."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files if not file.name.endswith(("lock", "heartbeat"))}


def timing(path: Path, name: str) -> float:
    return attributes(path)[("timing", name)]


class ResumeTest(ProgramTest):
    """A test of sweeps that are stopped."""

    def setUp(self) -> None:
        super().setUp()
        self.out = self.folder / "sweep.h5"

    def perturb(self, options: tuple[str, ...], *more: str | Path, out: Path | None = None, ranks: int = 0) -> Outcome:
        return run(*sweep_words(out or self.out, options, *more), ranks=ranks)

    def start(self, options: tuple[str, ...], *more: str | Path, ranks: int = 0) -> BackgroundRun:
        """A run that commits each round."""
        words = sweep_words(self.out, options, "--checkpoint-every", "0s", *more)
        return BackgroundRun(*words, ranks=ranks, shared_memory=Made.shared_memory)

    def killed(self, options: tuple[str, ...], *more: str | Path, blocks: int, part: str = "") -> int:
        """Kills a sweep's only rank once so many blocks are committed, and returns how many are."""
        checkpoint = work_of(self.out) / f"{part}checkpoint"
        with self.start(options, *more, ranks=1) as begun:
            begun.wait_for(lambda: committed(checkpoint) >= blocks, f"{blocks} blocks")
            self.assertTrue(begun.kill(0), f"not killed in time: {begun}")
        return committed(checkpoint)

    def assert_whole(self, options: tuple[str, ...], out: Path | None = None) -> None:
        """That a sweep is the one made at once, and nothing else is there."""
        made = out or self.out
        self.assertFalse(os.path.lexists(work_of(made)), "work in progress was left behind")
        self.assert_done(run("verify", whole(options), made))
        self.assertEqual(differences(whole(options), made), [])

    def refuse(self, code: int, options: tuple[str, ...], *more: str | Path, named: tuple[str, ...], ranks: int = 0,
               out: Path | None = None) -> None:  # fmt: skip
        """That code, all of that named, and nothing changed."""
        made = out or self.out
        there = [path for path in (made, work_of(made)) if path.exists()]
        before = [content(path) for path in there]
        self.assert_fails(self.perturb(options, *more, ranks=ranks, out=out), code, *named)
        self.assertEqual([path for path in (made, work_of(made)) if path.exists()], there)
        self.assertTrue([content(path) for path in there] == before, "what was there has changed")
