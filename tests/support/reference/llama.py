"""A Llama by its formulas, one prompt at a time: every run goes through the whole prompt again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors_file import read_tensors

from .expected import Array


@dataclass(frozen=True)
class Replacement:
    """The last token's stream at the input of a layer is this one."""

    layer: int
    stream: Array  #: (D)


@dataclass(frozen=True)
class Ablation:
    """What a part of a layer puts out for the last token is this: a head's slice of the attention's mix (before the
    output projection), or what the MLP adds to the stream."""

    layer: int
    head: int | None  #: None: the MLP
    output: Array | float


@dataclass(frozen=True)
class Run:
    """One prompt of T tokens."""

    residual: Array  #: (T, P, D) before any norm: entering attention and MLP of each layer, and after the last
    logits: Array  #: (V) of the last token
    mix: Array  #: (L, heads, head_dim) what the attention of the last token mixed
    mlp: Array  #: (L, D) what the MLP put out for it


def rope_of(config: dict[str, Any]) -> dict[str, Any]:
    """`rope_parameters`, or `rope_theta` with `rope_scaling`."""
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    theta = scaling.get("rope_theta", config.get("rope_theta", 10000.0))
    return {**scaling, "theta": theta, "type": scaling.get("rope_type", "default")}


def frequencies(rope: dict[str, Any], head_dim: int) -> Array:
    """(head_dim / 2) radians a position."""
    plain = np.array([float(rope["theta"]) ** (-2 * i / head_dim) for i in range(head_dim // 2)])
    if rope["type"] == "default":
        return plain
    assert rope["type"] == "llama3", rope
    factor, low, high = rope["factor"], rope["low_freq_factor"], rope["high_freq_factor"]
    turns = rope["original_max_position_embeddings"] * plain / (2 * np.pi)
    # Few turns within the original length: stretched; many: kept; a straight line between.
    kept = np.clip((turns - low) / (high - low), 0, 1)
    return plain * (kept + (1 - kept) / factor)


def rotated(heads: Array, angle: Array) -> Array:
    """(T, heads, h): the pairs (i, i + h/2) turned by angle (T, h/2)."""
    half = heads.shape[-1] // 2
    one, other = heads[..., :half], heads[..., half:]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.concatenate([one * cos - other * sin, other * cos + one * sin], axis=-1)


def softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def log_softmax(logits: Array) -> Array:
    above = logits - logits.max(axis=-1, keepdims=True)
    return above - np.log(np.exp(above).sum(axis=-1, keepdims=True))


class Llama:
    """Weights widened to double precision."""

    def __init__(self, config: dict[str, Any], tensors: dict[str, Array]) -> None:
        self.weights = {name: values.astype(np.float64) for name, values in tensors.items()}
        self.layers: int = config["num_hidden_layers"]
        self.width: int = config["hidden_size"]
        self.heads: int = config["num_attention_heads"]
        self.kv_heads: int = config.get("num_key_value_heads") or self.heads
        self.head_dim: int = config.get("head_dim") or self.width // self.heads
        self.epsilon: float = config["rms_norm_eps"]
        self.frequency = frequencies(rope_of(config), self.head_dim)
        tied = config.get("tie_word_embeddings", False)
        self.head = self.weights["model.embed_tokens.weight" if tied else "lm_head.weight"]  # (V, D)

    @classmethod
    def of_folder(cls, folder: Path) -> Llama:
        """As Hugging Face lays it out."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return cls(config, read_tensors(folder / "model.safetensors"))

    @property
    def points(self) -> int:
        return 2 * self.layers + 1

    def linear(self, name: str, x: Array) -> Array:
        """x Wᵀ, and the bias where there is one."""
        return x @ self.weights[f"{name}.weight"].T + self.weights.get(f"{name}.bias", 0.0)

    def norm(self, name: str, x: Array) -> Array:
        return self.weights[f"{name}.weight"] * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon)

    def attention_mix(self, name: str, x: Array) -> Array:
        """(T, heads, h): what each head of each token mixes of the values at and before it."""
        tokens = len(x)
        angle = np.arange(tokens)[:, None] * self.frequency

        def split(projection: str) -> Array:
            return self.linear(f"{name}.{projection}_proj", x).reshape(tokens, -1, self.head_dim)

        query, key, value = rotated(split("q"), angle), rotated(split("k"), angle), split("v")
        mixed = np.empty((tokens, self.heads, self.head_dim))
        for head in range(self.heads):
            other = head // (self.heads // self.kv_heads)
            scores = query[:, head] @ key[:, other].T / np.sqrt(self.head_dim)
            scores[np.triu_indices(tokens, 1)] = -np.inf
            mixed[:, head] = softmax(scores) @ value[:, other]
        return mixed

    def mlp(self, name: str, x: Array) -> Array:
        gate = self.linear(f"{name}.gate_proj", x)
        return self.linear(f"{name}.down_proj", gate / (1 + np.exp(-gate)) * self.linear(f"{name}.up_proj", x))

    def run(self, ids: Array, replaced: Replacement | None = None, ablated: Ablation | None = None) -> Run:
        """One prompt, and what was put into its last token."""
        x = self.weights["model.embed_tokens.weight"][ids]
        points, mixes, outputs = [], [], []
        for layer in range(self.layers):
            name = f"model.layers.{layer}"
            here = ablated if ablated and ablated.layer == layer else None
            if replaced and replaced.layer == layer:
                x = np.concatenate([x[:-1], replaced.stream[None]])
            points.append(x)
            mix = self.attention_mix(f"{name}.self_attn", self.norm(f"{name}.input_layernorm", x))
            mixes.append(mix[-1].copy())
            if here and here.head is not None:
                mix[-1, here.head] = here.output
            x = x + self.linear(f"{name}.self_attn.o_proj", mix.reshape(len(x), -1))
            points.append(x)
            output = self.mlp(f"{name}.mlp", self.norm(f"{name}.post_attention_layernorm", x))
            outputs.append(output[-1].copy())
            if here and here.head is None:
                output[-1] = here.output
            x = x + output
        points.append(x)
        logits = self.norm("model.norm", x[-1]) @ self.head.T
        return Run(np.stack(points, axis=1), logits, np.stack(mixes), np.stack(outputs))

    def logit_error(self, stream: float) -> float:
        """How far a logit goes where the final stream is off by `stream` of its length: normalised, it has length √D
        at most and is off by twice that part of it."""
        weighted = self.head * self.weights["model.norm.weight"]
        return float(2 * stream * np.sqrt(self.width) * np.sqrt((weighted**2).sum(axis=1)).max())
