"""An output that is an input: 64, and every file stays as it was; and an output that is a link."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import unittest
from pathlib import Path

from field_faults import PLAIN, copy_of, fault
from orrery_program import ProgramTest, run
from tiny_models import tiny, write_corpus

USAGE = 64


def contents(folder: Path) -> dict[str, str]:
    """What stands under every name in a folder: a hash, and where a link leads."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        link = os.readlink(path) if path.is_symlink() else ""
        text = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = link + text
    return found


class FilesTest(ProgramTest):
    @classmethod
    def setUpClass(cls) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="orrery-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.made = Path(scratch.name)
        write_corpus(cls.made / "corpus.txt", 8)
        outcome = run("trace", "--model", tiny("llama-mha"), "--corpus", cls.made / "corpus.txt", "--out",
                      cls.made / "run.h5", "--permutations", "10", *PLAIN)  # fmt: skip
        assert outcome.code == 0, str(outcome)

    def setUp(self) -> None:
        super().setUp()
        self.model = copy_of(tiny("llama-mha"), self.folder / "model")
        self.corpus = copy_of(fault("overwrite-of-an-input") / "corpus.txt", self.folder / "corpus.txt")
        self.run_file = copy_of(self.made / "run.h5", self.folder / "run.h5")

    def assert_refused(
        self,
        *words: str | Path,
        named: str = "the output is an input",
        ranks: int = 0,
        ways: tuple[tuple[str, ...], ...] = (("--overwrite",),),
    ) -> None:
        """64, one message, and nothing in the folder is changed, with each of `ways` among the options."""
        before = contents(self.folder)
        for more in ways:
            with self.subTest(words=[str(word) for word in words], more=more):
                outcome = run(*words, *more, folder=self.folder, ranks=ranks)
                self.assert_fails(outcome, USAGE, named)
                self.assertEqual(contents(self.folder), before)

    def trace_to(self, out: str | Path, **how: object) -> None:
        words = ("trace", "--model", self.model, "--corpus", self.corpus, *PLAIN, "--out", out)
        self.assert_refused(*words, **how)  # type: ignore[arg-type]

    def perturb_to(self, out: str | Path, *words: str | Path, **how: object) -> None:
        self.assert_refused("perturb", "--trace", self.run_file, *words, "--out", out, **how)  # type: ignore[arg-type]

    def test_overwrite_of_an_input(self) -> None:
        ways = (("--overwrite",), ("--resume",), ())
        self.trace_to(self.corpus, ways=ways)
        self.trace_to(self.model / "model.safetensors")
        self.perturb_to(self.run_file, ways=ways)
        self.perturb_to(self.model / "model.safetensors", "--model", self.model)

    def test_whatever_file_of_the_model(self) -> None:
        for name in ("config.json", "tokenizer.json", "tokenizer.model"):
            if (self.model / name).exists():
                self.trace_to(self.model / name)
        # One that is not there yet would be taken for the model's own.
        self.trace_to(self.model / "model-00001-of-00002.safetensors", named="taken for one of the input's files")

    def test_on_ranks_with_one_message(self) -> None:
        self.trace_to(self.corpus, ranks=2)
        self.perturb_to(self.run_file, ranks=2)

    def test_the_model_that_only_the_trace_names(self) -> None:
        (self.folder / "run.h5").unlink()
        self.trace(self.model, self.made / "corpus.txt", "--permutations", "10", *PLAIN)
        self.perturb_to(self.model / "config.json")

    def test_through_links_and_other_paths(self) -> None:
        (self.folder / "symbolic").symlink_to("corpus.txt")
        (self.folder / "chain").symlink_to("symbolic")
        (self.folder / "hard").hardlink_to(self.corpus)
        (self.folder / "here").symlink_to(".")
        for out in ("chain", "hard", "here/corpus.txt", "model/../corpus.txt"):
            self.trace_to(out)
        # The other way round: a model of links, as in a cache of downloads.
        (self.folder / "blob").write_bytes((self.model / "model.safetensors").read_bytes())
        (self.model / "model.safetensors").unlink()
        (self.model / "model.safetensors").symlink_to("../blob")
        self.trace_to("blob")

    def test_options_files(self) -> None:
        options = self.folder / "options.ini"
        options.write_text("[trace]\nsamples = 2\n[perturb]\nlayers = 0\n")
        self.assert_refused("trace", "--config", options, "--model", self.model, "--corpus", self.corpus, "--out",
                            options)  # fmt: skip
        self.perturb_to(options, "--config", options)

    def test_what_lies_in_work_in_progress(self) -> None:
        # Its files go when the run begins anew, whatever they are.
        work = self.folder / "out.h5.part"
        work.mkdir()
        shutil.move(self.run_file, work / "data.h5")
        self.run_file = work / "data.h5"
        self.perturb_to("out.h5")
        shutil.move(self.run_file, self.folder / "run.h5")
        self.run_file = self.folder / "run.h5"
        (work / "data.h5").hardlink_to(self.run_file)
        self.perturb_to("out.h5")
        (work / "data.h5").unlink()
        self.model = self.model.rename(work / "model")
        self.trace_to("out.h5")
        (work / "deeper").mkdir()
        self.model = self.model.rename(work / "deeper" / "model")
        self.trace_to("out.h5", named="an input lies in the folder for work in progress")
        shutil.rmtree(work)
        self.model = copy_of(tiny("llama-mha"), self.folder / "model")
        self.corpus = self.corpus.rename(work)
        self.trace_to("out.h5")

    def test_parts_and_their_join(self) -> None:
        self.perturb_to(self.run_file, "--part", "0/2")
        self.perturb_to(self.run_file, "--join")

    def test_figures(self) -> None:
        out = self.folder / "figures"
        out.mkdir()
        for name in ("index.html", "correlation.svg", "correlation.dat"):
            shutil.copyfile(self.made / "run.h5", out / name)
            before = contents(self.folder)
            self.assert_fails(run("figures", out / name, "--out", out), USAGE, "the output is an input")
            self.assertEqual(contents(self.folder), before)
            (out / name).unlink()
        self.assert_fails(run("figures", self.run_file, "--out", self.run_file), USAGE, "the output is an input")
        (out / "index.html").symlink_to(self.run_file)
        self.assert_fails(run("figures", self.run_file, "--out", out), USAGE, "the output is an input")

    def test_what_is_no_input_may_lie_anywhere(self) -> None:
        """A result in the model's folder is no part of the model, and may be made anew."""
        for _ in range(2):
            outcome = run("trace", "--model", self.model, "--corpus", self.made / "corpus.txt", *PLAIN, "--permutations",
                          "10", "--out", self.model / "run.h5", "--overwrite")  # fmt: skip
            self.assert_done(outcome)

    def test_a_folder_as_output(self) -> None:
        self.trace_to(self.model, named="the output is a")
        (self.folder / "link").symlink_to("model")
        self.trace_to("link", named="the output is a")

    def test_an_output_that_is_a_link(self) -> None:
        """The link is replaced and what it points to stays, as --help says; also where it points to nothing."""
        target = self.folder / "elsewhere"
        target.write_text("stays\n")
        for link, points_to in (("link.h5", "elsewhere"), ("dangling.h5", "nothing")):
            (self.folder / link).symlink_to(points_to)
            words = ("trace", "--model", self.model, "--corpus", self.made / "corpus.txt", "--permutations", "10",
                     *PLAIN, "--out", link)  # fmt: skip
            message = self.assert_fails(run(*words, folder=self.folder), USAGE, "the output exists", points_to)
            self.assertIn("a link to", message)
            outcome = self.assert_done(run(*words, "--overwrite", folder=self.folder))
            self.assertIn("is a link, which the new file will replace", outcome.errors)
            self.assertFalse((self.folder / link).is_symlink())
            self.assert_done(run("inspect", self.folder / link))
            self.assertEqual(target.read_text(), "stays\n")
            self.assertFalse(os.path.lexists(self.folder / "nothing"))
        for command in ("trace", "perturb"):
            text = " ".join(run(command, "--help").output.split())
            self.assertIn("--overwrite replaces the link, and what it points to stays", text)


if __name__ == "__main__":
    unittest.main()
