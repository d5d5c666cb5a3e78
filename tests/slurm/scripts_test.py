"""What the scripts of slurm/ do by themselves: what they refuse, what they give to sbatch, and where they bind a rank."""

from __future__ import annotations

import os
import re
import subprocess
import unittest
from pathlib import Path

from orrery_program import ROOT, Outcome, ProgramTest, environment, program

SCRIPTS = ROOT / "slurm"
BAD_USAGE, BAD_INPUT, NO_HELPER, BAD_FILE = 64, 65, 69, 74


class ScriptTest(ProgramTest):
    """A test with programs of its own before those of PATH."""

    def setUp(self) -> None:
        super().setUp()
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        self.asked = self.folder / "asked"
        self.asked.touch()

    def fake(self, name: str, answer: str) -> None:
        """A program that notes how it was called."""
        path = self.programs / name
        path.write_text(f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >>{self.asked}\n{answer}\n')
        path.chmod(0o755)

    def calls(self) -> list[str]:
        return self.asked.read_text().splitlines()

    def bash(self, script: str, *words: str | Path, **variables: str) -> Outcome:
        path = variables.pop("PATH", f"{self.programs}:{os.environ['PATH']}")
        done = subprocess.run(
            ["/bin/bash", str(SCRIPTS / script), *map(str, words)],
            env=environment({"PATH": path, "ORRERY_PROGRAM": str(program())} | variables),
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        return Outcome(script, done.returncode, done.stdout, done.stderr, 0, 0)


class Pipeline(ScriptTest):
    def setUp(self) -> None:
        super().setUp()
        # Each job is one more than the one before.
        self.fake("sbatch", f"echo $((100 + $(grep -c sbatch {self.asked})))")
        self.fake("scancel", "")
        (self.folder / "model").mkdir()
        (self.folder / "corpus.txt").write_text("a\n")
        (self.folder / "more.ini").write_text("[trace]\nseed = 1\n")
        self.words = ("--model", "model", "--corpus", "corpus.txt", "--out", "new/study")

    def test_jobs(self) -> None:
        sbatch = ("--nodes=4", "--time=02:00:00")
        done = self.assert_done(self.bash("pipeline.sh", *self.words, "--config", "more.ini", "--parts", "7", "--", *sbatch))
        here = self.folder.resolve()
        study = here / "new" / "study"
        sweep = f"--config {here}/more.ini --trace {study}/run.h5 --out {study}/sweep.h5"
        common, logs = "sbatch --parsable --kill-on-invalid-dep=yes", f"--output={study}/logs"
        self.assertEqual(self.calls(), [
            f"{common} {logs}/%x-%j.log {' '.join(sbatch)} {SCRIPTS}/trace.sbatch"
            f" --config {here}/more.ini --model {here}/model --corpus {here}/corpus.txt --out {study}/run.h5",
            f"{common} {logs}/%x-%A_%a.log --array=0-6 {' '.join(sbatch)} --dependency=afterok:101"
            f" {SCRIPTS}/perturb.sbatch {sweep}",
            f"{common} {logs}/%x-%j.log --dependency=afterok:102 {SCRIPTS}/join.sbatch {sweep}",
            f"{common} {logs}/%x-%j.log --dependency=afterok:103 {SCRIPTS}/figures.sbatch"
            f" {study}/run.h5 {study}/sweep.h5 --out {study}/figures",
        ])  # fmt: skip
        self.assertTrue((study / "logs").is_dir())
        for said in ("squeue --jobs 101,102,103,104", "scancel 101 102 103 104", f"{study}/logs/*.log"):
            self.assertIn(said, done.output)

    def test_refused(self) -> None:
        with_out = self.words[:4]
        for words, code, named in (
            ((), BAD_USAGE, "--model"),
            (with_out, BAD_USAGE, "--out"),
            ((*self.words, "--ranks", "3"), BAD_USAGE, "--ranks"),
            ((*self.words, "--parts"), BAD_USAGE, "--parts"),
            ((*self.words, "--parts", "0"), BAD_USAGE, "(0)"),
            ((*self.words, "--parts", "many"), BAD_USAGE, "(many)"),
            (("--model", "none", *self.words[2:]), BAD_INPUT, "(none)"),
            ((*self.words, "--corpus", "model"), BAD_INPUT, "(model)"),
            ((*self.words, "--config", "none.ini"), BAD_INPUT, "(none.ini)"),
            ((*with_out, "--out", "corpus.txt/study"), BAD_FILE, "corpus.txt/study"),
        ):
            with self.subTest(words=words):
                self.assert_fails(self.bash("pipeline.sh", *words), code, named)
                self.assertEqual(self.calls(), [])
        self.assert_fails(self.bash("pipeline.sh", *self.words, ORRERY_PROGRAM="/none/orrery"), BAD_USAGE, "/none/orrery")
        self.assert_fails(self.bash("pipeline.sh", *self.words, ORRERY_LAUNCHER="lamboot"), BAD_USAGE, "lamboot")

    def test_without_slurm(self) -> None:
        (self.programs / "sbatch").unlink()
        (self.programs / "scancel").unlink()
        path = f"{self.programs}:/usr/bin:/bin"
        self.assert_fails(self.bash("pipeline.sh", *self.words, PATH=path), NO_HELPER, "sbatch")

    def test_one_that_sbatch_refuses(self) -> None:
        """Those before it are taken back."""
        self.fake("sbatch", f"""
            [[ $(grep -c sbatch {self.asked}) -lt 3 ]] || {{ echo 'sbatch: error: no such account' >&2; exit 1; }}
            echo "7;cluster" """)  # fmt: skip
        self.assert_fails(self.bash("pipeline.sh", *self.words), BAD_USAGE, "join", "no such account")
        self.assertEqual(self.calls()[3:], ["scancel 7 7"])


class Part(ScriptTest):
    def test_an_array_that_counts_otherwise(self) -> None:
        for first, last, count in (("1", "4", "4"), ("0", "6", "4"), ("3", "3", "1")):
            done = self.bash("perturb.sbatch", ORRERY_SLURM=str(SCRIPTS), SLURM_ARRAY_TASK_ID=first,
                             SLURM_ARRAY_TASK_MIN=first, SLURM_ARRAY_TASK_MAX=last, SLURM_ARRAY_TASK_COUNT=count)  # fmt: skip
            self.assert_fails(done, BAD_USAGE, f"--array=0-{int(count) - 1}", f"{first} to {last}")

    def test_no_scripts_there(self) -> None:
        done = self.bash("trace.sbatch", SLURM_SUBMIT_DIR=str(self.folder))
        self.assertEqual(done.code, BAD_USAGE)
        self.assertIn(f"{self.folder}/slurm/common.sh", done.errors)


class Rank(ScriptTest):
    """Bound to the cores beside the GPU that orrery takes."""

    def setUp(self) -> None:
        super().setUp()
        # GPU 2 is 0000:c2:00.0, and cores 2-3 lie beside it; of GPU 5 the driver knows nothing.
        self.fake("nvidia-smi", '[[ $2 == [0-4] ]] && echo "00000000:C$2:00.0"')
        self.fake("cat", 'n=${1#*:c}; n=${n%%:*}; echo "$n-$((n + 1))"')
        self.fake("taskset", "")

    def bound(self, **variables: str) -> tuple[list[str], str, str]:
        """The programs asked, what the rank saw, and what was said."""
        self.asked.write_text("")
        word = 'echo "$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER $(trap)"'
        done = self.bash("rank.sh", "/bin/bash", "-c", word, **variables)
        self.assertEqual(done.code, 0, str(done))
        return [re.sub(r" \d+$", "", call) for call in self.calls()], done.output.strip(), done.errors

    def test_each_rank(self) -> None:
        for variables, gpu in (
            ({"SLURM_LOCALID": "2", "CUDA_VISIBLE_DEVICES": "0,1,2,3"}, 2),
            ({"SLURM_LOCALID": "3", "CUDA_VISIBLE_DEVICES": "0,1"}, 1),
            ({"SLURM_LOCALID": "3", "CUDA_VISIBLE_DEVICES": "4"}, 4),
            # mpirun's ranks have the batch script's SLURM_LOCALID, which is 0.
            ({"SLURM_LOCALID": "0", "OMPI_COMM_WORLD_LOCAL_RANK": "1", "CUDA_VISIBLE_DEVICES": "2,3"}, 3),
        ):
            with self.subTest(variables=variables):
                asked, seen, said = self.bound(**variables)
                self.assertEqual(asked, [
                    f"nvidia-smi -i {gpu} --query-gpu=pci.bus_id --format=csv,noheader",
                    f"cat /sys/bus/pci/devices/0000:c{gpu}:00.0/local_cpulist",
                    f"taskset --cpu-list --pid {gpu}-{gpu + 1}",
                ])  # fmt: skip
                # A signal that a shell finds ignored is listed as such.
                self.assertEqual(seen, f"{variables['CUDA_VISIBLE_DEVICES']} PCI_BUS_ID trap -- '' SIGUSR1")
                self.assertEqual(said, "")

    def test_without(self) -> None:
        """A GPU that can't be asked, and none."""
        asked, seen, said = self.bound(SLURM_LOCALID="1", CUDA_VISIBLE_DEVICES="4,5")
        self.assertEqual(len(asked), 1)
        self.assertRegex(said, r"^warning: rank 1 of \S+ is not bound to the cores of GPU 5\n$")
        for none in ({}, {"CUDA_VISIBLE_DEVICES": ""}):
            self.assertEqual(self.bound(SLURM_LOCALID="1", **none), ([], "trap -- '' SIGUSR1", ""))

    def test_real_taskset(self) -> None:
        """The words are those that it knows."""
        (self.programs / "taskset").unlink()
        core = min(os.sched_getaffinity(0))
        self.fake("cat", f"echo {core}")
        done = self.bash("rank.sh", "/bin/grep", "Cpus_allowed_list", "/proc/self/status", CUDA_VISIBLE_DEVICES="0")
        self.assertEqual(done.errors, "")
        self.assertEqual(done.output.split(), ["Cpus_allowed_list:", str(core)])


if __name__ == "__main__":
    unittest.main()
