"""End to end: what `orrery trace` writes is what the model computes and what the formulas say, bit for bit the same
whatever the ranks, threads and order."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import unittest
from pathlib import Path

import h5py
import numpy as np
from orrery_program import Outcome, ProgramTest, run, shared_data
from safetensors_file import read_header, read_tensors
from trace_file import attributes, datasets, differences
from trace_reference import EPSILON, SHARES, Spectrum, headline, headline_errors, trace_numbers

#: The tiny Llamas, with the least cosine of a bfloat16 run of the reference library (their README).
LLAMAS = {
    "llama-mha": 0.99981,
    "llama-gqa": 0.99933,
    "llama31": 0.99879,
    "llama-bf16": 0.99961,
    "llama-sharded": 0.99962,
    "llama-bias": 0.99904,
}
IN_DOUBLE = ("--dtype", "float64", "--residual", "float64")


def tiny(name: str) -> Path:
    return shared_data(f"models/{name}")


def write_corpus(path: Path, rows: int, longest: int = 200) -> Path:
    """The first `rows` rows of WikiText-2 of between 60 and `longest` characters."""
    kept: list[str] = []
    for line in shared_data("wikitext-2/wiki.test.raw").read_text(encoding="utf-8").split("\n"):
        if 60 < len(line.strip()) < longest and len(kept) < rows:
            kept.append(line.strip())
    assert len(kept) == rows
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def golden_rows(model: str) -> np.ndarray:
    """(4, P, D): the last token of prompts 1 … 4, the reference's."""
    expected = read_tensors(tiny(model) / "expected.safetensors")
    return np.stack([expected[f"residual.{prompt}"][-1] for prompt in range(1, 5)])


class ResidualStream(ProgramTest):
    """The rows of the file are the reference's residual streams."""

    def rows_of(self, model: str, *words: str) -> np.ndarray:
        folder = tiny(model)
        path = self.trace(folder, folder / "corpus.txt", "--min-chars", "0", *words, out=f"{model}.h5")
        with h5py.File(path) as file:
            return file["residual/last_token"][()]

    def assert_close(self, model: str, rows: np.ndarray, bound: float) -> None:
        golden = golden_rows(model)
        self.assertEqual(rows.shape, golden.shape)
        distance = np.linalg.norm(rows - golden, axis=2) / np.linalg.norm(golden, axis=2)
        self.assertLess(distance.max(), bound, f"{model}: at (sample, point) {np.argwhere(distance >= bound)}")

    def test_float32(self) -> None:
        for model in LLAMAS:
            with self.subTest(model=model):
                rows = self.rows_of(model)
                self.assertEqual(rows.dtype, np.float32)
                self.assert_close(model, rows, 1e-5)

    def test_float64(self) -> None:
        for model in LLAMAS:
            with self.subTest(model=model):
                rows = self.rows_of(model, *IN_DOUBLE)
                self.assertEqual(rows.dtype, np.float64)
                self.assert_close(model, rows, 1e-10)

    def test_bfloat16(self) -> None:
        for model, least in LLAMAS.items():
            with self.subTest(model=model):
                rows = self.rows_of(model, "--dtype", "bfloat16").astype(np.float64)
                golden = golden_rows(model)
                size = np.linalg.norm(rows, axis=2) * np.linalg.norm(golden, axis=2)
                self.assertGreaterEqual(((rows * golden).sum(axis=2) / size).min(), least)
                distance = np.linalg.norm(rows - golden, axis=2) / np.linalg.norm(golden, axis=2)
                self.assertGreater(distance.max(), 1e-4, "no bfloat16 run is this close")

    def test_tokens_and_samples(self) -> None:
        for model in LLAMAS:
            with self.subTest(model=model):
                folder = tiny(model)
                prompts = json.loads((folder / "prompts.json").read_text(encoding="utf-8"))[1:]
                found = datasets(self.trace(folder, folder / "corpus.txt", "--min-chars", "0", out=f"{model}.h5"))
                lengths = [len(prompt["ids"]) for prompt in prompts]
                self.assertEqual(found["samples/token"].tolist(), sum((prompt["ids"] for prompt in prompts), []))
                self.assertEqual(found["samples/token_offset"].tolist(), np.cumsum([0, *lengths]).tolist())
                self.assertEqual(found["samples/length"].tolist(), lengths)
                self.assertEqual(found["samples/position"].tolist(), [length - 1 for length in lengths])
                self.assertEqual(found["samples/row"].tolist(), [0, 1, 2, 3])
                characters = [len(prompt["text"].strip()) for prompt in prompts]
                self.assertEqual(found["samples/characters"].tolist(), characters)


class Numbers(ProgramTest):
    """Every dataset equals what the slow reference makes of the file's own rows."""

    def check(self, path: Path) -> None:
        found = datasets(path)
        x = found["residual/last_token"].astype(np.float64)
        expected = trace_numbers(x)
        for name, value in expected.items():
            with self.subTest(dataset=name):
                self.compare(name, found[name], value, x)
        for name in found:
            known = name in expected or name.split("/")[0] in {"samples", "points", "residual", "timing"}
            spectrum = name in {"pca/rank", "pca/eigenvalue", "pca/component", "pca/components_for"}
            self.assertTrue(known or spectrum or "/" not in name, f"{name} is not checked")
        self.check_spectra(found, x)
        self.check_points(found)

    def compare(self, name: str, found: np.ndarray, expected: np.ndarray, x: np.ndarray) -> None:
        self.assertEqual(found.shape, expected.shape)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        if found.dtype.kind == "i":
            np.testing.assert_array_equal(found, expected)
            return
        # Sums over N rows or D units lose up to that many roundings; float32 is the file's own rounding.
        rounding = 64 * EPSILON * max(x.shape[0], x.shape[2])
        if found.dtype == np.float32:
            rounding = 2.0**-23
        absolute = rounding if name.startswith("continuity/") else 0.0
        if name == "trajectory/mean":
            absolute = rounding * np.abs(x).max()
        if name == "continuity/acceleration" or name.endswith("_std"):
            # A small difference of large numbers: rounded as those are.
            absolute = rounding * max(1.0, np.abs(np.nan_to_num(expected)).max(), np.abs(x).max())
        if name == "pca/participation_ratio_corrected":
            # What is left of tr(C²) after tr(C)²/M has few digits where rows are few.
            rounding = max(rounding * float(np.abs(np.nan_to_num(expected)).max()), 1e-9)
        np.testing.assert_allclose(found, expected, rtol=rounding, atol=absolute, equal_nan=True)

    def check_spectra(self, found: dict[str, np.ndarray], x: np.ndarray) -> None:
        samples, points, units = x.shape
        for s in range(points):
            with self.subTest(point=s):
                spectrum = Spectrum(x[:, s])
                if samples < 2:
                    self.assertEqual(found["pca/rank"][s], 0)
                    continue
                near = (spectrum.all_eigenvalues > spectrum.threshold / 30) & (
                    spectrum.all_eigenvalues < spectrum.threshold * 30
                )
                self.assertFalse(near.any(), "an eigenvalue too near the threshold for a test")
                self.assertEqual(found["pca/rank"][s], spectrum.rank)
                error = 16 * max(samples, units) * EPSILON * spectrum.eigenvalue[0]
                np.testing.assert_allclose(found["pca/eigenvalue"][s], spectrum.eigenvalue, rtol=1e-13, atol=error)
                self.assertTrue((found["pca/eigenvalue"][s][spectrum.rank :] == 0).all())
                self.check_components(found["pca/component"][s], spectrum, error)
                for place, share in enumerate(SHARES):
                    if not spectrum.is_close_call(share):
                        self.assertEqual(found["pca/components_for"][s, place], spectrum.components_for(share))

    def check_components(self, component: np.ndarray, spectrum: Spectrum, error: float) -> None:
        kept = min(len(component), spectrum.rank)
        self.assertGreater(kept, 0)
        self.assertTrue(np.isnan(component[kept:]).all(), "vectors beyond the rank")
        v = component[:kept].astype(np.float64)
        rounding = 2.0**-24 * np.sqrt(spectrum.units)
        np.testing.assert_allclose(v @ v.T, np.eye(kept), atol=8 * rounding)
        largest = np.abs(component[:kept]).argmax(axis=1)  # the first of equals
        self.assertTrue((component[np.arange(kept), largest] > 0).all(), "the sign rule")
        value = spectrum.eigenvalue[:kept, None]
        residual = np.linalg.norm(v @ spectrum.covariance - value * v, axis=1)
        self.assertLess(residual.max(), 4 * (rounding * spectrum.eigenvalue[0] + error))
        for i in range(kept):
            # Davis and Kahan: an eigenvector turns by at most the error over the gap to its neighbours.
            # What the rows leave untouched has eigenvalue 0.
            others = np.append(np.delete(spectrum.all_eigenvalues, i), [0.0] * (spectrum.count < spectrum.units))
            gap = np.abs(others - spectrum.all_eigenvalues[i]).min()
            bound = 4 * error / max(gap, 1e-300) + 8 * rounding
            if bound < 0.1:
                self.assertGreater(abs(v[i] @ spectrum.component[i]), 1 - bound**2 - 8 * rounding, f"component {i}")

    def check_points(self, found: dict[str, np.ndarray]) -> None:
        points = len(found["points/layer"])
        self.assertEqual(found["points/layer"].tolist(), [s // 2 for s in range(points)])
        kinds = [b"pre_attention" if s % 2 == 0 else b"pre_mlp" for s in range(points - 1)] + [b"final"]
        self.assertEqual(found["points/kind"].tolist(), kinds)
        self.assertEqual(found["share"].tolist(), [50, 80, 90, 95, 99])

    def check_headline(self, path: Path, bound: float = 1e-9) -> None:
        x = datasets(path)["residual/last_token"].astype(np.float64)
        found = {name: value for (item, name), value in attributes(path).items() if item == "headline"}
        errors = headline_errors(x)
        expected = headline(x) | {f"{name}_se": value for name, value in errors.items()}
        self.assertEqual(found.keys(), expected.keys())
        for name, value in expected.items():
            with self.subTest(headline=name):
                np.testing.assert_allclose(found[name], value, rtol=bound, atol=1e-12)

    def test_fewer_rows_than_units(self) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", 40)
        path = self.trace(tiny("llama31"), corpus, "--min-chars", "0", "--components", "12")
        self.check(path)
        self.check_headline(path)
        self.assertEqual(datasets(path)["pca/eigenvalue"].shape, (9, 39))
        self.assertEqual(datasets(path)["pca/component"].shape, (9, 12, 64))

    def test_more_rows_than_units(self) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", 150)
        path = self.trace(tiny("llama31"), corpus, "--min-chars", "0", "--max-chars", "200")
        self.check(path)
        self.check_headline(path)
        self.assertEqual(datasets(path)["pca/eigenvalue"].shape, (9, 64))

    def test_rows_in_double_on_three_ranks(self) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", 90)
        path = self.trace(tiny("llama-sharded"), corpus, "--min-chars", "0", *IN_DOUBLE, ranks=3)
        self.assertEqual(datasets(path)["residual/last_token"].dtype, np.float64)
        self.check(path)

    def test_one_sample(self) -> None:
        folder = tiny("llama31")
        path = self.trace(folder, folder / "corpus.txt", "--min-chars", "0", "--samples", "1", ranks=2)
        self.check(path)
        found = datasets(path)
        self.assertTrue(np.isnan(found["trajectory/variance"]).all())
        self.assertFalse(np.isnan(found["continuity/velocity_mean"]).any())
        left_out = attributes(path)[("/", "not_computed")]
        for name in ("/pca/eigenvalue", "/pca/component"):
            self.assertNotIn(name[1:], found)
            self.assertIn(name, left_out)

    def test_two_samples(self) -> None:
        folder = tiny("llama-gqa")
        path = self.trace(folder, folder / "corpus.txt", "--min-chars", "0", "--samples", "2", ranks=3)
        self.check(path)

    def test_no_wrong_number_passes(self) -> None:
        """The comparison above fails on a number that is off by little."""
        corpus = write_corpus(self.folder / "corpus.txt", 40)
        path = self.trace(tiny("llama31"), corpus, "--min-chars", "0")
        found = datasets(path)
        x = found["residual/last_token"].astype(np.float64)
        for name, expected in trace_numbers(x).items():
            value = found[name].copy()
            place = tuple(np.argwhere(~np.isnan(expected))[-1])
            value[place] = value[place] * (1 + 1e-6) if value.dtype.kind == "f" else value[place] + 1
            if value[place] != found[name][place]:
                with self.assertRaises(AssertionError, msg=name):
                    self.compare(name, value, expected, x)


class SameBits(ProgramTest):
    """Neither ranks nor threads nor order change a bit."""

    def setUp(self) -> None:
        super().setUp()
        self.corpus = write_corpus(self.folder / "corpus.txt", 100)
        self.model = tiny("llama31")

    def file(self, out: str, *words: str, ranks: int = 0) -> Path:
        return self.trace(self.model, self.corpus, "--min-chars", "0", *words, out=out, ranks=ranks)

    def assert_same(self, one: Path, other: Path) -> None:
        self.assertEqual(differences(one, other), [])

    def test_ranks(self) -> None:
        alone = self.file("alone.h5", "--threads", "1")
        for ranks in (1, 2, 3, 4):
            with self.subTest(ranks=ranks):
                self.assert_same(alone, self.file(f"{ranks}.h5", "--threads", "1", ranks=ranks))

    def test_threads_and_orders(self) -> None:
        one = self.file("one.h5", "--threads", "1", "--order", "tiles")
        for out, threads, order, ranks in (
            ("threads.h5", "2", "tiles", 0),
            ("layers.h5", "1", "layers", 0),
            ("both.h5", "2", "layers", 0),
            ("all.h5", "2", "layers", 3),
        ):
            with self.subTest(out=out):
                self.assert_same(one, self.file(out, "--threads", threads, "--order", order, ranks=ranks))

    def test_bfloat16(self) -> None:
        one = self.file("one.h5", "--dtype", "bfloat16", "--threads", "2")
        self.assert_same(one, self.file("three.h5", "--dtype", "bfloat16", "--order", "layers", ranks=3))

    def test_more_ranks_than_tiles(self) -> None:
        self.corpus = self.model / "corpus.txt"
        one = self.file("one.h5", "--tile-tokens", "100000")
        self.assert_same(one, self.file("four.h5", "--tile-tokens", "100000", ranks=4))

    def test_more_ranks_than_samples(self) -> None:
        self.corpus = self.model / "corpus.txt"
        one = self.file("one.h5", "--samples", "2", "--tile-tokens", "1")
        self.assert_same(one, self.file("four.h5", "--samples", "2", "--tile-tokens", "1", ranks=4))

    def test_one_row_fewer_is_seen(self) -> None:
        """The comparison has teeth: another set of tiles, one row fewer, one changed bit."""
        one = self.file("one.h5")
        self.assertIn("option tile-tokens differs", differences(one, self.file("tiles.h5", "--tile-tokens", "64")))
        fewer = differences(one, self.file("fewer.h5", "--samples", "99"))
        for name in ("trajectory/mean", "continuity/correlation", "pca/eigenvalue", "residual/last_token"):
            self.assertIn(f"dataset {name} differs", fewer)

    def test_one_bit_is_seen(self) -> None:
        one = self.file("one.h5")
        for name in ("trajectory/mean", "residual/last_token", "pca/component", "samples/token"):
            with self.subTest(dataset=name):
                other = Path(shutil.copy(one, self.folder / "other.h5"))
                with h5py.File(other, "r+") as file:
                    values = file[name][()]
                    bytes_of = values.view(np.uint8).reshape(-1)
                    bytes_of[len(bytes_of) // 2] ^= 1
                    file[name][...] = values
                self.assertEqual(differences(one, other), [f"dataset {name} differs"])

    def test_one_attribute_is_seen(self) -> None:
        one = self.file("one.h5")
        other = Path(shutil.copy(one, self.folder / "other.h5"))
        with h5py.File(other, "r+") as file:
            file["headline"].attrs["velocity_last"] = np.nextafter(file["headline"].attrs["velocity_last"], 0)
        self.assertEqual(differences(one, other), ["attribute ('headline', 'velocity_last') differs"])


class OutputFile(ProgramTest):
    """What is where, before, during and after."""

    def setUp(self) -> None:
        super().setUp()
        self.model = tiny("llama31")
        self.words = ("trace", "--model", self.model, "--corpus", self.model / "corpus.txt", "--min-chars", "0")
        self.out = self.folder / "run.h5"

    def broken_model(self) -> Path:
        """A copy of the model with a weight that is not a number: found only after the forward."""
        folder = self.folder / "broken"
        shutil.copytree(self.model, folder)
        header, begin = read_header(folder / "model.safetensors")
        name, entry = next((n, e) for n, e in header.items() if n.endswith("layers.1.mlp.down_proj.weight"))
        size = {"F32": 4, "F16": 2, "BF16": 2}[entry["dtype"]]
        with (folder / "model.safetensors").open("r+b") as file:
            file.seek(begin + entry["data_offsets"][0])
            file.write(b"\xff" * size)  # a NaN in each of these formats
        return folder

    def test_provenance(self) -> None:
        path = self.trace(self.model, self.model / "corpus.txt", "--min-chars", "0", ranks=2)
        root = {name: value for (item, name), value in attributes(path).items() if item == "/"}
        hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.model.iterdir()}
        files = sorted(name for name in hashes if name == "config.json" or name == "model.safetensors")
        lines = "".join(f"{hashes[name]}  {name}\n" for name in files)
        self.assertEqual(root["model_sha256"], hashlib.sha256(lines.encode()).hexdigest())
        self.assertEqual(root["tokenizer_sha256"], hashes["tokenizer.json"])
        self.assertEqual(root["corpus_sha256"], hashes["corpus.txt"])
        expected = {
            "format": "orrery-trace",
            "format_version": 1,
            "complete": 1,
            "ranks": 2,
            "layers": 4,
            "hidden_size": 64,
            "heads": 4,
            "kv_heads": 2,
            "vocab_size": 320,
            "dtype": "float32",
            "residual_dtype": "float32",
            "architecture": "LlamaForCausalLM",
            "rows": 4,
            "moments": "rows",
            "every_token": 0,
        }
        self.assertEqual({name: root[name] for name in expected}, expected)
        for name in ("program_version", "git_commit", "libraries", "config", "command", "created_utc", "threads",
                     "devices", "hosts", "job_id"):  # fmt: skip
            self.assertIn(name, root)
        timing = {name for (item, name) in attributes(path) if item == "timing"}
        for name in ("load_seconds", "forward_seconds", "statistics_seconds", "write_seconds", "total_seconds",
                     "tokens", "tokens_per_second"):  # fmt: skip
            self.assertIn(name, timing)
        self.assertEqual(len(datasets(path)["timing/peak_bytes"]), 2)

    def test_every_dataset_is_labelled(self) -> None:
        path = self.trace(self.model, self.model / "corpus.txt", "--min-chars", "0")

        def visit(name: str, item: h5py.HLObject) -> None:
            if not isinstance(item, h5py.Dataset):
                return
            self.assertTrue(item.attrs["long_name"], name)
            self.assertTrue(item.attrs["units"], name)
            if not item.is_scale:
                self.assertTrue(all(len(axis) == 1 for axis in item.dims), name)

        with h5py.File(path) as file:
            file.visititems(visit)

    def test_store_none(self) -> None:
        kept = self.trace(self.model, self.model / "corpus.txt", "--min-chars", "0", out="kept.h5")
        bare = self.trace(self.model, self.model / "corpus.txt", "--min-chars", "0", "--store", "none", out="bare.h5")
        self.assertNotIn("residual/last_token", datasets(bare))
        self.assertIn("/residual/last_token", attributes(bare)[("/", "not_computed")])
        left = [line for line in differences(kept, bare) if line.startswith("dataset")]
        self.assertEqual(left, ["dataset residual/last_token is in one file only"])

    def test_existing_output_is_refused(self) -> None:
        self.out.write_text("precious")
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                self.assert_fails(run(*self.words, "--out", self.out, ranks=ranks), 64, "run.h5", "--overwrite")
                self.assertEqual(self.out.read_text(), "precious")
                self.assertFalse(os.path.lexists(f"{self.out}.part"))

    def test_work_in_progress_is_refused(self) -> None:
        Path(f"{self.out}.part").mkdir()
        self.assert_fails(run(*self.words, "--out", self.out), 64, "run.h5.part", "--overwrite")
        self.assertFalse(self.out.exists())
        self.assert_done(run(*self.words, "--out", self.out, "--overwrite"))
        self.assertFalse(os.path.lexists(f"{self.out}.part"))

    def test_overwrite_replaces_at_the_end(self) -> None:
        self.out.write_text("old")
        self.assert_done(run(*self.words, "--out", self.out, "--overwrite", ranks=2))
        self.assertEqual(attributes(self.out)[("/", "complete")], 1)
        self.assertFalse(os.path.lexists(f"{self.out}.part"))

    def test_a_failed_run_leaves_nothing(self) -> None:
        words = ("trace", "--model", self.broken_model(), "--corpus", self.model / "corpus.txt", "--min-chars", "0")
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                self.assert_fails(run(*words, "--out", self.out, ranks=ranks), 65)
                self.assert_nothing_at(self.out)
        self.out.write_text("old")
        self.assert_fails(run(*words, "--out", self.out, "--overwrite"), 65)
        self.assertEqual(self.out.read_text(), "old")
        self.assertFalse(os.path.lexists(f"{self.out}.part"))

    def test_missing_folder(self) -> None:
        out = self.folder / "missing" / "run.h5"
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                self.assert_fails(run(*self.words, "--out", out, ranks=ranks), 74, "missing")


class Plan(ProgramTest):
    """`orrery plan trace` says beforehand what the run takes."""

    def file_bytes(self, plan: Outcome) -> float:
        number, unit = re.search(r"^file +([0-9.]+) (\w+)", plan.output, re.MULTILINE).groups()
        return float(number) * {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]

    def test_file_size(self) -> None:
        corpus = write_corpus(self.folder / "corpus.txt", 300, 500)
        for store in ("rows", "none"):
            with self.subTest(store=store):
                words = ("--min-chars", "0", "--max-chars", "500", "--samples", "300", "--store", store, *IN_DOUBLE)
                words = ("--model", tiny("llama-sharded"), "--corpus", corpus, *words)
                planned = self.file_bytes(self.assert_done(run("plan", "trace", *words)))
                out = self.folder / f"{store}.h5"
                self.assert_done(run("trace", *words, "--out", out))
                # 15 % is the promise; a tenth of a MiB is what the plan prints.
                self.assertAlmostEqual(planned, out.stat().st_size, delta=0.15 * out.stat().st_size)

    def test_runs_nothing(self) -> None:
        folder = tiny("llama31")
        out = self.folder / "run.h5"
        words = ("--model", folder, "--corpus", folder / "corpus.txt", "--min-chars", "0", "--out", out)
        plan = self.assert_done(run("plan", "trace", *words, "--ranks", "3"))
        self.assert_nothing_at(out)
        for name in ("model", "samples", "ranks", "order", "forward", "memory", "file", "time"):
            self.assertRegex(plan.output, f"(?m)^{name} ")
        self.assertRegex(plan.output, r"(?m)^ranks +3 ")


if __name__ == "__main__":
    unittest.main()
