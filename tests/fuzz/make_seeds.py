"""Writes what fuzzing starts from: a few small inputs a target, FOLDER/TARGET/seed-N. tests/fuzz/run.sh adds the corpus."""

from __future__ import annotations

import base64
import json
import random
import struct
import sys
from pathlib import Path

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4, "vocab_size": 264,
    "max_position_embeddings": 1024, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": True,
    "attention_bias": False, "mlp_bias": True, "initializer_range": 0.02, "rope_theta": 10000.0,
}  # fmt: skip
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192, "rope_theta": 5e5}  # fmt: skip

VOCABULARY = {token: i for i, token in enumerate(["a", "b", "c", "ab", "abc", "Ġ", "Ġa", "<unk>", "é", "aa", "▁", "<s>"])}
FRAME = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [11]}}}  # fmt: skip


def tokenizer(**parts: object) -> dict:
    model = {"type": "BPE", "vocab": VOCABULARY, "merges": ["a b", "ab c", "Ġ a", ["a", "a"]]}
    return {"model": {**model, **parts.pop("model", {})}, **parts}


TOKENIZERS = [
    tokenizer(pre_tokenizer={"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}),
    tokenizer(
        pre_tokenizer={"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s"},
             "behavior": "Isolated"},
            {"type": "Split", "pattern": {"String": ", "}, "behavior": "Isolated"},
            {"type": "Digits", "individual_digits": True},
            {"type": "ByteLevel", "add_prefix_space": True, "use_regex": False}]},
        post_processor={"type": "Sequence", "processors": [{"type": "ByteLevel"}, FRAME]},
        added_tokens=[{"id": 12, "content": "<|end|>", "special": False}, {"id": 11, "content": "<s>", "special": True},
                      {"id": 13, "content": "<|en", "special": False, "normalized": True}],
        model={"ignore_merges": True, "unk_token": "<unk>", "fuse_unk": True},
    ),
    tokenizer(
        normalizer={"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        post_processor=FRAME,
        model={"byte_fallback": True, "vocab": VOCABULARY | {f"<0x{b:02X}>": 20 + b for b in range(256)}},
    ),
]  # fmt: skip

INI = """# a comment
[trace]
model = folder
corpus = corpus.txt
out = run.h5
samples = 10
dtype = float64
tokens = random
moments = streaming
order = layers
overwrite = true
[perturb]
trace = run.h5
out = sweep.h5
kinds = teleport,noise,ablate
prompts = 0-3,7
epsilon = 0.01,1
grid = 3
part = 1/4
checkpoint-every = 2h
mode = shift
"""


def safetensors_header(**more: object) -> bytes:
    tensors = {
        "model.norm.weight": {"dtype": "BF16", "shape": [16], "data_offsets": [0, 32]},
        "a": {"dtype": "F32", "shape": [3, 4], "data_offsets": [32, 80]},
        "empty": {"dtype": "F64", "shape": [0, 4], "data_offsets": [80, 80]},
        "__metadata__": {"format": "pt"},
    }
    return json.dumps(tensors | more).encode()


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | int | float) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def sentence_piece(kind: int, characters: bytes = b"") -> bytes:
    """A SentencePiece model (kind 1: unigram, 2: BPE, 3: word, 4: char) of a few pieces. `characters`: what is made of
    them before, as a double-array trie and texts."""
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("▁", -1.0, 1), ("a", -2.0, 1), ("b", -3.0, 1),
              ("ab", -1.5, 1), ("▁a", -1.2, 1), *((f"<0x{b:02X}>", -9.0, 6) for b in (range(256) if kind == 2 else ()))]  # fmt: skip
    model = b"".join(field(1, field(1, p.encode()) + field(2, s) + field(3, t)) for p, s, t in pieces)
    trainer = field(3, kind) + field(4, len(pieces)) + (field(35, 1) if kind == 2 else b"")
    normalizer = field(1, b"identity") + (field(2, characters) if characters else b"") + field(3, 1) + field(4, 1) + field(5, 1)
    return model + field(2, trainer) + field(3, normalizer)


def ranks() -> bytes:
    tokens = [bytes([b]) for b in range(256)] + [b"ab", b"abc", b" a", b"aa", b"aaaa"]
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens))


def seeds() -> dict[str, list[bytes]]:
    rng = random.Random(1)
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": "one", "b": "two"}}
    block = struct.pack("<qq", 4, 8) + b"8 bytes!"
    return {
        "config": [json.dumps(c).encode() for c in (
            CONFIG, CONFIG | {"rope_scaling": LLAMA3}, CONFIG | {"rope_parameters": LLAMA3},
            {k: v for k, v in CONFIG.items() if k not in ("head_dim", "num_key_value_heads", "architectures")})],
        "safetensors": [safetensors_header(),
                        len(safetensors_header()).to_bytes(8, "little") + safetensors_header() + bytes(100)],
        "index": [json.dumps(index).encode(), json.dumps({"weight_map": {"a": "one", "c": "one"}}).encode()],
        "tokenizer_json": [json.dumps(t, ensure_ascii=False).encode() for t in TOKENIZERS],
        "tokenizer_model": [ranks(), *(sentence_piece(kind) for kind in (1, 2, 3, 4)),
                            sentence_piece(1, struct.pack("<I8I", 32, *([1 << 10 | 0x100] * 8)) + b"abc\0d\0")],
        "corpus": [b"\0" + "a line\n  Größe \u3000\n\n日本語\r\nend".encode(), b"\2\xef\xbb\xbfabcd\nab\0d\n"],
        "ini": [INI.encode(), b"[trace]\nout = x\n", b"[perturb]\ntrace=x\nout=y\n"],
        "resume": [
            json.dumps({"format": "orrery-checkpoint", "format_version": 1, "identity": {"seed": "0"},
                        "blocks": [{"block": 0, "hash": "0" * 16}, {"block": 3, "hash": "0123456789abcdef"}]}).encode(),
            b"ljob 12\nhost node\npid 1\nstarted 5\n", b"s" + block, b"s" + block + block],
        # By each reader, of each kind: with changed objects, with changed bytes. Whole ones stand in the corpus.
        "hdf5": [bytes([16 * reader + kind, *rng.randbytes(6 * steps)])
                 for kind in range(7) for reader in (0, 1, 2, 3, 6, 7, 8, 11) for steps in (2,)
                 if kind < 3 or reader % 4 != 3]
        + [bytes([kind, *rng.randbytes(4 * rng.randint(1, 4))]) for kind in range(7, 14)]
        + [b"\x0f" + b"\x89HDF\r\n\x1a\n" + bytes(100)],
    }  # fmt: skip


def main(folder: Path) -> None:
    for target, inputs in seeds().items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (folder / target / f"seed-{number:02}").write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
