"""Prompts of one's own: `orrery perturb --prompts FILE` gives what the same texts give as samples of the trace."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import unittest
from pathlib import Path

from orrery_program import ROOT, Outcome, ProgramTest, run
from tiny_models import IN_DOUBLE, tiny, write_corpus
from trace_file import attributes, config_of, datasets, differences, same_bits

BAD_USAGE, BAD_INPUT = 64, 65
ROWS = 12
#: A prompt a block, so that parts and ranks have some each.
ALL = ("--kinds", "teleport,noise,ablate", "--ablate", "mean", "--grid", "2", "--epsilon", "0.1", "--directions", "2",
       "--batch-tokens", "1", "--store", "states", "--state-prompts", "1", "--state-points", "0,3")  # fmt: skip
LITTLE = ("--kinds", "noise", "--epsilon", "0.1", "--directions", "1", "--pc-directions", "1", "--layers", "1")


class OwnPromptsTest(ProgramTest):
    """A trace of twelve rows, and files of prompts."""

    def setUp(self) -> None:
        super().setUp()
        self.corpus = write_corpus(self.folder / "corpus.txt", ROWS)
        self.texts = self.corpus.read_text(encoding="utf-8").splitlines()

    def trace_of(self, *words: str, model: str = "llama31", out: str = "run.h5") -> Path:
        return self.trace(tiny(model), self.corpus, "--min-chars", "0", "--permutations", "10", *words, out=out)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    def try_perturb(self, trace: Path, prompts: Path | str, *words: str | Path, out: str = "sweep.h5", ranks: int = 0) -> Outcome:
        return run("perturb", "--trace", trace, "--prompts", prompts, "--out", self.folder / out, *words, ranks=ranks, timeout=120)

    def perturb(self, trace: Path, prompts: Path | str, *words: str | Path, out: str = "sweep.h5", ranks: int = 0) -> Path:
        self.assert_done(self.try_perturb(trace, prompts, *words, out=out, ranks=ranks))
        return self.folder / out

    def assert_same_numbers(self, own: Path, samples: Path) -> None:
        """All of a sweep of samples 0, 1, …, bit by bit, in a sweep of their texts; which has the texts too."""
        one, other = datasets(own), datasets(samples)
        self.assertEqual(one.keys() - other.keys(), {"prompts/text"})
        for name, values in other.items():
            if not name.startswith("timing"):
                self.assertTrue(same_bits(one[name], values), name)


class TheSameAsSamples(OwnPromptsTest):
    def test_bits(self) -> None:
        """A line each or JSON Lines, on one rank and on two."""
        trace = self.trace_of()
        samples = self.perturb(trace, "0-3", *ALL)
        lines = self.write("prompts.txt", "\ufeff" + "".join(f"  {text} \r\n" for text in self.texts[:4]))
        objects = self.write("prompts.jsonl", "\n".join(json.dumps({"n": n, "text": text}) for n, text in enumerate(self.texts[:4])))
        own = self.perturb(trace, lines, *ALL, out="own.h5")
        self.assert_same_numbers(own, samples)
        self.assertEqual([text.decode() for text in datasets(own)["prompts/text"]], self.texts[:4])
        self.assert_done(run("verify", own))
        root = {name: value for (item, name), value in attributes(own).items() if item == "/"}
        self.assertEqual(root["prompts_name"], "prompts.txt")
        self.assertEqual(root["prompts_sha256"], hashlib.sha256(lines.read_bytes()).hexdigest())
        self.assertEqual(config_of(own)["prompts"], str(lines))
        self.assertNotIn(("/", "prompts_sha256"), attributes(samples))
        self.assertEqual(differences(own, self.perturb(trace, lines, *ALL, out="two.h5", ranks=2)), [])
        other = self.perturb(trace, objects, *ALL, out="objects.h5", ranks=2)
        self.assert_same_numbers(other, samples)
        self.assertIn("prompts_sha256", run("verify", own, other).output)

    def test_special_tokens_of_the_trace(self) -> None:
        """What stands in front of its samples stands in front of them."""
        for bos in ("template", "none"):
            trace = self.trace_of("--bos", bos, model="llama-gqa", out=f"{bos}.h5")
            lines = self.write("prompts.txt", "\n".join(self.texts[:2]))
            own, samples = (self.perturb(trace, prompts, *LITTLE, "--overwrite", out=f"{number}.h5")
                            for number, prompts in enumerate((lines, "0-1")))  # fmt: skip
            self.assert_same_numbers(own, samples)


class AnyText(OwnPromptsTest):
    def test_of_any_length(self) -> None:
        """From one character to what the context holds, with line ends in JSON; and what is said of them."""
        trace = self.trace_of("--samples", "3")
        dave = "I'm sorry, Dave. I'm afraid I can't do that."
        self.assertEqual((ROOT / "jobs" / "paper_prompt.txt").read_text(encoding="utf-8"), f"{dave}\n")
        texts = [dave, "a", "A line.\nAnother.\n\nAnd one more: \t", "ünï – 東京"]
        objects = self.write("prompts.jsonl", "\n".join(json.dumps({"text": text}) for text in texts))
        path = self.perturb(trace, objects, *LITTLE, "--store", "states", "--state-prompts", "1,3", "--state-points", "0")
        found = datasets(path)
        self.assertEqual(found["prompt"].tolist(), [0, 1, 2, 3])
        self.assertEqual(found["state_prompt"].tolist(), [1, 3])
        self.assertEqual(found["prompts/row"].tolist(), [0, 1, 2, 3])
        self.assertEqual([text.decode() for text in found["prompts/text"]], texts)
        # A trace of the same texts tokenizes them the same; a line each, the third isn't one.
        corpus = self.write("same.txt", f"{dave}\na\nünï – 東京\n")
        again = datasets(self.trace(tiny("llama31"), corpus, "--min-chars", "0", "--permutations", "1", out="again.h5"))
        self.assertEqual(found["prompts/length"][[0, 1, 3]].tolist(), again["samples/length"].tolist())
        self.assert_done(run("verify", path))
        said = self.assert_done(run("inspect", path)).output
        for word in (dave, "A line.?Another.", "prompts_sha256", "prompts.jsonl"):
            self.assertIn(word, said)
        plan = self.assert_done(run("plan", "perturb", "--trace", trace, "--prompts", objects, *LITTLE)).output
        self.assertRegex(plan, r"prompts +4 of 4 in .*prompts\.jsonl")

    def test_figures_name_the_prompt(self) -> None:
        trace = self.trace_of()
        path = self.perturb(trace, ROOT / "jobs" / "paper_prompt.txt", *LITTLE)
        self.assert_done(run("figures", path, "--out", self.folder / "figures", "--format", "svg"))
        page = (self.folder / "figures" / "index.html").read_text(encoding="utf-8")
        self.assertIn("the prompt “I&#39;m sorry, Dave. I&#39;m afraid I can&#39;t do that.”".replace("&#39;", "'"), page.replace("&#39;", "'"))
        self.assertIn("paper_prompt.txt", page)

    def test_refused(self) -> None:
        trace = self.trace_of()
        folder = self.folder / "prompts.d"
        folder.mkdir()
        for code, prompts, *named in (
            (BAD_INPUT, self.write("blank.txt", "one\n\nthree\n"), "blank.txt", "line 1 from 0", "empty"),
            (BAD_INPUT, self.write("end.txt", "one\n \t\n"), "line 1 from 0"),
            (BAD_INPUT, self.write("nothing.txt", ""), "empty"),
            (BAD_INPUT, self.write("spaces.txt", " \n\n"), "empty"),
            (BAD_INPUT, self.write("long.txt", "short\n" + "word and word " * 2000 + "\n"), "long.txt", "line 1 from 0", "max_position_embeddings"),
            (BAD_INPUT, self.write("nul.txt", b"one\nt\0wo\n"), "NUL"),
            (BAD_INPUT, self.write("wide.txt", "one\ntwo\n".encode("utf-16")), "UTF-"),
            (BAD_INPUT, self.write("wide-le.txt", "one\ntwo\n".encode("utf-16-le")), ""),
            (BAD_INPUT, self.write("latin.txt", "né\n".encode("latin1")), "UTF-8"),
            (BAD_INPUT, self.write("packed.txt", b"\x1f\x8b\x08\0\0\0\0\0"), ""),
            (BAD_INPUT, self.write("list.json", '["one", "two"]'), ".jsonl"),
            (BAD_INPUT, self.write("other.jsonl", '{"text": "one"}\n{"prompt": "two"}\n'), "line 1 from 0", "text"),
            (BAD_INPUT, self.write("number.jsonl", '{"text": 1}\n'), "line 0 from 0"),
            (BAD_INPUT, self.write("half.jsonl", '{"text": "one"}\n{"text": "tw\n'), "line 1 from 0"),
            (BAD_INPUT, self.write("empty.jsonl", '{"text": "one"}\n{"text": " "}\n'), "line 1 from 0", "empty"),
            (BAD_INPUT, self.write("nul.jsonl", '{"text": "o\\u0000ne"}\n'), "NUL"),
            (BAD_INPUT, self.folder / "missing.txt", "missing.txt", "0-3,7"),
            (BAD_INPUT, folder, "prompts.d"),
            (BAD_USAGE, "some", "--prompts"),
            (BAD_USAGE, "0-x", "--prompts"),
            (BAD_USAGE, "0, 99", "--prompts"),
        ):  # fmt: skip
            with self.subTest(prompts=str(prompts)):
                self.assert_fails(self.try_perturb(trace, prompts, *LITTLE), code, *named)
                self.assert_nothing_at(self.folder / "sweep.h5")
        self.assert_fails(run("plan", "perturb", "--trace", trace, "--prompts", self.folder / "long.txt"), BAD_INPUT, "line 1")
        self.assert_fails(self.try_perturb(trace, self.folder / "long.txt", ranks=2), BAD_INPUT, "line 1")
        two = self.write("two.txt", "one\ntwo\n")
        self.assert_fails(self.try_perturb(trace, two, "--store", "states", "--state-prompts", "2"), BAD_USAGE, "--state-prompts")

    def test_another_tokenizer(self) -> None:
        trace = self.trace_of()
        other = self.folder / "other"
        shutil.copytree(tiny("llama31"), other, copy_function=shutil.copyfile)
        os.chmod(other, 0o755)
        with (other / "tokenizer.json").open("ab") as file:
            file.write(b"\n")
        prompts = self.write("prompts.txt", "one\n")
        self.assert_fails(self.try_perturb(trace, prompts, "--model", other), BAD_INPUT, "tokenizer")


class InParts(OwnPromptsTest):
    def test_parts_join_and_resume(self) -> None:
        """In parts as at once; a part, or what is done, of another file is refused, wherever the file lies."""
        trace = self.trace_of()
        prompts = self.write("prompts.txt", "\n".join(self.texts[:4]))
        others = self.write("others.txt", "\n".join(self.texts[1:5]))
        whole = self.perturb(trace, prompts, *ALL)
        for part, given in ((0, prompts), (1, others)):
            self.assert_done(self.try_perturb(trace, given, *ALL, "--part", f"{part}/2", out="joined.h5"))
        self.assert_fails(self.try_perturb(trace, prompts, *ALL, "--join", out="joined.h5"), BAD_INPUT, "prompts")
        self.assert_fails(self.try_perturb(trace, prompts, *ALL, "--part", "1/2", "--resume", out="joined.h5"), BAD_INPUT, "prompts")
        self.assert_done(self.try_perturb(trace, prompts, *ALL, "--part", "1/2", "--overwrite", out="joined.h5", ranks=2))
        self.assert_done(self.try_perturb(trace, prompts, *ALL, "--join", out="joined.h5"))
        self.assertEqual(differences(whole, self.folder / "joined.h5"), [])
        self.assert_done(run("verify", self.folder / "joined.h5"))
        moved = shutil.copyfile(prompts, self.folder / "moved.txt")
        self.assertIn("complete already", self.assert_done(self.try_perturb(trace, moved, *ALL, "--resume")).output)
        self.assert_fails(self.try_perturb(trace, others, *ALL, "--resume"), BAD_INPUT, "prompts")
        self.assert_fails(self.try_perturb(trace, "0-3", *ALL, "--resume"), BAD_INPUT, "prompts")
        again = self.folder / "again.ini"
        again.write_text(run("inspect", whole, "--ini").output.replace("sweep.h5", "again.h5"))
        self.assert_done(run("perturb", "--config", again))
        self.assertEqual(differences(whole, self.folder / "again.h5"), [])


if __name__ == "__main__":
    unittest.main()
