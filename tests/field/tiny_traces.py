"""Tiny traces that are drawn by a seed: few samples, some of them equal, of models with units and layers that do
nothing. By itself, `tiny_traces.py 200` verifies so many of each kind, and tells which are not clean."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from field_faults import PLAIN
from orrery_program import run
from safetensors_file import read_tensors, write_tensors
from tiny_models import tiny

WORDS = "one two three four five six seven eight nine run fast river stone light walk sing old tree".split()

#: How rows are taken together, and which tokens are measured.
KINDS = {"kept": (), "streamed": ("--moments", "streaming"), "all": ("--tokens", "all")}

MODELS = ("llama-mha", "llama-gqa", "llama31", "llama-bias", "llama-dead")


def write_dead_model(folder: Path) -> Path:
    """llama-bias with a third of its units always 0, a layer that writes nothing, and one that writes next to
    nothing."""
    source = tiny("llama-bias")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors"), copy_function=shutil.copyfile)
    folder.chmod(0o755)
    weights = {name: values.astype(np.float32) for name, values in read_tensors(source / "model.safetensors").items()}
    for name, values in weights.items():
        writes = "self_attn.o_proj" in name or "mlp.down_proj" in name
        if "embed_tokens" in name:
            values[:, ::3] = 0
        elif writes:
            values *= 0 if ".layers.0." in name else 1e-7 if ".layers.1." in name else 1
            values[::3] = 0
    write_tensors(folder / "model.safetensors", weights)
    return folder


@dataclass(frozen=True)
class TinyTrace:
    """What a trace is made of."""

    seed: int
    model: str
    lines: tuple[str, ...]

    @staticmethod
    def drawn(seed: int) -> TinyTrace:
        """1 to 12 samples of 1 to 5 words: mostly different ones, or all the same, or some of them twice, or all with
        the same last word."""
        draw = random.Random(seed)
        count = 1 + seed % 12
        lines = [" ".join(draw.choices(WORDS, k=draw.randint(1, 5))) for _ in range(count)]
        habit = draw.choice(("different", "different", "different", "equal", "twice", "last word"))
        if habit == "equal":
            lines = lines[:1] * count
        elif habit == "twice":
            lines = [draw.choice(lines[: (count + 1) // 2]) for _ in lines]
        elif habit == "last word":
            lines = [f"{line} tree" for line in lines]
        return TinyTrace(seed, draw.choice(MODELS), tuple(lines))

    def write(self, folder: Path, kind: str) -> Path:
        """The file of that kind, in a folder of its own."""
        folder.mkdir(exist_ok=True)
        corpus, out = folder / "corpus.txt", folder / f"{kind}.h5"
        corpus.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        model = tiny(self.model) if self.model != "llama-dead" else folder.parent / self.model
        if not model.exists():
            write_dead_model(model)
        outcome = run("trace", "--model", model, "--corpus", corpus, *PLAIN, "--permutations", "20", "--components", "20",
                      *KINDS[kind], "--overwrite", "--out", out)  # fmt: skip
        if outcome.code != 0:
            raise AssertionError(f"{self}: {outcome}")
        return out


def failures(seeds: Iterable[int], folder: Path, kinds: Iterable[str] = tuple(KINDS)) -> list[str]:
    """What `verify` finds wrong with the traces of these seeds and kinds."""
    found = []
    for seed in seeds:
        trace = TinyTrace.drawn(seed)
        for kind in kinds:
            outcome = run("verify", trace.write(folder / f"trace-{seed}", kind))
            wrong = [line for line in outcome.output.splitlines() if line.startswith("FAILED")]
            if outcome.code != 0 or wrong:
                found.append(f"{kind} {trace}: exit code {outcome.code}, {'; '.join(wrong)}")
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="orrery-tiny-") as scratch:
        wrong = failures(range(int(sys.argv[1])), Path(scratch))
    print("\n".join([*wrong, f"{len(wrong)} of {3 * int(sys.argv[1])} files are not clean"]))
    sys.exit(1 if wrong else 0)
