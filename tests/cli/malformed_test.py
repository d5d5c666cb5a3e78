"""Broken models and corpora: exit code 65, one message that names file and fault, nothing left behind."""

from __future__ import annotations

import json
import shutil
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
from orrery_program import Outcome, ProgramTest, memory_limit, run, shared_data
from trace_file import datasets

DAMAGED, BAD_INPUT = 1, 65
GIB = 2**30
K_PROJ = "model.layers.0.self_attn.k_proj.weight"
SHARD = "model.safetensors"
INDEX = "model.safetensors.index.json"

#: What the message must name, by the folder's name: the last column of the data's README.
MODELS: dict[str, list[str]] = {
    "truncated-data": [SHARD, "13388", "13456"],
    "truncated-header": [SHARD, "200", "1096"],
    "empty-file": [SHARD, "0 bytes"],
    "short-file": [SHARD, "5 bytes"],
    "header-length-beyond-file": [SHARD, "1000000", "13488"],
    "header-length-huge": [SHARD, "18446744073709551615", "13488"],
    "header-not-json": [SHARD, "header", "byte 1"],
    "header-is-array": [SHARD, "object", "array"],
    "offsets-overlap": [SHARD, "model.norm.weight", "model.layers.0.input_layernorm.weight", "8448", "8480"],
    "offsets-out-of-range": [SHARD, "model.norm.weight", "16448", "16480", "12384"],
    "offsets-reversed": [SHARD, K_PROJ, "11072", "10816"],
    "offsets-too-short": [SHARD, K_PROJ, "240", "256"],
    "dtype-unknown": [SHARD, K_PROJ, "F17"],
    "dtype-integer": [SHARD, K_PROJ, "I16"],
    "wrong-shape": [K_PROJ, "(16, 16)", "(8, 16)"],
    "wrong-rank": ["model.norm.weight", "(16, 1)", "(16)"],
    "missing-tensor": [K_PROJ, SHARD],
    "missing-lm-head": ["lm_head.weight", "tie_word_embeddings"],
    "weights-missing": ["weights-missing", SHARD, INDEX],
    "index-missing-shard": [INDEX, "model-00002-of-00002.safetensors"],
    "index-not-json": [INDEX, "byte 300"],
    "index-without-weight-map": [INDEX, "weight_map"],
    "config-missing": ["config-missing", "config.json"],
    "config-empty": ["config.json", "empty"],
    "config-not-json": ["config.json", "byte 200"],
    "config-negative-layers": ["config.json", "num_hidden_layers", "-1"],
    "config-zero-hidden": ["config.json", "hidden_size", "(0)"],
    "config-zero-heads": ["config.json", "num_attention_heads", "(0)"],
    "config-zero-kv-heads": ["config.json", "num_key_value_heads", "(0)"],
    "config-heads-not-divisible": ["config.json", "4", "3"],
    "config-odd-head-dim": ["config.json", "head_dim", "7"],
    "config-missing-key": ["config.json", "hidden_size"],
    "config-wrong-type": ["config.json", "hidden_size", "number"],
    "config-fractional-size": ["config.json", "intermediate_size", "24.5"],
    "config-unknown-architecture": ["config.json", "{architecture}", "Llama"],
    "config-unknown-activation": ["config.json", "hidden_act", "swoosh"],
    "config-rope-unknown": ["config.json", "rope_scaling", "spiral", "default", "linear", "llama3"],
    "config-rope-yarn": ["config.json", "rope_scaling", "yarn", "default", "linear", "llama3"],
    "config-rope-incomplete": ["config.json", "rope_scaling", "low_freq_factor"],
    "tokenizer-missing": ["tokenizer-missing", "tokenizer.json", "tokenizer.model"],
    "tokenizer-broken": ["tokenizer.json", "byte 2000"],
    "tokenizer-larger-than-embedding": ["264", "260"],
    "tokenizer-unknown-model": ["tokenizer.json", "Unigram", "BPE"],
    "tokenizer-unknown-merge": ["tokenizer.json", "merge", "zzzz"],
}

CORPORA: dict[str, list[str]] = {
    "empty.txt": ["empty.txt", "empty"],
    "blank-lines.txt": ["blank-lines.txt", "5 lines", "100", "500"],
    "no-row-in-range.txt": ["no-row-in-range.txt", "4 rows", "100", "500", "20", "700"],
    "utf8-lone-continuation.txt": ["utf8-lone-continuation.txt", "line 1", "byte 71"],
    "utf8-cut-sequence.txt": ["utf8-cut-sequence.txt", "line 1", "byte 71"],
    "utf8-overlong.txt": ["utf8-overlong.txt", "line 1", "byte 71"],
    "utf8-surrogate.txt": ["utf8-surrogate.txt", "line 1", "byte 71"],
    "utf8-too-large.txt": ["utf8-too-large.txt", "line 1", "byte 71"],
    "utf8-latin1.txt": ["utf8-latin1.txt", "line 1", "byte 73"],
}

#: One of each kind for several ranks: read by all, by the first alone, by several files.
ON_RANKS = ["header-length-huge", "truncated-data", "config-zero-heads", "index-missing-shard", "tokenizer-broken"]


def model(name: str) -> Path:
    return shared_data(f"malformed/models/{name}")


def corpus(name: str) -> Path:
    return shared_data(f"malformed/corpora/{name}")


def named_by(folder: str) -> list[str]:
    """The table's words; an architecture is the one that config.json names."""
    words = MODELS[folder]
    if "{architecture}" not in words:
        return words
    config = json.loads((model(folder) / "config.json").read_text(encoding="utf-8"))
    return [config["architectures"][0] if word == "{architecture}" else word for word in words]


class Malformed(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.out = self.folder / "run.h5"

    def start(self, folder: Path, text: Path, out: Path, ranks: int = 0) -> Outcome:
        return run("trace", "--model", folder, "--corpus", text, "--out", out, "--samples", "0", ranks=ranks)

    def refuse(self, folder: Path, text: Path, named: list[str]) -> None:
        self.check(self.start(folder, text, self.out), self.out, named)

    def check(self, outcome: Outcome, out: Path, named: list[str], ranks: int = 0) -> None:
        """65, one message that names all, nothing at `out`, little memory."""
        self.assert_fails(outcome, BAD_INPUT, *named)
        self.assert_nothing_at(out)
        self.assertLess(outcome.peak_bytes, memory_limit(GIB), str(outcome))
        if ranks == 0:
            self.assertEqual(outcome.errors.count("\n"), 1, f"more than the message: {outcome}")

    def test_the_tables_are_whole(self) -> None:
        found = {path.name for path in shared_data("malformed/models").iterdir()}
        self.assertEqual(found, set(MODELS) | {"good"})
        self.assertEqual(len(MODELS), 44)
        valid = json.loads(corpus("expected.json").read_text(encoding="utf-8"))
        found = {path.name for path in shared_data("malformed/corpora").glob("*.txt")}
        self.assertEqual(found, set(CORPORA) | set(valid))

    def test_models(self) -> None:
        for name in MODELS:
            with self.subTest(model=name):
                self.refuse(model(name), corpus("plain.txt"), named_by(name))

    def test_models_on_ranks(self) -> None:
        # At once: an mpirun that ends with an error mostly waits.
        with ThreadPoolExecutor(max_workers=3) as pool:
            started = {
                (name, ranks): pool.submit(self.start, model(name), corpus("plain.txt"), self.folder / name, ranks)
                for name in ON_RANKS
                for ranks in (2, 3)
            }
        for (name, ranks), outcome in started.items():
            with self.subTest(model=name, ranks=ranks):
                self.check(outcome.result(), self.folder / name, named_by(name), ranks)

    def test_corpora(self) -> None:
        for name, named in CORPORA.items():
            with self.subTest(corpus=name):
                self.refuse(model("good"), corpus(name), named)

    def test_corpora_on_ranks(self) -> None:
        for name, ranks in (("utf8-latin1.txt", 3), ("empty.txt", 2)):
            with self.subTest(corpus=name):
                outcome = self.start(model("good"), corpus(name), self.out, ranks)
                self.check(outcome, self.out, CORPORA[name], ranks)

    def test_other_kinds_of_models(self) -> None:
        """A GPT-2 and a BERT are no Llamas, a file is no folder, and a corpus may be missing."""
        for name in ("gpt2-tiny", "bert-tiny"):
            config = json.loads((shared_data(f"models/{name}") / "config.json").read_text(encoding="utf-8"))
            with self.subTest(model=name):
                named = ["config.json", *config.get("architectures", [config["model_type"]])]
                self.refuse(shared_data(f"models/{name}"), corpus("plain.txt"), named)
        self.refuse(corpus("plain.txt"), corpus("plain.txt"), ["--model", "plain.txt"])
        self.refuse(model("good"), self.folder / "nowhere.txt", ["nowhere.txt"])
        self.refuse(model("good"), self.folder, [self.folder.name])

    def test_plan_refuses_the_same(self) -> None:
        for name in ("truncated-data", "config-zero-heads", "tokenizer-missing"):
            with self.subTest(model=name):
                outcome = run("plan", "trace", "--model", model(name), "--corpus", corpus("plain.txt"))
                self.assert_fails(outcome, BAD_INPUT, *named_by(name))

    def test_a_row_longer_than_the_context(self) -> None:
        outcome = run("trace", "--model", model("good"), "--corpus", corpus("boundaries.txt"), "--out", self.out)
        self.assert_fails(outcome, BAD_INPUT, "1498", "1024", "line 8", "--max-chars")
        self.assert_nothing_at(self.out)

    def test_good_corpora(self) -> None:
        """The corpora that are only difficult give the rows that the data's list has."""
        folder = self.folder / "good"
        shutil.copytree(model("good"), folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config["max_position_embeddings"] = 4096  # boundaries.txt has characters of several tokens
        (folder / "config.json").chmod(0o644)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        for name, rows in json.loads(corpus("expected.json").read_text(encoding="utf-8")).items():
            with self.subTest(corpus=name):
                outcome = run("trace", "--model", folder, "--corpus", corpus(name), "--samples", "0",
                              "--out", self.folder / f"{name}.h5", "--order", "layers")  # fmt: skip
                self.assert_done(outcome)
                self.assertLess(outcome.peak_bytes, memory_limit(GIB))
                found = datasets(self.folder / f"{name}.h5")
                self.assertEqual([list(pair) for pair in zip(found["samples/row"], found["samples/characters"])], rows)

    def test_good_model_on_ranks(self) -> None:
        self.trace(model("good"), corpus("plain.txt"), "--samples", "0", ranks=2)


class Files(ProgramTest):
    """`orrery verify` outlives whatever file it is given."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.trace(model("good"), corpus("plain.txt"), "--samples", "0")
        self.broken = self.folder / "broken.h5"

    def test_unreadable(self) -> None:
        whole = self.path.read_bytes()
        for name, content in (("nothing", b""), ("text", b"hello" * 1000), ("half", whole[: len(whole) // 2]),
                              ("head", b"\0" * 64 + whole[64:])):  # fmt: skip
            with self.subTest(name):
                self.broken.write_bytes(content)
                self.assert_fails(run("verify", self.broken), BAD_INPUT, "broken.h5")
                self.assert_fails(run("verify", self.path, self.broken), BAD_INPUT, "broken.h5")
                self.assert_fails(run("verify", self.broken, self.path), BAD_INPUT, "broken.h5")
        for path in (self.folder / "missing.h5", self.folder):
            self.assert_fails(run("verify", path), BAD_INPUT, str(path))

    def test_other_files_of_hdf5(self) -> None:
        with h5py.File(self.broken, "w") as file:
            file["numbers"] = [1.0, 2.0]
        self.assert_fails(run("verify", self.broken), BAD_INPUT, "broken.h5", "not one of orrery's")
        with h5py.File(self.broken, "a") as file:
            file.attrs.update(format="orrery-trace", format_version=1)
        outcome = run("verify", self.broken)
        self.assertEqual((outcome.code, outcome.messages), (DAMAGED, []), str(outcome))
        self.assertRegex(outcome.output, r"(?m)^FAILED  complete: [^$]*^FAILED  (points|sizes): ")

    def test_a_damaged_byte_anywhere(self) -> None:
        """It is told, or lies where nothing is stored; never a crash, never a fault of ours."""
        whole = self.path.read_bytes()
        told = 0
        for place in range(1, len(whole), len(whole) // 60):
            data = bytearray(whole)
            data[place] ^= 0xFF
            self.broken.write_bytes(data)
            for words in ((self.broken,), (self.path, self.broken)):
                outcome = run("verify", *words)
                self.assertIn(outcome.code, (0, DAMAGED, BAD_INPUT), f"byte {place}: {outcome}")
                self.assertLess(outcome.peak_bytes, memory_limit(GIB))
                told += outcome.code != 0
        self.assertGreater(told, 20)


if __name__ == "__main__":
    unittest.main()
