"""What config.json asks and orrery doesn't compute is an error that names it; what nobody reads is a warning; the rest
gives the numbers of transformers."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import h5py
import numpy as np
import torch
from field_faults import IN_DOUBLE, PLAIN, copy_of, fault
from orrery_program import Outcome, ProgramTest, run
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging as transformers_logging

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "model"))
import known_config_keys

BAD_INPUT = 65
transformers_logging.set_verbosity(logging.CRITICAL)

#: config.json of models as they were published, with everything that stands there beside sizes.
PUBLISHED: dict[str, dict[str, Any]] = {
    "llama-3.1": {"pretraining_tp": 1, "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
                  "eos_token_id": [5, 6, 7], "rope_theta": 500000.0,
                  "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                   "original_max_position_embeddings": 8192, "rope_type": "llama3"}},
    "vicuna": {"_name_or_path": "vicuna-13b-v1.5", "max_length": 4096, "temperature": 0.9, "top_p": 0.6,
               "do_sample": True, "pad_token_id": 0, "pretraining_tp": 1, "rope_scaling": None},
    "deepseek-coder": {"rope_theta": 100000, "rope_scaling": {"factor": 4.0, "type": "linear"}, "pretraining_tp": 1},
    "llama-3.2-both-generations": {
        "rope_theta": 500000.0, "dtype": "bfloat16",
        "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                         "original_max_position_embeddings": 8192, "rope_type": "llama3"},
        "rope_parameters": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "rope_theta": 500000.0,
                            "original_max_position_embeddings": 8192, "rope_type": "llama3"}},
    "null-everywhere": {"sliding_window": None, "quantization_config": None, "auto_map": None, "layer_types": None,
                        "num_experts": 0, "logit_scale": 1.0, "layer_norm_eps": None, "embedding_multiplier": 1.0,
                        "is_causal": True, "use_sliding_window": False, "rope_interleaved": False,
                        "partial_rotary_factor": 1.0, "hidden_act": "swish"},
    "saved-by-5": {"layer_types": ["full_attention"] * 2, "rope_parameters": {"rope_type": "default"}},
}  # fmt: skip

#: Of others, with the keys that nobody reads.
WITH_UNREAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "smollm2": ({"is_llama_config": True, "rope_interleaved": False, "transformers.js_config": {"dtype": "fp16"},
                 "rope_theta": 100000}, ["is_llama_config", "transformers.js_config"]),
    "llama-1": ({"_name_or_path": "llama-7b", "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": -1,
                 "max_sequence_length": 2048, "torch_dtype": "float16", "transformers_version": "4.27.0.dev0",
                 "use_cache": True, "rope_theta": 10000.0, "rope_scaling": None}, ["max_sequence_length"]),
    "unsloth": ({"unsloth_fixed": True, "unsloth_version": "2025.1"}, ["unsloth_fixed", "unsloth_version"]),
    "types-of-all-kinds": ({"a": None, "b": [1, {}], "c": {"d": 1}, "e": "x", "f": 1e300, "g": -1}, list("abcefg")),
    "within-rope": ({"rope_scaling": {"type": "linear", "factor": 2.0, "beta_fast": 32, "finetuned": True}},
                    ["rope_scaling.beta_fast", "rope_scaling.finetuned"]),
    "default-with-a-factor": ({"rope_parameters": {"rope_theta": 77.0, "factor": 4.0}}, ["rope_parameters.factor"]),
}  # fmt: skip

#: What must be named in the error.
REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "causal-null": ({"is_causal": None}, ["is_causal"]),
    "causal-zero": ({"is_causal": 0}, ["is_causal"]),
    "window": ({"sliding_window": 4096}, ["sliding_window", "4096"]),
    "window-of-0": ({"sliding_window": 0}, ["sliding_window"]),
    "window-switched-on": ({"use_sliding_window": True}, ["use_sliding_window"]),
    "layers-with-windows": ({"layer_types": ["full_attention", "sliding_attention"]}, ["layer_types", "sliding"]),
    "auto-map": ({"auto_map": {"AutoModelForCausalLM": "modeling.Other"}}, ["auto_map"]),
    "quantised-as-mlx": ({"quantization": {"group_size": 64, "bits": 4}}, ["quantization", "bits 4"]),
    "compressed": ({"compression_config": {"format": "int-quantized"}}, ["compression_config", "int-quantized"]),
    "quantised-empty": ({"quantization_config": {}}, ["quantization_config"]),
    "fp8": ({"quantization_config": {"quant_method": "fp8"}}, ["quantization_config", "fp8", "dequantise"]),
    "weights-elsewhere": ({"transformers_weights": "other.safetensors"}, ["transformers_weights"]),
    "layers-differ": ({"per_layer_config": {"1": {"hidden_act": "relu"}}}, ["per_layer_config"]),
    "multiplier": ({"embedding_multiplier": 12.0}, ["embedding_multiplier", "12.0"]),
    "logits": ({"logits_scaling": 8.0}, ["logits_scaling"]),
    "logits-capped": ({"final_logit_softcapping": 30.0}, ["final_logit_softcapping"]),
    "experts": ({"num_local_experts": 8}, ["num_local_experts", "8"]),
    "query-norms": ({"use_qk_norm": True}, ["use_qk_norm"]),
    "biases-elsewhere": ({"qkv_bias": True}, ["qkv_bias"]),
    "other-activation": ({"hidden_activation": "gelu"}, ["hidden_activation"]),
    "positions": ({"position_embedding_type": "absolute"}, ["position_embedding_type"]),
    "interleaved": ({"rope_interleaved": True}, ["rope_interleaved"]),
    "two-thetas": ({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5}}, ["rope_theta", "rope_parameters"]),
    "theta-in-scaling-and-beside": ({"rope_theta": 1e4, "rope_scaling": {"type": "linear", "factor": 2, "rope_theta": 7.0}},
                                    ["rope_theta", "rope_scaling"]),
    "two-originals": ({"original_max_position_embeddings": 64,
                       "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                        "original_max_position_embeddings": 32, "rope_type": "llama3"}},
                      ["original_max_position_embeddings", "64", "32"]),
    "partial-within": ({"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}},
                       ["partial_rotary_factor", "0.5"]),
    "by-layer": ({"rope_parameters": {"full_attention": {"rope_theta": 1e4}}}, ["rope_parameters.full_attention"]),
    "two-types": ({"rope_scaling": {"rope_type": "linear", "type": "llama3", "factor": 2.0}}, ["rope_type", "type"]),
    "dynamic": ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, ["dynamic", "linear"]),
    "longrope": ({"rope_parameters": {"rope_type": "longrope", "rope_theta": 1e4}}, ["longrope"]),
    "type-mistral": ({"model_type": "mistral"}, ["model_type", "mistral"]),
    "type-alone": ({"architectures": None, "model_type": "qwen2"}, ["model_type", "qwen2"]),
    "architecture-mistral": ({"architectures": ["MistralForCausalLM"]}, ["MistralForCausalLM"]),
}  # fmt: skip


def plan(model: Path) -> Outcome:
    """Reads and checks the model; computes nothing."""
    corpus = fault("config-is-causal-false") / "corpus.txt"
    return run("plan", "trace", "--model", model, "--corpus", corpus, *PLAIN)


def streams_of(path: Path) -> tuple[np.ndarray, list[list[int]]]:
    """The last tokens' streams (N, P, D), and the samples' tokens."""
    with h5py.File(path) as file:
        offsets, tokens = file["samples/token_offset"][()], file["samples/token"][()]
        return file["residual/last_token"][()], [tokens[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:])]


def library_streams(model: Path, samples: list[list[int]]) -> np.ndarray:
    """The same from transformers in double precision (its norms and angles stay float32), points 2l and 2L."""
    with open(model / "config.json", encoding="utf-8") as file:
        config = LlamaConfig(**json.load(file))
    config._attn_implementation = "eager"
    config.return_dict = True  # the library's own Llama fails without it
    llama = LlamaForCausalLM(config).double().eval()
    llama.load_state_dict({k: v.double() for k, v in load_file(model / "model.safetensors").items()}, strict=False)
    result = []
    for tokens in samples:
        points: list[np.ndarray] = []

        def keep(_module: Any, inputs: tuple[torch.Tensor, ...], kwargs: Mapping[str, torch.Tensor]) -> None:
            stream = inputs[0] if inputs else kwargs["hidden_states"]
            points.append(stream[0, -1].detach().numpy().copy())

        hooks = [part.register_forward_pre_hook(keep, with_kwargs=True) for part in (*llama.model.layers, llama.model.norm)]
        with torch.no_grad():
            llama(torch.tensor([tokens]))
        for hook in hooks:
            hook.remove()
        result.append(points)
    return np.array(result)


class ConfigTest(ProgramTest):
    def model(self, changes: Mapping[str, Any], name: str = "model") -> Path:
        """A tiny Llama of two layers whose config.json is changed; rope_parameters only where they are given."""
        target = self.folder / name
        source = fault("config-is-causal-false") / "model"
        copy_of(source, target)
        config = json.loads((source / "config.json").read_text())
        del config["is_causal"]
        del config["rope_parameters"]
        (target / "config.json").write_text(json.dumps({**config, **changes}))
        return target

    def run_fault(self, name: str) -> Outcome:
        return run("trace", "--model", fault(name) / "model", "--corpus", fault(name) / "corpus.txt", *IN_DOUBLE,
                   "--out", self.folder / "run.h5")  # fmt: skip

    def assert_as_library(self, model: Path, out: Path) -> None:
        ours, tokens = streams_of(out)
        theirs = library_streams(model, tokens)
        distance = np.linalg.norm(ours[:, ::2] - theirs) / np.linalg.norm(theirs)
        self.assertLess(distance, 1e-5)

    def assert_traced_as_library(self, model: Path, corpus: Path, name: str) -> str:
        """The library's numbers; returns what was said."""
        out = self.folder / f"{name}.h5"
        outcome = self.assert_done(run("trace", "--model", model, "--corpus", corpus, *IN_DOUBLE, "--out", out))
        self.assert_as_library(model, out)
        return outcome.errors

    # The faults.

    def test_config_quantization_ignored(self) -> None:
        self.assert_fails(self.run_fault("config-quantization-ignored"), BAD_INPUT, "quantization_config", "bitnet")

    def test_config_awq_message(self) -> None:
        self.assert_fails(self.run_fault("config-awq-message"), BAD_INPUT, "quantization_config", "awq", "unquantised")

    def test_config_is_causal_false(self) -> None:
        self.assert_fails(self.run_fault("config-is-causal-false"), BAD_INPUT, "is_causal", "false")

    def test_config_model_type_of_another(self) -> None:
        self.assert_fails(self.run_fault("config-model-type-of-another"), BAD_INPUT, "model_type", "mistral")

    def test_config_rope_scaling_beside_rope_parameters(self) -> None:
        outcome = self.run_fault("config-rope-scaling-beside-rope-parameters")
        self.assert_fails(outcome, BAD_INPUT, "rope_scaling", "rope_parameters")

    def test_config_theta_inside_rope_scaling(self) -> None:
        name = "config-theta-inside-rope-scaling"
        self.assert_traced_as_library(fault(name) / "model", fault(name) / "corpus.txt", "run")

    def test_config_rope_parameters_without_type(self) -> None:
        name = "config-rope-parameters-without-type"
        said = self.assert_traced_as_library(fault(name) / "model", fault(name) / "corpus.txt", "run")
        self.assertNotIn("rope", said)

    # Their neighbours.

    def test_published_configurations_are_sound(self) -> None:
        for name, changes in PUBLISHED.items():
            with self.subTest(name):
                outcome = self.assert_done(plan(self.model(changes, name)))
                self.assertNotIn("neither orrery", outcome.errors)

    def test_keys_that_nobody_reads_are_a_warning(self) -> None:
        for name, (changes, unread) in WITH_UNREAD.items():
            with self.subTest(name):
                outcome = self.assert_done(plan(self.model(changes, name)))
                warnings = [line for line in outcome.errors.splitlines() if "neither orrery" in line]
                self.assertEqual(len(warnings), 1, outcome.errors)
                self.assertEqual(warnings[0].partition("reads: ")[2], ", ".join(unread))

    def test_the_file_says_what_was_unread(self) -> None:
        changes, unread = WITH_UNREAD["smollm2"]
        corpus = fault("config-is-causal-false") / "corpus.txt"
        for name, keys, expected in (("run", changes, ", ".join(unread)), ("plain", {}, "")):
            with h5py.File(self.trace(self.model(keys, name), corpus, *PLAIN, out=f"{name}.h5")) as file:
                self.assertEqual(file.attrs["config_unread"], expected)
        sweep = self.folder / "sweep.h5"
        self.assert_done(run("perturb", "--trace", self.folder / "run.h5", "--model", self.folder / "run", "--prompts",
                             "0", "--grid", "2", "--kinds", "teleport", "--out", sweep))  # fmt: skip
        with h5py.File(sweep) as file:
            self.assertEqual(file.attrs["config_unread"], ", ".join(unread))
        self.assert_done(run("verify", self.folder / "run.h5"))

    def test_what_orrery_does_not_compute_is_refused(self) -> None:
        for name, (changes, named) in REFUSED.items():
            with self.subTest(name):
                self.assert_fails(plan(self.model(changes, name)), BAD_INPUT, "config.json", *named)

    def test_rope_is_that_of_the_library(self) -> None:
        corpus = fault("config-is-causal-false") / "corpus.txt"
        llama3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "rope_type": "llama3"}
        for name, changes in {
            "original-beside": {"original_max_position_embeddings": 16, "rope_scaling": llama3, "rope_theta": 100.0},
            "original-of-positions": {"max_position_embeddings": 64, "rope_parameters": {**llama3, "rope_theta": 9.0}},
            "factor-without-type": {"rope_scaling": {"factor": 4.0}, "rope_theta": 50.0},
            "empty-scaling": {"rope_scaling": {}, "rope_parameters": {"rope_theta": 60.0, "rope_type": "default"}},
        }.items():
            with self.subTest(name):
                self.assert_traced_as_library(self.model(changes, name), corpus, name)

    def test_each_key_of_llama_at_another_value(self) -> None:
        """Never silence with other numbers."""
        corpus = fault("config-is-causal-false") / "corpus.txt"
        known = {**dict.fromkeys(field.name for field in dataclasses.fields(LlamaConfig)), **LlamaConfig().to_dict()}
        for extra in ("per_layer_config", "output_attentions", "attn_implementation", "problem_type", "num_labels"):
            known.setdefault(extra, None)
        sizes = {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                 "num_key_value_heads", "head_dim", "attention_bias", "mlp_bias", "tie_word_embeddings"}  # fmt: skip
        others = {"per_layer_config": {"0": {"rms_norm_eps": 0.5}}, "rope_parameters": {"rope_theta": 33.0},
                  "hidden_act": "gelu", "dtype": "float64", "problem_type": "regression", "architectures": ["Other"],
                  "model_type": "mistral", "id2label": {"0": "a"}, "label2id": {"a": 0}, "transformers_version": "9",
                  "attn_implementation": "eager", "num_labels": 3, "pad_token_id": 5, "max_position_embeddings": 512}  # fmt: skip
        silent = 0
        for key in sorted(set(known) - sizes):
            value = others.get(key, self.another(known[key]))
            with self.subTest(key, value=value):
                model = self.model({key: value}, key)
                out = self.folder / f"{key}.h5"
                outcome = run("trace", "--model", model, "--corpus", corpus, *IN_DOUBLE, "--out", out)
                if outcome.code == 0:
                    silent += key not in outcome.errors
                    self.assert_as_library(model, out)
                else:
                    self.assert_fails(outcome, BAD_INPUT, "config.json", key)
        self.assertGreater(silent, 8)

    @staticmethod
    def another(value: Any) -> Any:
        if isinstance(value, bool):
            return not value
        if isinstance(value, (int, float)):
            return value + 1 if isinstance(value, int) else value + 0.25
        return "something"

    def test_table_of_known_keys_is_that_of_the_library(self) -> None:
        written = known_config_keys.TABLE.read_text(encoding="utf-8")
        self.assertEqual(written, known_config_keys.table(known_config_keys.package()))
        self.assertLessEqual({field.name for field in dataclasses.fields(LlamaConfig)}, set(written.split()))


if __name__ == "__main__":
    unittest.main()
