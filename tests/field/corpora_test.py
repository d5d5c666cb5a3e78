"""Corpora and options files that are no UTF-8 text: what they are is named, and what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import unittest
import zipfile
from pathlib import Path

from field_faults import PLAIN, fault
from orrery_program import ProgramTest, run
from tiny_models import tiny

BAD_INPUT = 65
TEXT = "Als der Zug hielt, stieg niemand aus.\nThe second line is here.\n"


def zipped() -> bytes:
    bytes_ = io.BytesIO()
    with zipfile.ZipFile(bytes_, "w") as archive:
        archive.writestr("corpus.txt", TEXT)
    return bytes_.getvalue()


class CorporaTest(ProgramTest):
    def refused(self, corpus: Path, *named: str) -> str:
        """The message, which names the file and `named`, and nothing is left behind."""
        out = self.folder / "out.h5"
        outcome = run("trace", "--model", tiny("llama-mha"), "--corpus", corpus, *PLAIN, "--out", out)
        message = self.assert_fails(outcome, BAD_INPUT, corpus.name, *named)
        self.assert_nothing_at(out)
        return message

    def corpus(self, content: bytes, name: str = "corpus.txt") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def accepted(self, content: bytes) -> str:
        out = self.folder / "out.h5"
        outcome = run("trace", "--model", tiny("llama-mha"), "--corpus", self.corpus(content), *PLAIN, "--overwrite",
                      "--permutations", "10", "--out", out)  # fmt: skip
        return self.assert_done(outcome).errors

    def test_corpus_other_encodings(self) -> None:
        folder = fault("corpus-other-encodings")
        self.assertNotIn("latin1", self.refused(folder / "corpus.utf16", "UTF-16", "iconv -f UTF-16"))
        self.assertNotIn("iconv", self.refused(folder / "corpus.gz", "gzip", "gunzip"))

    def test_wide_encodings(self) -> None:
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
            with self.subTest(encoding=encoding):
                message = self.refused(self.corpus(TEXT.encode(encoding)), encoding[:6].upper())
                self.assertNotIn("latin1", message)
        self.refused(self.corpus(b"\xfe\xff" + TEXT.encode("utf-16-be")), "UTF-16")

    def test_packed_and_other_files(self) -> None:
        for content, *named in (
            (gzip.compress(TEXT.encode()), "gzip", "gunzip"),
            (bz2.compress(TEXT.encode()), "bzip2"),
            (lzma.compress(TEXT.encode()), "xz"),
            (b"\x28\xb5\x2f\xfd\x04\x00" + bytes(40), "Zstandard"),
            (zipped(), "zip archive"),
            (b"PAR1\x15\x04\x15" + bytes(40), "Parquet", "JSON Lines"),
            (b"ARROW1\x00\x00" + bytes(40), "Arrow"),
            ((tiny("llama-mha") / "model.safetensors").read_bytes(), "it is no text"),
            (b"%PDF-1.4\n1 0 obj\n", "PDF"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n", "Git LFS"),
        ):
            with self.subTest(named=named):
                self.refused(self.corpus(content), *named)

    def test_characters_of_nul(self) -> None:
        self.refused(self.corpus(b"A line of text.\nA hole" + bytes(9) + b"\n"), "NUL", "line 1 from 0, byte 22")
        self.refused(self.corpus(bytes(100)), "NUL", "line 0 from 0, byte 0")
        # Behind the first mebibyte, too: blocks of a sparse file that were never written.
        self.refused(self.corpus(b"A line of text.\n" * 70000 + bytes(4096)), "NUL", "line 70000 from 0, byte 1120000")
        # A few are characters as others.
        self.accepted(b"A line of text.\nAnd another \x00 one.\nA third one.\n")

    def test_advice_by_what_the_bytes_are(self) -> None:
        self.refused(self.corpus("Où est-il allé, le garçon naïf ?\n".encode("latin1")), "iconv -f latin1 -t utf-8")
        self.refused(self.corpus("He said “no” – and went.\n".encode("cp1252")), "iconv -f cp1252 -t utf-8")
        for text, encoding in (("今天天气很好，我们去公园。\n", "gb18030"), ("Сегодня хорошая погода.\n", "koi8-r"),
                               ("今日は天気がいい。\n", "shift_jis")):  # fmt: skip
            with self.subTest(encoding=encoding):
                message = self.refused(self.corpus(text.encode(encoding)), "iconv -f ENCODING")
                self.assertNotIn("latin1", message)
        mixed = "Ein schöner Tag.\nNoch einer.\n".encode() + "Schön.\n".encode("latin1")
        self.assertNotIn("latin1", self.refused(self.corpus(mixed), "line 2 from 0", "iconv -c"))
        self.refused(self.corpus("Ein schöner Tag, und noch einer: schö".encode()[:-1]), "cut short", "get it whole")

    def test_text_that_begins_as_other_files_do_is_text(self) -> None:
        for text in ("GGUF is a format of files.", "BZh is a mark.", "PAR1 and PAR2", "Größe: ein Wort"):
            with self.subTest(text=text):
                self.accepted((text + "\nA second line of text.\nA third one.\n").encode())
        self.assertIn("looks like an HTML page", self.accepted(b"<!DOCTYPE html>\n<p>One line of it.\n<p>Another.\n"))

    def test_options_files(self) -> None:
        options = "[trace]\nsamples = 2\n"
        words = ("trace", "--model", tiny("llama-mha"), "--corpus", "corpus.txt", "--out", "out.h5", "--config")
        for content, named in (
            (options.encode("utf-16"), "UTF-16"),
            (options.encode("utf-16-le"), "UTF-16"),
            (gzip.compress(options.encode()), "gzip"),
            (b"[trace]\nsamples = 2\x00\n", "NUL"),
        ):
            with self.subTest(named=named):
                path = self.folder / "options.ini"
                path.write_bytes(content)
                self.assert_fails(run(*words, path), BAD_INPUT, "options.ini", named)
        # A mark in front, as some editors leave it, is no key.
        self.corpus(TEXT.encode())
        path.write_bytes(b"\xef\xbb\xbf" + options.encode() + b"min-chars = 0\npermutations = 10\n")
        self.assert_done(run(*words, path, folder=self.folder))


if __name__ == "__main__":
    unittest.main()
