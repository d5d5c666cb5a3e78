"""A trace and a sweep of a tiny model, their figures, and what stands in a figure's files."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from orrery_program import ProgramTest, run
from tiny_models import tiny, write_corpus
from trace_file import datasets

Numbers = NDArray[np.float64]


@dataclass
class Layer:
    """A block of a data file: one curve, cloud, map … of a panel."""

    panel: int  #: from 1
    columns: dict[str, Numbers]

    def __getitem__(self, column: str) -> Numbers:
        return self.columns[column]


def read_data(path: Path) -> list[Layer]:
    """The blocks of NAME.dat, in order."""
    layers = []
    for block in path.read_text().split("\n\n\n"):
        head, _, rows = block.partition("\n")
        found = re.fullmatch(r"# panel (\d+): (.+)", head)
        assert found, head
        names = found[2].split()
        numbers = np.array([[float(word) for word in row.split()] for row in rows.splitlines()]).reshape(-1, len(names))
        layers.append(Layer(int(found[1]), dict(zip(names, numbers.T, strict=True))))
    return layers


class FiguresTest(ProgramTest):
    """Figures of a trace of 30 rows (4 layers) and of a sweep of it with all kinds, drawn once for all tests."""

    made: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.made = tempfile.TemporaryDirectory(prefix="orrery-figures-")
        folder = Path(cls.made.name)
        cls.run_file, cls.sweep_file, cls.drawn = folder / "run.h5", folder / "sweep.h5", folder / "figures"
        corpus = write_corpus(folder / "corpus.txt", 30)
        words = ("--min-chars", "0", "--permutations", "20", "--components", "8", "--progress", "none")
        cls.must("trace", "--model", tiny("llama31"), "--corpus", corpus, "--out", cls.run_file, *words)
        cls.must("perturb", "--trace", cls.run_file, "--out", cls.sweep_file, "--kinds", "teleport,noise,ablate",
                 "--prompts", "0-3", "--grid", "5", "--epsilon", "0.1,0.3,1", "--directions", "2",
                 "--pc-directions", "1", "--progress", "none")  # fmt: skip
        cls.must("figures", cls.run_file, cls.sweep_file, "--out", cls.drawn, "--format", "svg")
        cls.trace_numbers, cls.sweep_numbers = datasets(cls.run_file), datasets(cls.sweep_file)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.made.cleanup()
        super().tearDownClass()

    @classmethod
    def must(cls, *words: str | Path) -> None:
        outcome = run(*words, timeout=120)
        assert outcome.code == 0, outcome

    def data(self, name: str, panel: int = 0) -> list[Layer]:
        """The layers of a figure, or of one of its panels."""
        return [layer for layer in read_data(self.drawn / f"{name}.dat") if panel in (0, layer.panel)]
