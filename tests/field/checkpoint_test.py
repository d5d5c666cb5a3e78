"""Checkpoints: safetensors to the letter of its format, weights that nobody asks for, the files that transformers takes,
and what is said of folders that hold something else."""

from __future__ import annotations

import hashlib
import json
import struct
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from field_faults import IN_DOUBLE, PLAIN, copy_of, fault
from orrery_program import Outcome, ProgramTest, run, shared_data
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

BAD_INPUT = 65
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123456\n"
UNUSED = "config.json does not ask for"


def read_parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def write_parts(path: Path, header: Any, data: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def is_refused_by_library(path: Path) -> bool:
    try:
        with safe_open(path, "numpy") as file:
            file.keys()
    except SafetensorError:
        return True
    return False


def shifted(header: dict[str, Any], least: int, by: int) -> dict[str, Any]:
    """Tensors from byte `least` on lie `by` bytes later."""
    result = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        later = by if begin >= least else 0
        result[name] = {**entry, "data_offsets": [begin + later, end + later]}
    return result


class CheckpointTest(ProgramTest):
    def good(self, name: str = "model") -> Path:
        """A sound model, which may be changed."""
        return copy_of(shared_data("malformed/models/good"), self.folder / name)

    def plan(self, model: Path) -> Outcome:
        return run("plan", "trace", "--model", model, "--corpus", fault("nan-weight-message") / "corpus.txt", *PLAIN)

    def run_fault(self, name: str, *words: str) -> Outcome:
        return run("trace", "--model", fault(name) / "model", "--corpus", fault(name) / "corpus.txt",
                   *(words or IN_DOUBLE), "--out", self.folder / "run.h5")  # fmt: skip

    def change_weights(self, model: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
        weights = load_file(model / SINGLE)
        change(weights)
        save_file(weights, model / SINGLE)

    # What nobody asks for.

    def unused(self, model: Path) -> list[str]:
        outcome = self.assert_done(self.plan(model))
        lines = [line for line in outcome.errors.splitlines() if UNUSED in line]
        self.assertLessEqual(len(lines), 1)
        return lines[0].partition("not used: ")[2].split(", ") if lines else []

    def test_checkpoint_biases_unread(self) -> None:
        outcome = self.assert_done(self.run_fault("checkpoint-biases-unread"))
        lines = [line for line in outcome.errors.splitlines() if UNUSED in line]
        self.assertEqual(len(lines), 1)
        for name in ("q_proj", "k_proj", "v_proj"):
            self.assertIn(f"model.layers.*.self_attn.{name}.bias", lines[0])

    def test_other_weights_unread(self) -> None:
        vector = np.ones(8, np.float16)
        for name, extra, expected in (
            ("norms", ["model.layers.0.self_attn.q_norm.weight", "model.layers.0.self_attn.k_norm.weight"],
             ["model.layers.*.self_attn.k_norm.weight", "model.layers.*.self_attn.q_norm.weight"]),
            ("layers", ["model.layers.1.mlp.up_proj.weight", "model.layers.1.input_layernorm.weight"],
             ["model.layers.1.*"]),
            ("adapter", ["score.weight", "model.layers.0.self_attn.q_proj.lora_A.weight"],
             ["model.layers.*.self_attn.q_proj.lora_A.weight", "score.weight"]),
            ("buffers", ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"], []),
        ):  # fmt: skip
            with self.subTest(name):
                model = self.good(name)
                self.change_weights(model, lambda weights, extra=extra: weights.update(dict.fromkeys(extra, vector)))
                self.assertEqual(self.unused(model), expected)
        self.assertEqual(self.unused(self.good()), [])

    def test_a_head_beside_a_tied_embedding_is_the_head(self) -> None:
        """As transformers has it: both are there, and differ, so they are not tied."""
        corpus = fault("nan-weight-message") / "corpus.txt"
        scores = []
        for name, tied in (("tied", True), ("untied", False)):
            model = self.good(name)
            config = json.loads((model / "config.json").read_text())
            (model / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": tied}))
            self.change_weights(
                model, lambda weights: weights.update({"lm_head.weight": weights["model.embed_tokens.weight"][::-1].copy()})
            )
            trace = self.trace(model, corpus, *IN_DOUBLE, out=f"{name}.h5")
            sweep = self.folder / f"{name}-sweep.h5"
            self.assert_done(run("perturb", "--trace", trace, "--prompts", "0", "--grid", "2", "--kinds", "teleport",
                                 "--out", sweep))  # fmt: skip
            with h5py.File(sweep) as file:
                scores.append(file["teleport/kl"][()])
        np.testing.assert_array_equal(*scores)

    # Which files are read.

    def test_checkpoint_single_file_beside_index(self) -> None:
        for name, without in (("both", ()), ("no-shard", ("model-00001-of-00001.safetensors",)),
                              ("alone", ("model-00001-of-00001.safetensors", INDEX))):  # fmt: skip
            source = fault("checkpoint-single-file-beside-index")
            model = copy_of(source / "model", self.folder / name)
            for file in without:
                (model / file).unlink()
            out = self.trace(model, source / "corpus.txt", *IN_DOUBLE, out=f"{name}.h5")
            with h5py.File(out) as file:
                lines = "".join(f"{hashlib.sha256((model / one).read_bytes()).hexdigest()}  {one}\n"
                                for one in ("config.json", SINGLE))  # fmt: skip
                self.assertEqual(file.attrs["model_sha256"], hashlib.sha256(lines.encode()).hexdigest())
                streams = file["residual/last_token"][()]
                embedding = load_file(model / SINGLE)["model.embed_tokens.weight"]
                last = file["samples/token"][()][file["samples/token_offset"][1] - 1]
            np.testing.assert_array_equal(streams[0, 0], embedding[last].astype(np.float64))

    def test_a_tensor_in_two_shards_is_refused(self) -> None:
        source = fault("checkpoint-single-file-beside-index")
        model = copy_of(source / "model", self.folder / "model")
        (model / SINGLE).rename(model / "other.safetensors")
        index = json.loads((model / INDEX).read_text())
        index["weight_map"]["model.norm.weight"] = "other.safetensors"
        (model / INDEX).write_text(json.dumps(index))
        self.assert_fails(self.plan(model), BAD_INPUT, "two shards", "other.safetensors")

    # The format.

    def made_headers(self) -> dict[str, tuple[Any, bytes]]:
        header, data = read_parts(self.good("source") / SINGLE)
        header.pop("__metadata__", None)
        text = json.dumps(header).encode()
        first = min(header, key=lambda name: header[name]["data_offsets"])
        middle = sorted(header, key=lambda name: header[name]["data_offsets"])[4]
        begin = header[middle]["data_offsets"][0]
        size = len(data)
        empty: Callable[[int], dict[str, Any]] = lambda at: {"dtype": "F32", "shape": [0, 3], "data_offsets": [at, at]}
        entry = json.dumps(header[first]).encode()
        return {
            "as it is": (header, data),
            "hole": (shifted(header, begin, 16), data[:begin] + b"\0" * 16 + data[begin:]),
            "hole of one byte": (shifted(header, begin, 1), data[:begin] + b"\0" + data[begin:]),
            "before the first": (shifted(header, 0, 8), b"\0" * 8 + data),
            "behind the last": (header, data + b"\0"),
            "much behind the last": (header, data + b"\0" * 5000),
            "no bytes at the front": ({**header, "z": empty(0)}, data),
            "no bytes between": ({**header, "z": empty(begin)}, data),
            "no bytes at the end": ({**header, "y": empty(size), "z": empty(size)}, data),
            "no bytes within": ({**header, "z": empty(begin + 1)}, data),
            "no bytes beyond": ({**header, "z": empty(size + 4)}, data),
            "twice, the same place": (text[:-1] + b', "' + first.encode() + b'": ' + entry + b"}", data),
            "twice, elsewhere": (
                text[:-1] + b', "x": {"dtype": "U8", "shape": [4], "data_offsets": [%d, %d]}' % (size, size + 4)
                + b', "x": {"dtype": "U8", "shape": [4], "data_offsets": [%d, %d]}}' % (size + 4, size + 8),
                data + b"\0" * 8),
            "a field twice": (text.replace(b'{"dtype"', b'{"dtype": "F16", "dtype"', 1), data),
            "metadata": ({"__metadata__": {"format": "pt"}, **header}, data),
            "metadata null": ({"__metadata__": None, **header}, data),
            "metadata empty": ({"__metadata__": {}, **header}, data),
            "metadata of numbers": ({"__metadata__": {"format": 1}, **header}, data),
            "metadata of nulls": ({"__metadata__": {"format": None}, **header}, data),
            "metadata a text": ({"__metadata__": "pt", **header}, data),
            "metadata a list": ({"__metadata__": [], **header}, data),
            "metadata twice": (b'{"__metadata__": {}, "__metadata__": {}, ' + text[1:], data),
            "a further field": ({**header, first: {**header[first], "more": 1}}, data),
            "spaces behind": (text + b"   ", data),
            "spaces in front": (b"  " + text, data),
            "zeros behind": (text + b"\0\0", data),
            "zeros, and a second header": (text + b"\0" + text, data),
            "more behind": (text + b"x", data),
            "byte order mark": (b"\xef\xbb\xbf" + text, data),
            "no UTF-8": (text.replace(b'"model.norm', b'"\xff', 1), data),
            "half a surrogate": (text.replace(b'"model.norm', b'"\\ud800', 1), data),
            "sizes with a point": (text.replace(b'"shape": [16]', b'"shape": [16.0]', 1), data),
            "a type in small letters": (text.replace(b'"F16"', b'"f16"', 1), data),
            "half bytes": ({**header, "z": {"dtype": "F4", "shape": [8], "data_offsets": [size, size + 4]}}, data + b"\0" * 4),
            "half a byte": ({**header, "z": {"dtype": "F4", "shape": [7], "data_offsets": [size, size + 4]}}, data + b"\0" * 4),
            "complex": ({**header, "z": {"dtype": "C64", "shape": [1], "data_offsets": [size, size + 8]}}, data + b"\0" * 8),
            "a scalar": ({**header, "z": {"dtype": "F32", "shape": [], "data_offsets": [size, size + 4]}}, data + b"\0" * 4),
        }  # fmt: skip

    def test_safetensors_to_the_letter(self) -> None:
        """orrery takes what the reference library takes, and refuses what it refuses; names twice are refused always."""
        refused = 0
        for name, (header, data) in self.made_headers().items():
            with self.subTest(name):
                model = self.good(name.replace(" ", "-"))
                write_parts(model / SINGLE, header, data)
                if is_refused_by_library(model / SINGLE) or name == "twice, the same place":
                    refused += 1
                    self.assert_fails(self.plan(model), BAD_INPUT, SINGLE)
                else:
                    self.assert_done(self.plan(model))
        self.assertGreater(refused, 15)

    # Advice.

    def test_checkpoint_git_lfs_pointer(self) -> None:
        message = self.assert_fails(self.run_fault("checkpoint-git-lfs-pointer"), BAD_INPUT, SINGLE, "Git LFS pointer")
        self.assertIn("git lfs pull", message)

    def test_other_files_that_are_taken_for_a_model(self) -> None:
        sharded = shared_data("models/llama-sharded")
        shard = sorted(path.name for path in sharded.glob("model-*.safetensors"))[0]
        page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
        for number, (source, file, text, named) in enumerate((
            (None, "config.json", POINTER.encode(), "Git LFS"),
            (None, "tokenizer.json", POINTER.encode(), "Git LFS"),
            (None, "tokenizer.model", POINTER.encode(), "Git LFS"),
            (None, SINGLE, page.encode(), "HTML"),
            (None, "config.json", page.encode(), "HTML"),
            (None, "tokenizer.json", page.encode(), "HTML"),
            (None, SINGLE, b"PK\x03\x04" + bytes(range(256)) * 4, "zip"),
            (None, SINGLE, b"GGUF\x03\0\0\0" + bytes(range(256)), "GGUF"),
            (None, SINGLE, b"\x1f\x8b\x08\0" + bytes(range(256)), "gzip"),
            (None, "config.json", b"\x1f\x8b\x08\0" + bytes(range(256)), "gzip"),
            (None, "config.json", "{}".encode("utf-16"), "UTF-16"),
            (sharded, INDEX, POINTER.encode(), "Git LFS"),
            (sharded, shard, POINTER.encode(), "Git LFS"),
        )):  # fmt: skip
            with self.subTest(file, named=named):
                model = copy_of(source, self.folder / str(number)) if source else self.good(str(number))
                if file == "tokenizer.model":
                    (model / "tokenizer.json").unlink()
                (model / file).write_bytes(text)
                self.assert_fails(self.plan(model), BAD_INPUT, file, named)

    def test_checkpoint_prefixed_names_message(self) -> None:
        outcome = self.run_fault("checkpoint-prefixed-names-message")
        self.assert_fails(outcome, BAD_INPUT, "begin with module.", "seen: ", "wanted: model.embed_tokens.weight")

    def test_other_names(self) -> None:
        for name, rename, named in (
            ("peft", lambda one: f"base_model.model.{one}", ["base_model.model.model.", "merge"]),
            ("inner", lambda one: one.removeprefix("model."), ["lack the prefix model.", "embed_tokens.weight"]),
            ("compiled", lambda one: f"_orig_mod.{one}", ["_orig_mod.model.", "wraps"]),
            ("gpt", lambda one: one.replace("model.", "transformer.").replace("embed_tokens", "wte"),
             ["not those of a Llama", "transformer.", "wanted: model.embed_tokens.weight"]),
            ("gptq", lambda one: one.replace("q_proj.weight", "q_proj.qweight"), ["quantised", "q_proj.qweight"]),
            ("incomplete", lambda one: one.replace("model.norm", "norm"), ["model.norm.weight", SINGLE]),
        ):  # fmt: skip
            with self.subTest(name):
                model = self.good(name)
                weights = {rename(one): values for one, values in load_file(model / SINGLE).items()}
                save_file(weights, model / SINGLE)
                self.assert_fails(self.plan(model), BAD_INPUT, *named)

    def test_folders_in_other_layouts(self) -> None:
        for name, files, named in (
            ("adapter", ["adapter_config.json", "adapter_model.safetensors", "README.md"], ["only an adapter", "merge"]),
            ("pickled", ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"],
             ["pytorch_model-00001-of-00002.bin", "save_pretrained"]),
            ("gguf", ["llama.Q4_K_M.gguf"], ["llama.Q4_K_M.gguf", "GGUF"]),
            ("meta", ["consolidated.00.pth", "params.json"], ["consolidated.00.pth", "Meta"]),
            ("meta-safetensors", ["consolidated.safetensors", "params.json"], ["consolidated.safetensors"]),
            ("flax", ["flax_model.msgpack"], ["flax_model.msgpack"]),
            ("tensorflow", ["tf_model.h5"], ["tf_model.h5"]),
            ("onnx", ["model.onnx"], ["model.onnx"]),
            ("shards-without-index", ["model-00001-of-00002.safetensors"], ["model-00001-of-00002", INDEX]),
        ):  # fmt: skip
            for has_config in (True, False):
                with self.subTest(name, has_config=has_config):
                    model = self.good(f"{name}-{has_config}")
                    (model / SINGLE).unlink()
                    if not has_config:
                        (model / "config.json").unlink()
                    for file in files:
                        (model / file).write_text("{}")
                    self.assert_fails(self.plan(model), BAD_INPUT, str(model), *named)

    def test_an_adapter_or_index_beside_the_weights_is_a_warning(self) -> None:
        model = self.good()
        (model / "adapter_config.json").write_text("{}")
        (model / INDEX).write_text("{}")
        outcome = self.assert_done(self.plan(model))
        for file in ("adapter_config.json", INDEX):
            self.assertIn(f"{file} lies beside {SINGLE} and is not read", outcome.errors)

    def test_nan_weight_message(self) -> None:
        weights = load_file(fault("nan-weight-message") / "model" / SINGLE)
        name = next(one for one, values in sorted(weights.items()) if np.isnan(values).any())
        for words in (PLAIN, IN_DOUBLE):
            message = self.assert_fails(self.run_fault("nan-weight-message", *words), BAD_INPUT, "NaN", name, SINGLE)
            self.assertNotIn("--dtype", message)
            self.assertNotIn("inspect", message)

    def test_other_numbers_that_are_not_finite(self) -> None:
        corpus = fault("nan-weight-message") / "corpus.txt"
        key = "model.layers.0.mlp.down_proj.weight"

        def widened(weights: dict[str, np.ndarray], value: float, dtype: type) -> None:
            for one in list(weights):
                weights[one] = weights[one].astype(dtype)
            weights[key][1, 2] = value

        for name, value, dtype, words, named in (
            ("infinity", np.inf, np.float32, PLAIN, ["infinity in " + key]),
            ("infinity-16", -np.inf, np.float16, PLAIN, ["infinity in " + key]),
            ("too-great", 1e300, np.float64, PLAIN, ["a number beyond float32 in " + key, "--dtype float64"]),
            ("overflow", 3e38, np.float32, PLAIN, ["all weights are finite", "--dtype float64"]),
            ("overflow-16", 3e38, np.float32, (*PLAIN, "--dtype", "bfloat16"), ["all weights are finite", "float32"]),
        ):  # fmt: skip
            with self.subTest(name):
                model = self.good(name)
                self.change_weights(model, lambda weights, v=value, d=dtype: widened(weights, v, d))
                if name.startswith("overflow"):
                    self.change_weights(model, lambda weights: weights[key].fill(3e38))
                out = self.folder / f"{name}.h5"
                outcome = run("trace", "--model", model, "--corpus", corpus, *words, "--out", out)
                self.assert_fails(outcome, BAD_INPUT, "not finite", *named)


if __name__ == "__main__":
    unittest.main()
