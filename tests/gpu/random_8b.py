"""random_8b.py FOLDER TOKENIZER LAYERS: a model of the sizes of Llama 3.1 8B with random weights, a file a layer. TINY=1:
one of small sizes, to try it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

WORDS = 128256
WIDTH, HEADS, KV_HEADS, HEAD, INNER = (64, 4, 2, 16, 128) if "TINY" in os.environ else (4096, 32, 8, 128, 14336)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def main() -> None:
    folder, layers = Path(sys.argv[1]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(sys.argv[2], folder)
    torch.manual_seed(0)
    rope = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192}  # fmt: skip
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": layers,
              "hidden_size": WIDTH, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD,
              "intermediate_size": INNER, "vocab_size": WORDS, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
              "rope_theta": 500000.0, "hidden_act": "silu", "tie_word_embeddings": False, "torch_dtype": "bfloat16",
              "rope_scaling": rope}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    files: dict[str, str] = {}

    def save(file: str, shapes: dict[str, tuple[int, ...]]) -> None:
        """Matrices are normal of spread 0.02, norms are 1."""
        weights = {
            name: torch.ones(shape, dtype=torch.bfloat16) if len(shape) == 1
            else (torch.randn(shape, device=DEVICE) * 0.02).to(torch.bfloat16).cpu()
            for name, shape in shapes.items()
        }  # fmt: skip
        save_file(weights, folder / file)
        files.update({name: file for name in weights})

    save("outer.safetensors", {"model.embed_tokens.weight": (WORDS, WIDTH), "lm_head.weight": (WORDS, WIDTH),
                               "model.norm.weight": (WIDTH,)})  # fmt: skip
    parts = {"input_layernorm": (WIDTH,), "post_attention_layernorm": (WIDTH,),
             "self_attn.q_proj": (HEADS * HEAD, WIDTH), "self_attn.k_proj": (KV_HEADS * HEAD, WIDTH),
             "self_attn.v_proj": (KV_HEADS * HEAD, WIDTH), "self_attn.o_proj": (WIDTH, HEADS * HEAD),
             "mlp.gate_proj": (INNER, WIDTH), "mlp.up_proj": (INNER, WIDTH), "mlp.down_proj": (WIDTH, INNER)}  # fmt: skip
    for layer in range(layers):
        save(f"layer{layer:02}.safetensors", {f"model.layers.{layer}.{part}.weight": shape for part, shape in parts.items()})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))


main()
