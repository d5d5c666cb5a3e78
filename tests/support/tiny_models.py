"""The tiny Llamas of the test data, whose residual streams are known, and a corpus for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from orrery_program import shared_data
from safetensors_file import read_tensors, write_tensors

#: Everything in double precision: within 1e-11 of the known streams (README of the models).
IN_DOUBLE = ("--dtype", "float64", "--residual", "float64")


def tiny(name: str) -> Path:
    return shared_data(f"models/{name}")


def write_corpus(path: Path, rows: int, longest: int = 200) -> Path:
    """The first `rows` rows of WikiText-2 of between 60 and `longest` characters."""
    kept: list[str] = []
    for line in shared_data("wikitext-2/wiki.test.raw").read_text(encoding="utf-8").split("\n"):
        if 60 < len(line.strip()) < longest and len(kept) < rows:
            kept.append(line.strip())
    assert len(kept) == rows
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def golden_streams(model: str) -> list[np.ndarray]:
    """(T, P, D) of prompts 1 … 4, which are the rows of the model's corpus: every token, BOS first."""
    expected = read_tensors(tiny(model) / "expected.safetensors")
    return [expected[f"residual.{prompt}"] for prompt in range(1, 5)]


def golden_rows(model: str) -> np.ndarray:
    """(4, P, D): the last token of each."""
    return np.stack([stream[-1] for stream in golden_streams(model)])


def write_calm_model(folder: Path) -> Path:
    """llama-bias with weights of which a stream that is moved comes back: its attention is weak, and its MLPs take a
    part of the normalised stream away (the gate is the same for all units)."""
    source = tiny("llama-bias")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    folder.chmod(0o755)
    weights = {name: values.astype(np.float64) for name, values in read_tensors(source / "model.safetensors").items()}
    for name, values in weights.items():
        if "self_attn.o_proj.weight" in name:
            values *= 0.3
        elif "mlp.gate_proj" in name:
            values[:] = 1.0 if name.endswith("bias") else 0.0
        elif "mlp.up_proj.weight" in name:
            values[:] = np.eye(*values.shape)
        elif "mlp.down_proj.weight" in name:
            values[:] = -0.6 * np.eye(*values.shape)
    write_tensors(folder / "model.safetensors", weights)
    return folder


def write_deep_model(folder: Path) -> Path:
    """Of six layers: 12 points in a mean trajectory, as local turns need 10 and the tiny models have 8. Its weights
    are to be drawn."""
    shutil.copytree(tiny("llama31"), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    folder.chmod(0o755)
    config = json.loads((folder / "config.json").read_text())
    config["num_hidden_layers"] = 6
    (folder / "config.json").chmod(0o644)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
