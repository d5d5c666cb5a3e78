"""The jobs of slurm/ in a real Slurm of one node: with both launchers, stopped in the middle, and refused."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import tempfile
import unittest
from pathlib import Path

from one_node_slurm import OneNodeSlurm
from orrery_program import PYTHON, ROOT, ProgramTest, program, run
from tiny_models import tiny, write_corpus
from trace_file import attributes, differences

SCRIPTS = ROOT / "slurm"
BAD_USAGE, BAD_INPUT, INTERNAL, NO_RANKS, STOPPED, KILLED = 64, 65, 70, 75, 85, 137
#: Of this node, in place of what stands in the scripts.
TWO_RANKS = ("--nodes=1", "--ntasks-per-node=2", "--gpus-per-node=2", "--cpus-per-task=1")
OPTIONS = """\
[trace]
samples = 0
min-chars = 0
tile-tokens = 64
permutations = 10
checkpoint-every = 0s
threads = 1

[perturb]
prompts = all
batch-tokens = 150
grid = 14
checkpoint-every = 0s
threads = 1
"""
PARTS = 3


#: A program that ranks run, and that Slurm starts twice.
SLOW_TO_LISTEN = """
import os, signal, time

if os.environ.get("SLURM_RESTART_COUNT", "0") != "0":
    raise SystemExit(0)
time.sleep(3)

def stop(*_):
    print("asked to stop", flush=True)
    time.sleep(0.5)  # both ranks have said it, as mpirun ends all when one fails
    os._exit(85)

signal.signal(signal.SIGUSR1, stop)
time.sleep(60)
"""


class Made:
    """What all tests share: Slurm, a study's inputs, and the study made without Slurm, undisturbed."""

    folder: Path
    slurm: OneNodeSlurm
    corpus: Path
    config: Path
    trace: Path
    sweep: Path


def setUpModule() -> None:
    scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
    unittest.addModuleCleanup(scratch.cleanup)
    Made.folder = Path(scratch.name)
    Made.slurm = unittest.enterModuleContext(OneNodeSlurm(Made.folder / "slurm"))
    Made.corpus = write_corpus(Made.folder / "corpus.txt", 48)
    Made.config = Made.folder / "options.ini"
    Made.config.write_text(OPTIONS)
    Made.trace, Made.sweep = Made.folder / "trace.h5", Made.folder / "sweep.h5"
    for words in (("trace", *trace_words(Made.trace)), ("perturb", *sweep_words(Made.trace, Made.sweep))):
        outcome = run(*words, ranks=2)
        assert outcome.code == 0, outcome


def trace_words(out: Path) -> tuple[str | Path, ...]:
    return ("--config", Made.config, "--model", tiny("llama31"), "--corpus", Made.corpus, "--out", out)


def sweep_words(trace: Path, out: Path) -> tuple[str | Path, ...]:
    return ("--config", Made.config, "--trace", trace, "--out", out)


class JobTest(ProgramTest):
    """A test that submits jobs."""

    def setUp(self) -> None:
        super().setUp()
        self.slurm = Made.slurm
        self.addCleanup(self.slurm.cancel_all)
        self.out = self.folder / "run.h5"

    def submit(self, script: str, *words: str | Path, options: tuple[str, ...] = (), **variables: str) -> str:
        """As a user does in the checkout, with TWO_RANKS; returns the job's id."""
        log = "%x-%A_%a.log" if script == "perturb.sbatch" else "%x-%j.log"
        extra = {"ORRERY_PROGRAM": str(program())} | variables
        return self.slurm.submit(*TWO_RANKS, f"--output={self.folder}/{log}", *options, SCRIPTS / script, *words,
                                 extra=extra, folder=ROOT)  # fmt: skip

    def assert_ended(self, name: str, code: int = 0, restarts: int = 0) -> str:
        """With that exit code, after so many restarts; returns what the job said."""
        job = self.slurm.end_of(name)
        said = self.slurm.said(job)
        seen = (job["JobState"], job["ExitCode"], job["Restarts"])
        self.assertEqual(seen, ("FAILED" if code else "COMPLETED", f"{code}:0", str(restarts)), f"{job}\n{said}")
        return said

    def assert_same(self, undisturbed: Path, made: Path) -> None:
        self.assert_done(run("verify", undisturbed, made))
        self.assertEqual(differences(undisturbed, made), [])
        self.assertFalse(Path(f"{made}.part").exists(), "work in progress was left behind")

    def assert_made_by(self, path: Path, job: str, ranks: int = 2, gpus: int = 2) -> None:
        """What the file says of its job."""
        found = {name: value for (item, name), value in attributes(path).items() if item == "/"}
        host = socket.gethostname()
        self.assertEqual(found["job_id"], job)
        self.assertEqual(found["hosts"], ", ".join([host] * ranks))
        self.assertEqual(found["ranks"], ranks)
        self.assertEqual(len(re.findall(r"\bcpu\b", found["devices"])), ranks, found["devices"])
        numbers = re.fullmatch(rf"{re.escape(host)} ([\d,]+)", found.get("job_gpus", f"{host} "))
        self.assertEqual(len(numbers[1].split(",")) if numbers else 0, gpus)


class Pipeline(JobTest):
    """From a model and a corpus to figures."""

    def pipeline(self, *words: str | Path) -> dict[str, str]:
        """The ids of its jobs."""
        given = {"--model": tiny("llama31"), "--corpus": Made.corpus, "--out": self.folder / "study",
                 "--config": Made.config, "--parts": PARTS}  # fmt: skip
        given |= dict(zip(words[::2], words[1::2], strict=True))
        extra = {"ORRERY_PROGRAM": str(program())}
        command = [str(word) for pair in given.items() for word in pair]
        done = self.slurm.run("bash", SCRIPTS / "pipeline.sh", *command, "--", *TWO_RANKS, extra=extra, folder=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return dict(re.findall(r"(?m)^(trace|perturb|join|figures) +(\d+)", done.stdout))

    def test_all_jobs(self) -> None:
        jobs = self.pipeline()
        self.assertEqual(list(jobs), ["trace", "perturb", "join", "figures"])
        self.assert_ended(jobs["trace"])
        for part in range(PARTS):
            self.assert_ended(f"{jobs['perturb']}_{part}")
        self.assert_ended(jobs["join"])
        self.assert_ended(jobs["figures"])
        study = self.folder / "study"
        self.assert_same(Made.trace, study / "run.h5")
        self.assert_same(Made.sweep, study / "sweep.h5")
        self.assertTrue((study / "figures" / "index.html").is_file())
        self.assert_made_by(study / "run.h5", jobs["trace"])
        self.assert_made_by(study / "sweep.h5", jobs["join"], ranks=1, gpus=0)
        self.assertEqual(len(list((study / "logs").iterdir())), 3 + PARTS)
        # Submitted again, each says that it is done.
        before = [(study / name).stat().st_mtime_ns for name in ("run.h5", "sweep.h5")]
        jobs = self.pipeline()
        self.assert_ended(jobs["figures"])
        self.assertEqual([(study / name).stat().st_mtime_ns for name in ("run.h5", "sweep.h5")], before)

    def test_one_that_fails(self) -> None:
        """Its code is the job's, and those behind it are dropped."""
        (self.folder / "empty").mkdir()
        jobs = self.pipeline("--model", self.folder / "empty")
        said = self.assert_ended(jobs["trace"], BAD_INPUT)
        self.assertEqual(len(re.findall(r"(?m)^orrery: ", said)), 1, said)
        for name in ("perturb", "join", "figures"):
            self.assertEqual(self.slurm.end_of(jobs[name])["JobState"], "CANCELLED", name)


class Launchers(JobTest):
    """srun with PMIx and mpirun, and srun without it."""

    def test_mpirun(self) -> None:
        job = self.submit("trace.sbatch", *trace_words(self.out), ORRERY_LAUNCHER="mpirun")
        self.assert_ended(job)
        self.assert_same(Made.trace, self.out)
        self.assert_made_by(self.out, job)

    def wrap(self, command: str) -> str:
        """A batch script of that command, for two tasks."""
        script = self.folder / "job.sh"
        script.write_text(f"#!/bin/bash\n{command}\n")
        return self.slurm.submit("--ntasks=2", f"--output={self.folder}/%j.log", script)

    def test_srun_without_pmix(self) -> None:
        """Refused in one message, by all with that code, before MPI starts."""
        words = " ".join(map(str, trace_words(self.out)))
        for mpi in ("", "--mpi=none", "--mpi=pmi2"):
            with self.subTest(mpi=mpi):
                said = self.assert_ended(self.wrap(f"srun {mpi} {program()} trace {words}"), BAD_USAGE)
                own = [line for line in said.splitlines() if not line.startswith("srun: ")]
                self.assertEqual(len(own), 1, said)
                self.assertRegex(own[0], r"^orrery: .+ \(.+\): .*srun --mpi=pmix")
                ended = re.findall(rf"tasks? (\d)-?(\d?): Exited with exit code {BAD_USAGE}", said)
                self.assertEqual({task for tasks in ended for task in tasks} - {""}, {"0", "1"}, said)
                self.assert_nothing_at(self.out)

    def test_a_lone_command(self) -> None:
        """Of a batch script for several tasks: nobody started more than one."""
        job = self.wrap(f"{program()} trace {' '.join(map(str, trace_words(self.out)))}")
        self.assert_ended(job)
        self.assert_same(Made.trace, self.out)
        self.assert_made_by(self.out, job, ranks=1, gpus=0)

    def test_no_rank_started(self) -> None:
        """srun succeeds all the same: its daemon's folder for PMIx is there already, as one that crashed leaves it."""
        job = self.submit("trace.sbatch", *trace_words(self.out), options=("--hold",))
        (self.slurm.folder / "tmp" / f"spmix_appdir_{os.getuid()}_{job}.0").mkdir()
        self.assertEqual(self.slurm.run("scontrol", "release", job).returncode, 0)
        said = self.assert_ended(job, NO_RANKS)
        self.assertIn("launch failed", said)
        self.assertEqual(len(re.findall(r"(?m)^orrery: no rank was started \(srun .+\): .+$", said)), 1, said)

    def test_unknown(self) -> None:
        said = self.assert_ended(self.submit("trace.sbatch", ORRERY_LAUNCHER="aprun"), BAD_USAGE)
        self.assertEqual(said, "orrery: ORRERY_LAUNCHER is unknown (aprun): give srun or mpirun\n")


class Stopped(JobTest):
    """By the signal that Slurm sends to a batch script before a job's time is up."""

    def stop(self, name: str) -> None:
        done = self.slurm.run("scancel", "--signal=USR1", "--batch", name)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"{self.slurm.job(name)} {self.slurm.logs()}")

    def stop_in_the_middle(self, name: str, checkpoint: Path) -> None:
        """Holds its first rank once something is committed, until the signal has come to it."""
        rank = 0

        def has_begun(job: dict[str, str]) -> bool:
            nonlocal rank
            rank = first_rank(job["JobId"]) if committed(checkpoint) > 0 else 0
            return rank != 0

        self.slurm.wait_for(name, has_begun, "a checkpoint", pause=0.003)
        os.kill(rank, signal.SIGSTOP)
        try:
            self.stop(name)
            self.slurm.wait_for(name, lambda _: has_pending(rank, signal.SIGUSR1), "the signal's coming")
        finally:
            os.kill(rank, signal.SIGCONT)

    def stopped_trace(self, launcher: str) -> None:
        job = self.submit("trace.sbatch", *trace_words(self.out), ORRERY_LAUNCHER=launcher)
        after = self.slurm.submit(f"--dependency=afterok:{job}", "--kill-on-invalid-dep=yes", "--wrap=true")
        self.stop_in_the_middle(job, Path(f"{self.out}.part/checkpoint"))
        self.assert_ended(job, restarts=1)
        self.assert_same(Made.trace, self.out)
        self.assert_made_by(self.out, job)
        self.assertGreater(attributes(self.out)[("timing", "resumed_tiles")], 0)
        self.assert_ended(after)

    def test_trace_by_srun(self) -> None:
        self.stopped_trace("srun")

    def test_trace_by_mpirun(self) -> None:
        self.stopped_trace("mpirun")

    def test_parts(self) -> None:
        """One, and the last, which has the array's own number as its job's."""
        array = self.submit("perturb.sbatch", *sweep_words(Made.trace, self.out), options=(f"--array=0-{PARTS - 1}",))
        join = self.submit("join.sbatch", *sweep_words(Made.trace, self.out), options=(f"--dependency=afterok:{array}",))
        work = Path(f"{self.out}.part")
        for part in (1, PARTS - 1):
            self.stop_in_the_middle(f"{array}_{part}", work / f"{part}-of-{PARTS}.checkpoint")
        for part, restarts in enumerate((0, 1, 1)):
            said = self.assert_ended(f"{array}_{part}", restarts=restarts)
            self.assertEqual(len(re.findall(r"[1-9]\d* of \d+ blocks are done already", said)), restarts, said)
        self.assert_ended(join)
        self.assert_same(Made.sweep, self.out)

    def test_before_anyone_listens(self) -> None:
        """A signal that comes too early kills nobody, and comes again."""
        texts = {name: f"#!/bin/bash\necho {name} begins\nsleep 3\nPATH=${{PATH#*:}} exec {name} \"$@\"\n"
                 for name in ("srun", "mpirun")}  # fmt: skip
        for name, text in (texts | {"slow": f"#!{PYTHON}\n{SLOW_TO_LISTEN}"}).items():
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)
        path = f"{self.folder}:{self.slurm.path}"
        jobs = [self.submit("trace.sbatch", ORRERY_LAUNCHER=name, ORRERY_PROGRAM=str(self.folder / "slow"), PATH=path)
                for name in texts]  # fmt: skip
        for job in jobs:
            self.slurm.wait_for(job, lambda job: "begins" in self.slurm.said(job), "its launcher")
            self.stop(job)
        for job in jobs:
            said = self.assert_ended(job, restarts=1)
            self.assertEqual(said.count("asked to stop"), 2, said)

    def test_too_often(self) -> None:
        """Then it is left, and goes on when it is submitted again."""
        job = self.submit("trace.sbatch", *trace_words(self.out), ORRERY_RESTARTS="0")
        self.stop_in_the_middle(job, Path(f"{self.out}.part/checkpoint"))
        said = self.assert_ended(job, STOPPED)
        self.assertIn(f"orrery: job {job} was stopped after 0 restarts", said)
        self.assert_ended(self.submit("trace.sbatch", *trace_words(self.out)))
        self.assert_same(Made.trace, self.out)
        self.assertGreater(attributes(self.out)[("timing", "resumed_tiles")], 0)


class Broken(JobTest):
    """A rank that fails takes the others with it, whoever started them."""

    def broken(self, launcher: str, fault: str, *words: str, code: int = INTERNAL) -> str:
        """What a job of the faulty program said; the same job without the fault then goes on."""
        given = {"ORRERY_LAUNCHER": launcher, "ORRERY_PROGRAM": str(program().with_name("orrery_faulty"))}
        job = self.submit("trace.sbatch", *trace_words(self.out), *words, **given, ORRERY_FAULT=fault)
        said = self.assert_ended(job, code)
        messages = [line for line in said.splitlines() if line.startswith("orrery: ")]
        self.assertEqual(len(messages), 1, said)
        self.assertFalse(self.out.exists())
        self.assert_ended(self.submit("trace.sbatch", *trace_words(self.out), **given))
        self.assert_same(Made.trace, self.out)
        self.assertGreater(attributes(self.out)[("timing", "resumed_tiles")], 0)
        return messages[0]

    def stalled(self, launcher: str, code: int) -> None:
        said = self.broken(launcher, "writing the checkpoint#3@1=stall", "--stall-minutes", "0.1", code=code)
        self.assertRegex(said, "1 rank waits for rank 1 on .*writing the checkpoint")

    def test_stalled_under_srun(self) -> None:
        """It gives the highest code of all ranks: that of one which had to be killed."""
        self.stalled("srun", KILLED)

    def test_stalled_under_mpirun(self) -> None:
        self.stalled("mpirun", INTERNAL)

    def test_an_exception_under_srun(self) -> None:
        """All ranks agree on it, so that its code is the job's."""
        self.assertIn("rank 1", self.broken("srun", "writing the checkpoint#3@1=exception"))


def committed(checkpoint: Path) -> int:
    """The blocks that a checkpoint counts as done; 0 where there is none."""
    return len(json.loads(checkpoint.read_text())["blocks"]) if checkpoint.exists() else 0


def first_rank(job: str) -> int:
    """The process of that job's rank 0; 0 where there is none."""
    for folder in Path("/proc").iterdir():
        try:
            if not folder.name.isdigit() or folder.joinpath("exe").readlink() != program().resolve():
                continue
            variables = set(folder.joinpath("environ").read_bytes().split(b"\0"))
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
        if f"SLURM_JOB_ID={job}".encode() in variables and variables & {b"PMIX_RANK=0", b"OMPI_COMM_WORLD_RANK=0"}:
            return int(folder.name)
    return 0


def has_pending(pid: int, sign: signal.Signals) -> bool:
    """Whether that signal waits for a process."""
    waiting = re.findall(r"(?m)^S[hi][dg]Pnd:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return any(int(mask, 16) >> (sign - 1) & 1 for mask in waiting)


if __name__ == "__main__":
    unittest.main()
