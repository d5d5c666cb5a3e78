"""A run that goes on elsewhere ends in the bits of one that was never stopped, or says why it can't; and ranks that
compute unlike each other are spoken of."""

from __future__ import annotations

import json
import signal
import subprocess
import unittest
from pathlib import Path

from background_run import BackgroundRun
from orrery_program import ProgramTest, environment, launcher, program, run, slow_tiles
from tiny_models import tiny, write_corpus

BAD_USAGE, STOPPED = 64, 85
#: What chooses kernels, each at a value that no run here has by itself.
CHOICES = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2",
}


class OtherKernels(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.corpus = write_corpus(self.folder / "corpus.txt", 20)
        self.out = self.folder / "run.h5"

    def words(self, *more: str | Path) -> tuple[str | Path, ...]:
        return ("trace", "--model", tiny("llama31"), "--corpus", self.corpus, "--out", self.out, "--min-chars", "0",
                "--permutations", "10", "--tile-tokens", "64", "--threads", "1", "--checkpoint-every", "0s", *more)  # fmt: skip

    def test_resume_under_another_instruction_set(self) -> None:
        work = Path(f"{self.out}.part")
        with BackgroundRun(*self.words(), extra=slow_tiles(50)) as begun:
            begun.wait_for((work / "checkpoint").exists, "a checkpoint")
            begun.wait_for(lambda: bool(json.loads((work / "checkpoint").read_text())["blocks"]), "a tile")
            begun.send(signal.SIGUSR1)
            self.assertEqual(begun.wait(), STOPPED, str(begun))
        for name, value in CHOICES.items():
            with self.subTest(variable=name):
                message = self.assert_fails(run(*self.words("--resume"), extra={name: value}), BAD_USAGE)
                self.assertIn(f"{name}={value}", message)
                self.assertIn("in the work in progress", message)
        # What changes no number is none of them.
        self.assert_done(run(*self.words("--resume"), extra={"MKL_NUM_THREADS": "2", "ONEDNN_VERBOSE": "0"}))

    def test_ranks_with_other_kernels_are_a_warning(self) -> None:
        mpirun = [*launcher(2)[:-2], "-n", "1"]
        one = [str(program()), *map(str, self.words())]
        mixed = [*mpirun, "-x", "ATEN_CPU_CAPABILITY=default", *one, ":", "-n", "1", *one]
        outcome = subprocess.run(mixed, env=environment(), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertIn("different processors or kernels", outcome.stderr)
        self.assertIn("ATEN_CPU_CAPABILITY=default", outcome.stderr)

    def test_parts_of_other_kernels_are_a_warning(self) -> None:
        self.assert_done(run(*self.words()))
        sweep = ("perturb", "--trace", self.out, "--out", self.folder / "sweep.h5", "--prompts", "0-1", "--grid", "2",
                 "--kinds", "teleport", "--batch-tokens", "1")  # fmt: skip
        alike = self.assert_done(run(*sweep, "--part", "0/2"))
        self.assert_done(run(*sweep, "--part", "1/2", extra={"MKL_CBWR": "COMPATIBLE"}))
        joined = self.assert_done(run(*sweep, "--join"))
        self.assertIn("different processors or kernels", joined.errors)
        self.assertNotIn("different processors or kernels", alike.errors)


class Products(ProgramTest):
    def test_a_gpus_products_are_cublas_lts(self) -> None:
        """Plain cuBLAS refuses those of bfloat16 that must not be split."""
        for asked in ({}, {"TORCH_BLAS_PREFER_CUBLASLT": "0"}):
            outcome = self.assert_done(run("doctor", "--out", self.folder, extra=asked))
            self.assertIn("products there by cuBLASLt", outcome.output)


if __name__ == "__main__":
    unittest.main()
