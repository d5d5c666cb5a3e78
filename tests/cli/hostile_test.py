"""Model folders and files that mean harm: nothing is read from outside the folder, nothing hangs, nothing is written
but the output, with the umask's permissions, and nothing is left over."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
from checksums import refresh
from orrery_program import Outcome, ProgramTest, run, shared_data

USAGE, BAD_INPUT, HELPER_MISSING = 64, 65, 69
INDEX = "model.safetensors.index.json"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
SMALL_SWEEP = ("--grid", "2", "--directions", "1", "--epsilon", "0.1", "--layers", "0", "--prompts", "0", "--score-components", "2")


def listing(folder: Path) -> dict[str, tuple]:
    """All that lies below a folder but out/: its kind, its length, when it was changed, and where a link leads.

    Open MPI's own session folder comes and goes in TMPDIR, even after a run's end, and isn't ours."""
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "out" and not name.startswith("ompi.")]
        for path in (Path(place) / name for name in [*folders, *files]):
            status = path.lstat()
            size, changed = (0, 0) if stat.S_ISDIR(status.st_mode) else (status.st_size, status.st_mtime_ns)
            target = os.readlink(path) if path.is_symlink() else ""
            found[path.relative_to(folder).as_posix()] = (stat.S_IFMT(status.st_mode), size, changed, target)
    return found


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Hostile(ProgramTest):
    """Runs with HOME and TMPDIR of their own, all of which is compared before and after."""

    def setUp(self) -> None:
        super().setUp()
        self.out_folder = self.folder / "out"
        for name in ("home", "temporary", "out", "outside"):
            (self.folder / name).mkdir()
        self.corpus = shared_data("malformed/corpora/plain.txt")
        self.model = self.folder / "model"
        shutil.copytree(shared_data("malformed/models/good"), self.model)
        for path in (self.model, *self.model.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def start(self, *words: str | Path, umask: int = 0o022, ranks: int = 0) -> Outcome:
        """Runs the program; outside of out/ nothing may have changed when it ends."""
        extra = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "temporary")}
        before = listing(self.folder)
        old = os.umask(umask)
        try:
            outcome = run(*words, ranks=ranks, extra=extra, folder=self.folder / "home")
        finally:
            os.umask(old)
        self.assertEqual(listing(self.folder), before, f"something outside --out was changed: {outcome}")
        return outcome

    def trace_it(self, **options: int) -> Outcome:
        return self.start("trace", "--model", self.model, "--corpus", self.corpus, "--samples", "0",
                          "--out", self.out_folder / "run.h5", **options)  # fmt: skip

    def refuse(self, *named: str) -> None:
        self.assert_fails(self.trace_it(), BAD_INPUT, *named)
        self.assertEqual(list(self.out_folder.iterdir()), [])

    def whole_trace(self) -> Path:
        self.assert_done(self.trace_it())
        return self.out_folder / "run.h5"

    def shard(self) -> dict:
        """Makes the model one of shards: the second is empty but for a header. Returns the index."""
        whole = self.model / "model.safetensors"
        header = json.loads(whole.read_bytes()[8 : 8 + int.from_bytes(whole.read_bytes()[:8], "little")])
        whole.rename(self.model / SHARDS[0])
        (self.model / SHARDS[1]).write_bytes((2).to_bytes(8, "little") + b"{}")
        index = {"weight_map": {name: SHARDS[0] for name in header if name != "__metadata__"}}
        index["weight_map"]["unused"] = SHARDS[1]
        self.write_index(index)
        return index

    def write_index(self, index: dict) -> None:
        (self.model / INDEX).write_text(json.dumps(index), encoding="utf-8")

    # --- what is read

    def test_an_index_leads_nowhere_else(self) -> None:
        index = self.shard()
        self.assert_done(self.trace_it())
        shutil.rmtree(self.out_folder)
        self.out_folder.mkdir()
        shutil.copy(self.model / SHARDS[0], self.folder / "outside" / "weights")
        outside = self.folder / "outside" / "weights"
        for name in ("../outside/weights", str(outside), "..", ".", "", "sub/weights", "a\0b", "\x1b[2J/"):
            with self.subTest(name=name):
                self.write_index({"weight_map": dict.fromkeys(index["weight_map"], name)})
                self.refuse(INDEX, "bare file name")
        self.write_index({"weight_map": dict.fromkeys(index["weight_map"], "x" * 5000)})
        self.refuse(INDEX, "not there")

    def test_shards_that_are_no_files(self) -> None:
        self.shard()
        for kind in ("fifo", "device", "folder", "circle"):
            with self.subTest(kind=kind):
                path = self.model / SHARDS[1]
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink(missing_ok=True)
                if kind == "fifo":
                    os.mkfifo(path)
                elif kind == "device":
                    path.symlink_to("/dev/zero")
                elif kind == "folder":
                    path.mkdir()
                else:
                    path.symlink_to(path.name)
                self.refuse(SHARDS[1])

    def test_other_files_that_are_no_files(self) -> None:
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            kept = (self.model / name).read_bytes()
            for target in ("/dev/zero", ""):
                with self.subTest(name=name, target=target):
                    (self.model / name).unlink()
                    (self.model / name).symlink_to(target) if target else os.mkfifo(self.model / name)
                    self.refuse(name)
            (self.model / name).unlink()
            (self.model / name).write_bytes(kept)
        self.corpus = self.folder / "pipe.txt"
        os.mkfifo(self.corpus)
        self.refuse("pipe.txt")
        self.corpus = Path("/dev/zero")
        self.refuse("/dev/zero")

    def test_folders_that_are_none(self) -> None:
        good, self.model = self.model, self.folder / "circle"
        self.model.symlink_to("circle")
        self.refuse("--model", "circle")
        self.model = self.folder / ("x" * 300)
        self.refuse("--model")
        self.model = good

    def test_links_as_in_the_cache_of_hugging_face(self) -> None:
        """snapshots/COMMIT/NAME → ../../blobs/HASH gives the same numbers as the files themselves."""
        plain = self.whole_trace()
        blobs, snapshot = self.folder / "hub" / "blobs", self.folder / "hub" / "snapshots" / "c0ffee"
        blobs.mkdir(parents=True)
        snapshot.mkdir(parents=True)
        for number, path in enumerate(sorted(self.model.iterdir())):
            shutil.copy(path, blobs / f"{number:064x}")
            (snapshot / path.name).symlink_to(f"../../blobs/{number:064x}")
        plain = plain.rename(self.out_folder / "plain.h5")
        self.model = snapshot
        self.assert_done(run("verify", plain, self.whole_trace()))

    def test_a_sparse_file(self) -> None:
        """A header of a terabyte in a file that claims to have it."""
        path = self.model / "model.safetensors"
        path.write_bytes((1 << 40).to_bytes(8, "little"))
        os.truncate(path, (1 << 40) + 100)
        outcome = self.trace_it()
        self.assert_fails(outcome, BAD_INPUT, "model.safetensors", str(1 << 40))
        self.assertLess(outcome.peak_bytes, 2**30)

    def test_options_without_end(self) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".ini") as file:
            file.write(b"# " + b"x" * (2 << 20))
            file.flush()
            for path in (file.name, "/dev/zero"):
                outcome = self.start("trace", "--config", path)
                self.assert_fails(outcome, BAD_INPUT, "--config", "too large")
                self.assertLess(outcome.peak_bytes, 2**30)
        self.assert_fails(self.start("trace", "--config", self.folder), BAD_INPUT, "--config")

    def test_an_error_is_one_line_whatever_is_named(self) -> None:
        header = json.dumps({"a\n\x1b[2Jb": {"dtype": "F\r\n99", "shape": [1], "data_offsets": [0, 4]}}).encode()
        (self.model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
        outcome = self.trace_it()
        self.assert_fails(outcome, BAD_INPUT, "model.safetensors")
        self.assertEqual(outcome.errors.count("\n"), 1)
        self.assertNotIn("\x1b", outcome.errors)

    # --- what is written

    def test_permissions_are_the_umasks(self) -> None:
        for umask in (0o022, 0o027, 0o077):
            with self.subTest(umask=oct(umask)):
                self.assert_done(self.trace_it(umask=umask))
                run_file, sweep, figures = (self.out_folder / name for name in ("run.h5", "sweep.h5", "figures"))
                self.assertEqual(mode_of(run_file), 0o666 & ~umask)
                self.assert_done(self.perturb(run_file, sweep, umask=umask))
                self.assertEqual(mode_of(sweep), 0o666 & ~umask)
                outcome = self.start("figures", run_file, sweep, "--out", figures, "--format", "svg", umask=umask)
                self.assertIn(outcome.code, (0, HELPER_MISSING), str(outcome))
                self.assertEqual(mode_of(figures), 0o777 & ~umask)
                modes = {path.name: oct(mode_of(path)) for path in figures.iterdir() if mode_of(path) != 0o666 & ~umask}
                self.assertEqual(modes, {})
                left = sorted(path.name for path in self.out_folder.iterdir())
                self.assertEqual(left, ["figures", "run.h5", "sweep.h5"])
                self.assertEqual([path.name for path in figures.iterdir() if path.name.startswith(".")], [])
                shutil.rmtree(self.out_folder)
                self.out_folder.mkdir()

    def test_permissions_on_ranks(self) -> None:
        self.assert_done(self.trace_it(umask=0o027, ranks=2))
        self.assertEqual([(path.name, oct(mode_of(path))) for path in self.out_folder.iterdir()], [("run.h5", "0o640")])

    def test_a_refused_sweep_leaves_nothing(self) -> None:
        run_file, sweep = self.whole_trace(), self.out_folder / "sweep.h5"
        self.assert_fails(self.perturb(run_file, sweep, "--prompts", "999"), USAGE, "--prompts")
        self.assertEqual([path.name for path in self.out_folder.iterdir()], ["run.h5"])

    def perturb(self, run_file: Path, out: Path, *words: str | Path, umask: int = 0o022) -> Outcome:
        return self.start("perturb", "--trace", run_file, "--model", self.model, "--out", out,
                          *(words or SMALL_SWEEP), umask=umask)  # fmt: skip

    def test_traces_that_do_not_hold_together(self) -> None:
        """Sound HDF5 with right checksums, and sizes that lie."""
        whole = self.whole_trace()

        def smaller(file: h5py.File, path: str, axis: int) -> None:
            values = np.take(file[path][()], range(file[path].shape[axis] - 1), axis)
            self.replace(file, path, values)

        def huge(file: h5py.File, path: str) -> None:
            del file[path]
            space = h5py.h5s.create_simple((1 << 40,))
            made = h5py.h5d.create(file.id, path.encode(), h5py.h5t.STD_I64LE, space)
            h5py.h5ds.set_scale(made, path.strip("/").encode())

        damages = {
            "pooled mean": lambda file: smaller(file, "/pooled/mean", 0),
            "score range": lambda file: self.replace(file, "/pooled/score_range", file["/pooled/score_range"][0]),
            "variance": lambda file: smaller(file, "/pca/total_variance", 0),
            "points": lambda file: huge(file, "/point"),
            "layers": lambda file: file.attrs.modify("layers", np.int64(2**63 - 1)),
            "position": lambda file: file["/samples/position"].write_direct(np.full(file["/samples/position"].shape, 2**63 - 1)),
        }
        broken = self.out_folder / "broken.h5"
        for name, damage in damages.items():
            with self.subTest(damage=name):
                shutil.copy(whole, broken)
                with h5py.File(broken, "r+") as file:
                    damage(file)
                try:
                    refresh(broken)
                except Exception:  # the sums of a file that claims too much can't be made
                    self.assertEqual(name, "points")
                outcome = self.perturb(broken, self.out_folder / "sweep.h5")
                self.assert_fails(outcome, BAD_INPUT)
                self.assertLess(outcome.peak_bytes, 2**30)
                drawn = self.start("figures", broken, "--out", self.out_folder / "figures", "--format", "svg")
                self.assertIn(drawn.code, (0, BAD_INPUT, HELPER_MISSING), str(drawn))
                for words in (("inspect", broken), ("inspect", "--plot", broken), ("verify", broken)):
                    outcome = self.start(*words)
                    self.assertIn(outcome.code, (0, 1, BAD_INPUT), str(outcome))
                    self.assertLess(outcome.peak_bytes, 2**30)
                shutil.rmtree(self.out_folder / "figures", ignore_errors=True)
                self.assertEqual({path.name for path in self.out_folder.iterdir()}, {"run.h5", "broken.h5"})

    @staticmethod
    def replace(file: h5py.File, path: str, values: np.ndarray) -> None:
        attributes = {name: file[path].attrs[name] for name in ("long_name", "units")}
        del file[path]
        made = file.create_dataset(path, data=values)
        made.attrs.update(attributes)

    def test_names_do_not_speak_to_the_terminal(self) -> None:
        whole = self.whole_trace()
        with h5py.File(whole, "r+") as file:
            file.attrs["model_name"] = "\x1b]0;gone\x07\x1b[2Jllama"
            file["/pooled/mean"].attrs["units"] = "\x1b[31m"
        for words in (("inspect", whole), ("verify", whole)):
            outcome = self.start(*words)
            self.assertNotIn("\x1b", outcome.output + outcome.errors, str(outcome))

    def test_nothing_in_a_name_is_run(self) -> None:
        """Of a trace whose texts are commands for gnuplot and a shell."""
        whole = self.whole_trace()
        command = f"`touch {self.folder}/outside/run`$(touch {self.folder}/outside/run)'\"; system('touch {self.folder}/outside/run')"
        with h5py.File(whole, "r+") as file:
            file.attrs["model_name"] = command
            file.attrs["corpus_name"] = command + "<script>alert(1)</script>"
            file.attrs["config"] = f"[trace]\nmodel = /x/{command}\n"
        outcome = self.start("figures", whole, "--out", self.out_folder / "figures", "--format", "svg")
        self.assertIn(outcome.code, (0, HELPER_MISSING), str(outcome))
        self.assertFalse((self.folder / "outside" / "run").exists())
        page = (self.out_folder / "figures" / "index.html").read_text(encoding="utf-8")
        self.assertNotIn("<script>alert", page)


if __name__ == "__main__":
    unittest.main()
