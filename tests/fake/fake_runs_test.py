"""The whole path of a device, on one that is make-believe (fake_device.hpp): every kind of run gives there what it gives
on the CPU, to the bit, and touches no memory of the device from the host."""

from __future__ import annotations

import json
import re
import signal
import unittest
from pathlib import Path

import h5py
from background_run import BackgroundRun
from orrery_program import Outcome, ProgramTest, run, slow_tiles
from tiny_models import IN_DOUBLE, tiny, write_corpus

REPORT = re.compile(
    r"fake device: (\d+) launches, (\d+) views, (\d+) allocations; copies: (\d+) to device \([\d.]+ MB\), "
    r"(\d+) to host"
)
SMALL = ("--min-chars", "60", "--max-chars", "200", "--permutations", "20", "--components", "6")
STOPPED = 85
FLOAT32, BFLOAT16 = ("--dtype", "float32"), ("--dtype", "bfloat16")


class FakeRunsTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = tiny("llama31")
        self.corpus = write_corpus(self.folder / "corpus.txt", 30)

    def on(self, device: str, *words: str | Path, ranks: int = 0) -> Outcome:
        """A finished run; on the device it must really have computed there."""
        outcome = self.assert_done(run(*words, "--device", device, "--threads", "2", ranks=ranks,
                                       extra={"FAKE_DEVICE_REPORT": "1"}, timeout=120))  # fmt: skip
        launches = [int(found[1]) for found in REPORT.finditer(outcome.errors)]
        self.assertEqual(len(launches), max(1, ranks), outcome.errors)
        if device == "cpu":
            self.assertEqual(launches, [0] * len(launches))
        else:
            self.assertGreater(min(launches), 50, f"each rank computes there: {outcome.errors}")
        return outcome

    def assert_same(self, here: Path, there: Path) -> None:
        """The same bits in all datasets; only the device differs."""
        compared = run("verify", here, there)
        differences = [line for line in compared.output.splitlines() if " datasets " not in line]
        self.assertEqual(differences, ["option [trace] device: cpu and auto".replace("trace", self.command)], compared)
        with h5py.File(there) as file:
            self.assertTrue(file.attrs["devices"].startswith("fake:0 "), file.attrs["devices"])
        self.assert_done(run("verify", there))

    def traced(self, *words: str, ranks: int = 0) -> tuple[Path, Path]:
        self.command = "trace"
        paths = self.folder / "cpu.h5", self.folder / "fake.h5"
        for device, path in zip(("cpu", "auto"), paths):
            self.on(device, "trace", "--model", self.model, "--corpus", self.corpus, *SMALL, *words, "--out", path,
                    ranks=ranks)  # fmt: skip
        self.assert_same(*paths)
        return paths

    def test_rows_kept(self) -> None:
        for words in (FLOAT32, BFLOAT16, IN_DOUBLE):
            with self.subTest(words[1]):
                for path in self.traced(*words):
                    path.unlink()

    def test_streamed(self) -> None:
        self.traced(*FLOAT32, "--moments", "streaming")

    def test_every_token(self) -> None:
        self.traced(*FLOAT32, "--tokens", "all")

    def test_layer_by_layer_on_two_ranks(self) -> None:
        self.traced(*FLOAT32, "--order", "layers", ranks=2)

    def test_perturb(self) -> None:
        trace, _ = self.traced(*FLOAT32)
        self.command = "perturb"
        paths = self.folder / "cpu-sweep.h5", self.folder / "fake-sweep.h5"
        for device, path in zip(("cpu", "auto"), paths):
            self.on(device, "perturb", "--trace", trace, "--prompts", "0-2", "--layers", "0,2", "--grid", "3",
                    "--directions", "3", "--epsilon", "0.1", "--kinds", "teleport,noise,ablate", "--ablate",
                    "mean", "--store", "states", "--out", path)  # fmt: skip
        self.assert_same(*paths)

    def test_stopped_and_resumed(self) -> None:
        self.command = "trace"
        words = ("trace", "--model", self.model, "--corpus", self.corpus, *SMALL, *FLOAT32, "--tile-tokens", "64",
                 "--checkpoint-every", "0s")  # fmt: skip
        here, there = self.folder / "cpu.h5", self.folder / "fake.h5"
        self.on("cpu", *words, "--out", here)
        checkpoint = Path(f"{there}.part") / "checkpoint"
        with BackgroundRun(*words, "--device", "auto", "--threads", "2", "--out", there, extra=slow_tiles(200)) as begun:
            begun.wait_for(lambda: checkpoint.exists() and len(json.loads(checkpoint.read_text())["blocks"]) > 2, "tiles")
            begun.send(signal.SIGUSR1)
            self.assertEqual(begun.wait(), STOPPED, str(begun))
        self.on("auto", *words, "--out", there, "--resume")
        with h5py.File(there) as file:
            self.assertGreater(file["timing"].attrs["resumed_tiles"], 2)
        self.assert_same(here, there)


if __name__ == "__main__":
    unittest.main()
