"""Results that can't be written to stdout: 74, and a message; what a run made is there all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from field_faults import PLAIN, fault
from orrery_program import Outcome, ProgramTest, environment, launcher, program, run
from tiny_models import tiny, write_corpus

DONE, IO = 0, 74


def run_into(where: str, *words: str | Path, ranks: int = 0, prepare: Callable[[], None] | None = None) -> Outcome:
    """Runs the program with stdout going to a file of that name, or closed where it is "closed"."""
    command = [*(launcher(ranks) if ranks else []), str(program()), *map(str, words)]
    shell = ["/bin/sh", "-c", '"$@" >&-' if where == "closed" else f'"$@" >{where}', "sh", *command]
    done = subprocess.run(shell, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(), text=True,
                          timeout=60, preexec_fn=prepare)  # fmt: skip
    return Outcome(" ".join(shell), done.returncode, "", done.stderr, 0, 0)


class StreamsTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.made = Path(scratch.name)
        cls.words = ("trace", "--model", tiny("llama-mha"), "--corpus", write_corpus(cls.made / "corpus.txt", 8),
                     "--permutations", "10", *PLAIN, "--out")  # fmt: skip
        outcome = run(*cls.words, cls.made / "run.h5")
        assert outcome.code == 0, str(outcome)

    def commands(self) -> list[tuple[str | Path, ...]]:
        file = self.made / "run.h5"
        return [
            ("inspect", file),
            ("inspect", file, "--ini"),
            ("inspect", file, "--json"),
            ("inspect", file, "--plot"),
            ("verify", file),
            ("verify", file, file),
            ("figures", "--list"),
            ("plan", *self.words, "run.h5"),
            ("plan", "perturb", "--trace", file),
            ("doctor", "--out", self.folder),
            ("--version",),
            ("--help",),
            *((command, "--help") for command in ("trace", "verify", "doctor")),
        ]

    def test_stdout_full(self) -> None:
        words = (fault("stdout-full") / "command.txt").read_text()
        self.assertIn("/dev/full", words)
        for command in self.commands():
            with self.subTest(command=command):
                message = self.assert_fails(run_into("/dev/full", *command), IO, "standard output", "No space left")
                self.assertNotIn("is complete", message)

    def test_of_a_run_the_file_is_there(self) -> None:
        out, sweep = self.folder / "run.h5", self.folder / "sweep.h5"
        self.assert_fails(run_into("/dev/full", *self.words, out), IO, "standard output", f"{out} is complete")
        self.assert_done(run("verify", out))
        # Said again by a run that finds it done.
        self.assert_fails(run_into("/dev/full", *self.words, out, "--resume"), IO, "standard output")
        few = ("--prompts", "0", "--layers", "0", "--grid", "2")
        self.assert_fails(run_into("/dev/full", "perturb", "--trace", out, "--out", sweep, *few), IO, f"{sweep} is complete")
        self.assert_done(run("verify", sweep))

    def test_a_closed_stdout(self) -> None:
        """Nothing that the program opens may get its number: results would be written into it."""
        for command in (self.commands()[0], self.commands()[4]):
            with self.subTest(command=command):
                self.assert_fails(run_into("closed", *command), IO, "standard output", "Bad file descriptor")
        out = self.folder / "run.h5"
        self.assert_fails(run_into("closed", *self.words, out), IO, f"{out} is complete")
        self.assert_done(run("verify", out))

    def test_what_prints_nothing_needs_no_stdout(self) -> None:
        outcome = run_into("closed", "inspect", self.folder / "missing.h5")
        self.assert_fails(outcome, 65, "no such file")

    def test_a_pipe_that_nobody_reads(self) -> None:
        """The signal ends it, as it ends other programs; where it is ignored it is an error like others."""
        reader, writer = os.pipe()
        os.close(reader)
        command = [program(), "inspect", self.made / "run.h5", "--json"]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment(), timeout=60)
        self.assertEqual(done.returncode, -signal.SIGPIPE, done.stderr)
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment(), timeout=60, text=True,
                              preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN), restore_signals=False)  # fmt: skip
        os.close(writer)
        self.assert_fails(Outcome("", done.returncode, "", done.stderr, 0, 0), IO, "Broken pipe")


if __name__ == "__main__":
    unittest.main()
