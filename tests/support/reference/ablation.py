"""Heads and MLPs set to zero or to their mean, one at a time, for the last token.

Q prompts, A ablated layers, H heads, P points; parts are head 0 … H − 1, then the MLP.
"""

from __future__ import annotations

import numpy as np

from .expected import Array, Expected, stored_single
from .llama import Ablation, Llama
from .paths import (
    Baseline,
    averaged,
    cosine_of,
    distance_of,
    kl_of,
    length,
    logit_error,
    stream_error,
    top1_of,
)


def part_means(model: Llama, prompts: list[Array]) -> tuple[Array, Array]:
    """(L, H, head_dim) and (L, D): what each part puts out for the last of these tokens, on average over prompts."""
    runs = [model.run(ids) for ids in prompts]
    return np.mean([run.mix for run in runs], axis=0), np.mean([run.mlp for run in runs], axis=0)


def norm_change(x: Array, own: Array) -> Expected:
    return Expected(length(x) - length(own), stream_error(x) + stream_error(own))


def velocity_change(x: Array, own: Array) -> Expected:
    """(…, P − 1)."""
    steps = [length(one[..., 1:, :] - one[..., :-1, :]) for one in (x, own)]
    loss = stream_error(x) + stream_error(own)
    return Expected(steps[0] - steps[1], loss[..., 1:] + loss[..., :-1])


def cosine_change(x: Array, own: Array) -> Expected:
    """(…, P − 1)."""
    cosines = [cosine_of(one[..., :-1, :], one[..., 1:, :]) for one in (x, own)]
    return Expected(cosines[0].value - cosines[1].value, cosines[0].bound + cosines[1].bound)


def ablation_of(base: Baseline, layers: list[int], means: tuple[Array, Array] | None) -> dict[str, Expected]:
    """/ablation; without means parts are set to zero."""
    model, streams, logits = base.model, [], []
    for ids in base.prompts:
        for layer in layers:
            for head in (*range(model.heads), None):
                output: Array | float = 0.0
                if means is not None:
                    output = means[1][layer] if head is None else means[0][layer, head]
                run = model.run(ids, ablated=Ablation(layer, head, output))
                stream = run.residual[-1].copy()
                stream[: 2 * layer] = np.nan
                streams.append(stream)
                logits.append(run.logits)
    shape = (len(base.prompts), len(layers), model.heads + 1)
    x, perturbed = np.array(streams).reshape(*shape, model.points, -1), np.array(logits).reshape(*shape, -1)
    own = np.broadcast_to(base.stream[:, None, None], x.shape)
    own_logits = np.broadcast_to(base.logits[:, None, None], perturbed.shape)
    error = np.maximum(logit_error(model, x), logit_error(model, own))
    found = {
        "kl": kl_of(own_logits, perturbed, error),
        "top1": top1_of(own_logits, perturbed, error),
        "distance": distance_of(x, own),
        "norm": norm_change(x, own),
        "velocity": velocity_change(x, own),
        "cosine": cosine_change(x, own),
    }
    # The means are those of the numbers in the file, which has these three in float32.
    stored = {name: stored_single(found[name]) for name in ("norm", "velocity", "cosine")} | {"kl": found["kl"]}
    return found | {f"{name}_mean": averaged(values, axis=0) for name, values in stored.items()}
