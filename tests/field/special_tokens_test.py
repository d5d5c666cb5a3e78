"""What stands in front of a text and behind it: as the tokenizer's template has it, or as --bos says, and never measured."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

import h5py
import numpy as np
from checksums import refresh
from field_faults import IN_DOUBLE, PLAIN, copy_of, fault
from orrery_program import Outcome, ProgramTest, run, shared_data
from tiny_models import tiny
from trace_file import attributes, config_of, datasets, differences

BAD_USAGE, BAD_INPUT = 64, 65
FEW = ("--permutations", "10", "--components", "4")
UNTRAINED = (*PLAIN, *FEW, "--weights", "random")


def stands(path: Path) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The tokens that a file says stand in front of each sample, and behind it."""
    found = attributes(path)
    leading, trailing = (json.loads(found["samples", name]) for name in ("leading", "trailing"))
    return [(one["id"], one["token"]) for one in leading], [(one["id"], one["token"]) for one in trailing]


class SpecialTokensTest(ProgramTest):
    """Models whose files are changed."""

    def edited(self, source: Path, name: str = "model", **changes: dict[str, object] | None) -> Path:
        """A copy of a model folder; each change updates the keys of a file (None: no value), by its name without
        ending."""
        model = copy_of(source, self.folder / name)
        for file, keys in changes.items():
            path = model / f"{file}.json"
            value = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            path.write_text(json.dumps(value | (keys or {})), encoding="utf-8")
        return model

    def with_eos(self, source: Path, token: str, name: str = "framed") -> Path:
        """The same model, whose template puts a token behind each text too."""
        tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
        number = next(one["id"] for one in tokenizer["added_tokens"] if one["content"] == token)
        processor = tokenizer["post_processor"]
        template = processor["processors"][-1] if processor["type"] == "Sequence" else processor
        template["single"].append({"SpecialToken": {"id": token, "type_id": 0}})
        template["special_tokens"][token] = {"id": token, "ids": [number], "tokens": [token]}
        return self.edited(source, name, tokenizer={"post_processor": processor})

    def plan(self, model: Path, *words: str, corpus: Path | None = None) -> Outcome:
        corpus = corpus or tiny("llama-gqa") / "corpus.txt"
        return run("plan", "trace", "--model", model, "--corpus", corpus, *UNTRAINED, *words)


class TheConfigurationSaysOtherwise(SpecialTokensTest):
    def test_tokenizer_bos_of_the_configuration(self) -> None:
        """Nothing is put in front without a word; --bos decides."""
        folder = fault("tokenizer-bos-of-the-configuration")
        found = {}
        for bos, leading in (("template", []), ("add", [(1, "<s>")]), ("none", [])):
            out = self.folder / f"{bos}.h5"
            words = () if bos == "template" else ("--bos", bos)
            outcome = self.assert_done(run("trace", "--model", folder / "model", "--corpus", folder / "corpus.txt",
                                           *UNTRAINED, *words, "--out", out))  # fmt: skip
            self.assertEqual(stands(out), (leading, []))
            self.assertEqual(config_of(out)["bos"], bos)
            said = [line for line in outcome.errors.splitlines() if "add_bos_token" in line]
            self.assertEqual(len(said), 1 if bos == "template" else 0, str(outcome))
            for word in ("tokenizer_config.json", "add_bos_token true", "tokenizer.json's template", "--bos add") if said else ():
                self.assertIn(word, said[0])
            where = "<s> (1) in front, nothing behind" if leading else "nothing in front, nothing behind"
            self.assertIn(f"special tokens: {where}", outcome.errors)
            self.assertIn(where, self.assert_done(run("inspect", out)).output)
            self.assertIn(where, self.plan(folder / "model", *words, corpus=folder / "corpus.txt").output)
            self.assert_done(run("verify", out))
            found[bos] = datasets(out)
        self.assertEqual(found["add"]["samples/token"].tolist(), [1, *found["none"]["samples/token"].tolist()])
        self.assertEqual(found["template"]["samples/token"].tolist(), found["none"]["samples/token"].tolist())

    def test_both_ways_of_bos_and_eos(self) -> None:
        """What the two files say, and whether it is worth a line."""
        plain, framed = tiny("llama-gqa"), self.with_eos(tiny("llama-gqa"), "<|im_end|>")
        cases = (
            (plain, {"add_bos_token": True}, ()),
            (plain, {"add_bos_token": False}, ("add_bos_token false", "<|im_start|> (1) in front", "--bos none")),
            (plain, {"add_bos_token": None, "add_eos_token": None}, ()),
            (plain, {"add_eos_token": False}, ()),
            (plain, {"add_eos_token": True}, ("add_eos_token true", "nothing behind")),
            (framed, {"add_eos_token": True}, ()),
            (framed, {"add_eos_token": False}, ("add_eos_token false", "<|im_end|> (2) behind")),
            # Another token than BOS in front is no BOS.
            (plain, {"add_bos_token": True, "bos_token": {"content": "<|im_end|>"}}, ("add_bos_token true", "<|im_start|> (1) in front")),
        )  # fmt: skip
        for number, (source, keys, said) in enumerate(cases):
            with self.subTest(keys):
                model = self.edited(source, f"case{number}", tokenizer_config=keys)
                outcome = self.assert_done(self.plan(model))
                lines = [line for line in outcome.errors.splitlines() if "tokenizer_config.json" in line]
                self.assertEqual(len(lines), bool(said), str(outcome))
                for word in said:
                    self.assertIn(word, lines[0])

    def test_tokenizer_model(self) -> None:
        """What the family of a tokenizer.model does takes the template's place."""
        model = copy_of(fault("tokenizer-bos-of-the-configuration") / "model", self.folder / "model")
        (model / "tokenizer.json").unlink()
        copy_of(shared_data("llama3/tokenizer.model"), model / "tokenizer.model")
        config = json.loads((model / "config.json").read_text()) | {"vocab_size": 128256}
        (model / "config.json").write_text(json.dumps(config))
        (model / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": False, "bos_token": "<|begin_of_text|>"}))
        corpus = fault("tokenizer-bos-of-the-configuration") / "corpus.txt"
        outcome = self.assert_done(self.plan(model, corpus=corpus))
        self.assertIn("<|begin_of_text|> (128000) in front", outcome.output)
        self.assertRegex(outcome.errors, "add_bos_token false, tokenizer.model .*--bos none")
        outcome = self.assert_done(self.plan(model, "--bos", "none", corpus=corpus))
        self.assertIn("nothing in front", outcome.output)

    def test_what_is_no_such_file(self) -> None:
        for keys in ({"add_bos_token": "yes"}, {"bos_token": 7}, {"eos_token": {"text": "</s>"}}):
            name = next(iter(keys))
            with self.subTest(keys):
                model = self.edited(tiny("llama-gqa"), name, tokenizer_config=keys)
                self.assert_fails(self.plan(model), BAD_INPUT, "tokenizer_config.json", name)
        model = copy_of(tiny("llama-gqa"), self.folder / "broken")
        (model / "tokenizer_config.json").write_text("{")
        self.assert_fails(self.plan(model), BAD_INPUT, "tokenizer_config.json")


class Bos(SpecialTokensTest):
    def traced(self, model: Path, *words: str, out: str) -> Path:
        return self.trace(model, tiny("llama-gqa") / "corpus.txt", *IN_DOUBLE, *FEW, *words, out=out)

    def test_never_twice(self) -> None:
        one, other = (self.traced(tiny("llama-gqa"), *words, out=f"{len(words)}.h5") for words in ((), ("--bos", "add")))
        self.assertEqual(differences(one, other), ["option bos differs"])

    def test_none_and_add_again(self) -> None:
        """Without BOS a text is what it is with it, less one; added by its name or by its number, it is the template's."""
        ids = [prompt["ids"] for prompt in json.loads((tiny("llama-gqa") / "prompts.json").read_text(encoding="utf-8"))[1:]]
        without = datasets(self.traced(tiny("llama-gqa"), "--bos", "none", out="none.h5"))
        self.assertEqual(without["samples/token"].tolist(), [number for one in ids for number in one[1:]])
        self.assertEqual(without["samples/position"].tolist(), [len(one) - 2 for one in ids])
        plain = self.edited(tiny("llama-gqa"), "plain", tokenizer={"post_processor": None})
        nameless = self.edited(plain, "nameless", tokenizer_config={"bos_token": None}, config={"bos_token_id": 1})
        template = datasets(self.traced(tiny("llama-gqa"), out="template.h5"))
        for number, model in enumerate((plain, nameless)):
            path = self.traced(model, "--bos", "add", out=f"add{number}.h5")
            self.assertEqual(stands(path), ([(1, "<|im_start|>")], []))
            for name, values in datasets(path).items():
                if not name.startswith("timing"):
                    np.testing.assert_array_equal(values, template[name], name)

    def test_no_bos(self) -> None:
        """A model that names no BOS, or one that its tokenizer or its embedding doesn't have."""
        source = fault("tokenizer-bos-of-the-configuration") / "model"
        for number, (keys, config, named) in enumerate((
            ({"bos_token": None}, {"bos_token_id": None}, "bos_token_id"),
            ({"bos_token": "<begin>"}, {}, "<begin>"),
            ({"bos_token": None}, {"bos_token_id": 399}, "399"),
            ({"bos_token": None}, {"bos_token_id": [-1]}, "bos_token_id"),
        )):  # fmt: skip
            model = self.edited(source, f"case{number}", tokenizer_config=keys, config=config)
            self.assert_fails(self.plan(model, "--bos", "add"), BAD_INPUT, named)
            self.assert_done(self.plan(model))
        self.assert_fails(self.plan(source, "--bos", "always"), BAD_USAGE, "--bos")

    def test_resume(self) -> None:
        """The option fixes numbers, and so does the token that stands in front."""
        model = self.edited(tiny("llama-gqa"))
        corpus = model / "corpus.txt"
        words = ("trace", "--model", model, "--corpus", corpus, "--out", self.folder / "run.h5", *PLAIN, *FEW)
        self.assert_done(run(*words, "--bos", "add"))
        self.assert_done(run(*words, "--bos", "add", "--resume"))
        self.assert_fails(run(*words, "--resume"), BAD_USAGE, "bos")
        plain = self.edited(tiny("llama-gqa"), "plain", tokenizer={"post_processor": None})
        words = (*words[:2], plain, *words[3:])
        self.assert_done(run(*words, "--bos", "add", "--overwrite"))
        config = json.loads((plain / "tokenizer_config.json").read_text()) | {"bos_token": "<|im_end|>"}
        (plain / "tokenizer_config.json").write_text(json.dumps(config))
        self.assert_fails(run(*words, "--bos", "add", "--resume"), BAD_INPUT, "special tokens", "<|im_end|>")


class BehindTheText(SpecialTokensTest):
    """EOS of a template: counted, and neither run nor measured."""

    def test_same_numbers(self) -> None:
        framed = self.with_eos(tiny("llama31"), "<|end_of_text|>")
        for tokens, words in (("last", ()), ("random", ()), ("all", ()), ("last", ("--moments", "streaming"))):
            with self.subTest(tokens=tokens, words=words):
                paths = [self.trace(model, tiny("llama31") / "corpus.txt", *IN_DOUBLE, *FEW, "--tokens", tokens, *words,
                                    "--overwrite", out=f"{model.name}.h5", ranks=2 if tokens == "all" else 0)
                         for model in (tiny("llama31"), framed)]  # fmt: skip
                plain, more = (datasets(path) for path in paths)
                stands_behind = stands(paths[1])[1]
                eos = stands_behind[0][0]
                self.assertEqual(stands_behind, [(eos, "<|end_of_text|>")])
                self.assertEqual(more["samples/length"].tolist(), (plain["samples/length"] + 1).tolist())
                ends = more["samples/token_offset"][1:] - 1
                self.assertEqual(set(more["samples/token"][ends].tolist()), {eos})
                texts = {"samples/length", "samples/token", "samples/token_offset", "token_index"}
                for name in plain.keys() - texts:
                    if not name.startswith("timing"):
                        np.testing.assert_array_equal(plain[name], more[name], name)
                self.assert_done(run("verify", paths[1]))
                sweeps = []
                for path, model in zip(paths, (tiny("llama31"), framed), strict=True):
                    sweeps.append(self.folder / f"{model.name}-sweep.h5")
                    self.assert_done(run("perturb", "--trace", path, "--out", sweeps[-1], "--overwrite", "--kinds",
                                         "teleport,noise,ablate", "--ablate", "mean", "--grid", "2", "--directions", "1"))  # fmt: skip
                one, other = (datasets(path) for path in sweeps)
                self.assertEqual(one.keys(), other.keys())
                for name in one:
                    np.testing.assert_array_equal(one[name], other[name], name)

    def test_the_context_ends_before_it(self) -> None:
        """What does not run needs no position."""
        framed = self.with_eos(tiny("llama-gqa"), "<|im_end|>")
        longest = max(len(prompt["ids"]) for prompt in json.loads((framed / "prompts.json").read_text(encoding="utf-8")))
        for positions, code in ((longest, 0), (longest - 1, BAD_INPUT)):
            config = json.loads((framed / "config.json").read_text()) | {"max_position_embeddings": positions}
            (framed / "config.json").write_text(json.dumps(config))
            self.assertEqual(self.plan(framed).code, code)

    def test_special_tokens_alone(self) -> None:
        """A text without a token of its own is spoken of; never is EOS measured, and without BOS there is nothing."""
        model = copy_of(tiny("llama-gqa"), self.folder / "bare")
        tokenizer = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
        tokenizer["model"] |= {"vocab": {"a": 3, "b": 4}, "merges": [], "unk_token": None}
        tokenizer |= {"pre_tokenizer": None, "normalizer": None, "decoder": None}
        (model / "tokenizer.json").write_text(json.dumps(tokenizer))
        corpus = self.folder / "corpus.txt"
        corpus.write_text("ab\nxyz\n")
        for tokens in ("last", "random", "all"):
            said = self.assert_done(self.plan(model, "--tokens", tokens, corpus=corpus)).errors
            self.assertRegex(said, "without a token of their own: 1, the first in line 1 from 0")
            for source in (model, self.with_eos(model, "<|im_end|>", f"behind-{tokens}")):
                words = ("--bos", "none", "--tokens", tokens)
                self.assert_fails(self.plan(source, *words, corpus=corpus), BAD_INPUT, "no tokens", "line 1")
        path = self.trace(self.folder / "behind-last", corpus, *UNTRAINED)
        self.assertEqual(datasets(path)["samples/position"].tolist(), [2, 0])
        self.assertIn("2 rows", self.assert_done(self.plan(model, "--tokens", "all", corpus=corpus)).output)
        corpus.write_text("xyz\n")
        self.assert_fails(self.plan(model, "--tokens", "all", corpus=corpus), BAD_INPUT, "no sample has a token")


class OfEarlierVersions(SpecialTokensTest):
    def test_a_file_that_does_not_say(self) -> None:
        """It is read, and compared to one that does; a line is not a difference, another option is."""
        paths = {bos: self.trace(tiny("llama-gqa"), tiny("llama-gqa") / "corpus.txt", *PLAIN, *FEW, "--bos", bos, out=f"{bos}.h5")
                 for bos in ("template", "none")}  # fmt: skip
        old = copy_of(paths["template"], self.folder / "old.h5")
        with h5py.File(old, "r+") as file:
            for name in ("leading", "trailing"):
                del file["samples"].attrs[name]
            file.attrs["config"] = str(file.attrs["config"]).replace("bos = template\n", "")
        refresh(old)
        self.assert_done(run("verify", old))
        self.assertNotIn("special_tokens", self.assert_done(run("inspect", old)).output)
        for one, other in ((old, paths["template"]), (paths["template"], old)):
            self.assert_done(run("verify", one, other))
        self.assertIn("option [trace] bos: template and none", run("verify", old, paths["none"]).output)
        words = ("trace", "--model", tiny("llama-gqa"), "--corpus", tiny("llama-gqa") / "corpus.txt", *PLAIN, *FEW)
        self.assert_done(run(*words, "--out", old, "--resume"))
        self.assert_done(run("perturb", "--trace", old, "--out", self.folder / "sweep.h5", "--kinds", "noise", "--directions", "1"))


if __name__ == "__main__":
    unittest.main()
