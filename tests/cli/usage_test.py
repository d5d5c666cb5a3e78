"""The command line: exit codes, the one message of an error, options from INI files, and the small commands."""

from __future__ import annotations

import json
import re
import subprocess
import unittest
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orrery_program import ROOT, Outcome, ProgramTest, ranks_for, run, shared_data
from trace_file import attributes, config_of, datasets, differences

USAGE, BAD_INPUT, IO, RESOURCES = 64, 65, 74, 75

#: Every option of `orrery trace`, with the default that --help must show; None where there is none.
OPTIONS: dict[str, str | None] = {
    "config": None,
    "model": None,
    "corpus": None,
    "out": None,
    "overwrite": None,
    "resume": None,
    "checkpoint-every": "10m",
    "stall-minutes": "30",
    "samples": "1000",
    "min-chars": "100",
    "max-chars": "500",
    "tokens": "last",
    "bos": "template",
    "tile-tokens": "512",
    "weights": "file",
    "dtype": None,
    "residual": "float32",
    "moments": "auto",
    "components": "64",
    "permutations": "1000",
    "seed": "0",
    "store": "rows",
    "device": "auto",
    "threads": "0",
    "order": "auto",
    "progress": "auto",
    "log-level": "info",
}

#: What is wrong on the command line alone, and what the message must name. All exit with 64.
WRONG: list[tuple[list[str], list[str]]] = [
    ([], ["no command", "orrery --help"]),
    (["trac"], ["trac", "did you mean orrery trace?"]),
    (["inspekt"], ["inspekt", "did you mean orrery inspect?"]),
    (["trace", "--sampels", "3"], ["--sampels", "did you mean --samples?"]),
    (["trace", "--tile_tokens", "3"], ["--tile_tokens", "did you mean --tile-tokens?"]),
    (["trace", "--samp", "3"], ["--samp", "did you mean --samples?"]),
    (["trace", "--over"], ["--over"]),
    (["plan", "trace", "--rank", "3"], ["--rank", "did you mean --ranks?"]),
    (["doctor", "--ou", "."], ["--ou", "did you mean --out?"]),
    (["inspect", "--jsn", "run.h5"], ["--jsn", "did you mean --json?"]),
    (["trace", "-s", "3"], []),
    (["trace", "run.h5"], ["run.h5"]),
    (["trace", "--model"], ["--model"]),
    (["trace", "--corpus", "c", "--out", "o"], ["--model is missing"]),
    (["trace", "--model", "m", "--out", "o"], ["--corpus is missing"]),
    (["trace", "--model", "m", "--corpus", "c"], ["--out is missing"]),
    (["plan", "trace", "--corpus", "c"], ["--model is missing"]),
    (["inspect"], ["needs a file"]),
    (["inspect", "a.h5", "b.h5"], ["b.h5"]),
    (["inspect", "a.h5", "--json", "--ini"], ["--json", "--ini"]),
    (["verify"], ["needs a file"]),
    (["verify", "a.h5", "b.h5", "c.h5"], ["c.h5"]),
    (["verify", "a.h5", "--common"], ["a.h5", "--common", "two files"]),
    (["verify", "a.h5", "--tolerance", "1"], ["a.h5", "--tolerance", "two files"]),
    (["verify", "a.h5", "b.h5", "--tolerance", "little"], ["little"]),
    (["verify", "a.h5", "b.h5", "--tolerance=-1"], ["--tolerance", "-1"]),
    (["verify", "a.h5", "b.h5", "--tolerance", "nan"], ["--tolerance", "nan"]),
    (["verify", "a.h5", "b.h5", "--comon"], ["--comon", "did you mean --common?"]),
    (["plan"], ["plan trace"]),
    (["plan", "teleport"], ["teleport"]),
    (["doctor", "here"], ["here"]),
]

#: Values that no run can have, behind --model, --corpus and --out.
WRONG_VALUES: list[tuple[list[str], list[str]]] = [
    (["--samples", "many"], ["--samples", "many"]),
    (["--samples", "1.5"], ["--samples", "1.5"]),
    (["--samples=-1"], ["--samples", "-1"]),
    (["--samples", "99999999999999999999"], ["--samples"]),
    (["--tile-tokens", "0"], ["--tile-tokens", "0"]),
    (["--components", "0"], ["--components", "0"]),
    (["--threads", "99999999999"], ["--threads"]),
    (["--min-chars", "10", "--max-chars", "11"], ["--min-chars", "--max-chars", "10 and 11"]),
    (["--dtype", "float16"], ["--dtype", "float16", "bfloat16"]),
    (["--residual", "half"], ["--residual", "half", "float32"]),
    (["--device", "tpu"], ["--device", "tpu", "cuda"]),
    (["--order", "rows"], ["--order", "rows", "layers"]),
    (["--tokens", "every"], ["--tokens", "every", "last, random, all"]),
    (["--weights", "none"], ["--weights", "none", "file, random"]),
    (["--moments", "kept"], ["--moments", "kept", "auto, rows, streaming"]),
    (["--tokens", "all", "--moments", "rows"], ["--tokens all", "--moments rows", "--moments streaming"]),
    (["--permutations", "0"], ["--permutations", "0", "1000000"]),
    (["--permutations", "1000001"], ["--permutations", "1000001"]),
    (["--seed=-1"], ["--seed", "-1"]),
    (["--seed", "9223372036854775808"], ["--seed", "9223372036854775808"]),
    (["--seed", "1e3"], ["--seed", "1e3"]),
    (["--store", "all"], ["--store", "all", "none"]),
    (["--progress", "dots"], ["--progress", "dots", "lines"]),
    (["--log-level", "loud"], ["--log-level", "loud", "debug"]),
    (["--overwrite=yes"], ["--overwrite"]),
    (["--samples", "3", "--samples", "4"], ["--samples"]),
    (["--out=a#b.h5"], ["--out"]),
    (["--corpus", " c"], ["--corpus"]),
]

#: INI files that are refused, and what the message must name beside the file.
WRONG_FILES: list[tuple[str, list[str]]] = [
    ("[trace]\nsampels = 3\n", ["sampels", "did you mean samples?"]),
    ("[trace]\nsamp = 3\n", ["samp", "did you mean samples?"]),
    ("[trace]\nsamples = 3  # three\n", ["#", "line 2", "samples = 3"]),
    ("[trace]\nmodel = /data/a#b\n", ["#", "line 2"]),
    ("samples = 3\n[trace]\nmin-chars = 0\n", ["samples", "[trace]"]),
    ("[trace]\nconfig = other.ini\n", ["config"]),
    ("[trace]\nsamples = many\n", ["samples", "many"]),
    ("[trace]\nsamples = 3\nsamples = 4\n", ["samples"]),
    ("[trace]\nsamples\n", ["samples"]),
    ("[trcae]\nsamples = 3\n", ["trcae", "did you mean [trace]?"]),
]


class CommandLineTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = shared_data("models/llama31")
        self.corpus = self.model / "corpus.txt"
        self.out = self.folder / "run.h5"
        self.inputs = ["--model", str(self.model), "--corpus", str(self.corpus), "--min-chars", "0"]

    def write(self, text: str, name: str = "run.ini") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run_all(self, commands: Sequence[Sequence[str | Path]], ranks: int) -> list[Outcome]:
        """Outcomes of several commands, some at a time: a failing mpirun mostly waits."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            return list(pool.map(lambda words: run(*words, ranks=ranks, folder=self.folder), commands))


class WrongUsage(CommandLineTest):
    def test_alone(self) -> None:
        values = [(["trace", "--model", "m", *words], named) for words, named in WRONG_VALUES if "--corpus" in words]
        values += [(["trace", *self.inputs, "--out", "run.h5", *words], named)
                   for words, named in WRONG_VALUES
                   if not {"--corpus", "--min-chars", "--out=a#b.h5"} & set(words)]  # fmt: skip
        values += [(["trace", *self.inputs[:4], *words, "--out", "run.h5"], named)
                   for words, named in WRONG_VALUES if "--min-chars" in words]  # fmt: skip
        values += [(["trace", *self.inputs, *words], named)
                   for words, named in WRONG_VALUES if "--out=a#b.h5" in words]  # fmt: skip
        self.assertEqual(len(values), len(WRONG_VALUES))
        outcomes = self.run_all([words for words, _ in WRONG + values], ranks=0)
        for (words, named), outcome in zip(WRONG + values, outcomes, strict=True):
            with self.subTest(words=" ".join(words)):
                self.assert_fails(outcome, USAGE, *named)
                self.assertEqual(outcome.output, "")
                self.assertEqual(outcome.errors.count("\n"), 1, str(outcome))
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_two_ranks_speak_once(self) -> None:
        commands = [words for words, _ in WRONG]
        commands += [["trace", *self.inputs, "--out", "run.h5", "--dtype", "float16"]]
        commands += [["trace", *self.inputs, "--out", "run.h5", "--samples", "many"]]
        named = [words for _, words in WRONG] + [["--dtype"], ["--samples"]]
        for words, outcome, names in zip(commands, self.run_all(commands, ranks=2), named, strict=True):
            with self.subTest(words=" ".join(words)):
                self.assert_fails(outcome, USAGE, *names)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_model_name_of_the_hub(self) -> None:
        words = ["trace", "--model", "meta-llama/Llama-3.1-8B", "--corpus", str(self.corpus), "--out", str(self.out)]
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                message = self.assert_fails(run(*words, ranks=ranks, folder=self.folder), BAD_INPUT)
                self.assertIn("download meta-llama/Llama-3.1-8B", message)
        words[2] = "/nowhere/at/all"
        self.assertNotIn("download", self.assert_fails(run(*words), BAD_INPUT, "/nowhere/at/all"))

    def test_existing_output(self) -> None:
        self.out.write_text("precious")
        self.assert_fails(run("trace", *self.inputs, "--out", self.out), USAGE, str(self.out), "--overwrite")
        self.assertEqual(self.out.read_text(), "precious")
        self.assert_fails(run("trace", *self.inputs, "--out", self.folder), USAGE, str(self.folder))

    def test_no_gpu(self) -> None:
        words = ("trace", *self.inputs, "--out", self.out, "--device", "cuda")
        hidden = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
        self.assert_fails(run(*words, extra=hidden), RESOURCES, "GPU", "--device cpu")
        self.assert_nothing_at(self.out)


class ConfigFiles(CommandLineTest):
    def test_wrong_files(self) -> None:
        for text, named in WRONG_FILES:
            with self.subTest(text=text):
                path = self.write(text)
                self.assert_fails(run("plan", "trace", *self.inputs, "--config", path), USAGE, "run.ini", *named)

    def test_unreadable_files(self) -> None:
        for path in (self.folder / "missing.ini", self.folder):
            with self.subTest(path=path):
                self.assert_fails(run("plan", "trace", *self.inputs, "--config", path), BAD_INPUT, str(path))

    def test_two_ranks_speak_once(self) -> None:
        commands = []
        for place, (text, _) in enumerate(WRONG_FILES[:3]):
            path = self.write(text, f"{place}.ini")
            commands.append(["trace", *self.inputs, "--out", self.out, "--config", path])
        for (_, named), outcome in zip(WRONG_FILES, self.run_all(commands, ranks=2)):
            self.assert_fails(outcome, USAGE, *named)
        self.assert_nothing_at(self.out)

    def test_order_of_precedence(self) -> None:
        """The command line wins over the file, the file over the default; what is for others is passed over."""
        path = self.write("# a comment of its own line\n[perturb]\ngrid = 10\nunheard-of = 1\n\n[trace]\r\n"
                          "samples = 3\ncomponents = 2\n  # and an indented one\noverwrite = true\n")  # fmt: skip
        self.out.write_text("old")
        self.assert_done(run("trace", *self.inputs, "--config", path, "--samples", "2", "--out", self.out))
        config = config_of(self.out)
        self.assertEqual(config["samples"], "2")
        self.assertEqual(config["components"], "2")
        self.assertEqual(config["max-chars"], "500")
        self.assertEqual(len(datasets(self.out)["samples/row"]), 2)

    def test_all_options_may_come_from_a_file(self) -> None:
        path = self.write(f"[trace]\nmodel = {self.model}\ncorpus = {self.corpus}\nout = {self.out}\nsamples = 0\n"
                          "min-chars = 0\nmax-chars = 400\ntile-tokens = 64\ndtype = float64\nresidual = float64\n"
                          "components = 1\ntokens = random\nweights = random\nseed = 7\npermutations = 9\n"
                          "moments = rows\nstore = none\ndevice = cpu\nthreads = 1\norder = layers\noverwrite = false\n"
                          "resume = false\ncheckpoint-every = 90s\nstall-minutes = 0\nprogress = none\nlog-level = error\n")  # fmt: skip
        outcome = self.assert_done(run("trace", "--config", path, ranks=2))
        self.assertEqual(outcome.errors, "", "nothing is said at --log-level error")
        self.assertEqual(attributes(self.out)[("/", "residual_dtype")], "float64")
        wanted = {"tokens": "random", "weights": "random", "seed": "7", "permutations": "9", "moments": "rows"}
        config = config_of(self.out)
        self.assertEqual({name: config[name] for name in wanted}, wanted)
        self.assertNotIn("residual/last_token", datasets(self.out))

    def test_files_of_the_project(self) -> None:
        """The configurations in jobs/ have no key that the program doesn't know."""
        files = sorted((ROOT / "jobs").glob("*.ini"))
        self.assertTrue(files)
        for path in files:
            with self.subTest(path=path.name):
                self.assert_done(run("plan", "trace", *self.inputs, "--config", path))

    def test_round_trip(self) -> None:
        """`inspect --ini` repeats the run, bit for bit."""
        words = ["--samples", "3", "--components", "2", "--tile-tokens", "64", "--residual", "float64"]
        words += ["--tokens", "random", "--weights", "random", "--seed", "9223372036854775807", "--permutations", "20"]
        self.assert_done(run("trace", *self.inputs, *words, "--out", self.out))
        ini = self.assert_done(run("inspect", self.out, "--ini")).output
        self.assertEqual(ini, attributes(self.out)[("/", "config")])
        again = self.folder / "again.h5"
        self.assert_done(run("trace", "--config", self.write(ini), "--out", again))
        self.assertEqual(differences(self.out, again), [])
        self.assertEqual(set(config_of(again)) | {"config", "overwrite", "resume", "progress", "log-level"}, set(OPTIONS))


class Help(CommandLineTest):
    def test_every_option_with_its_default(self) -> None:
        for words in (("trace",), ("plan", "trace")):
            text = self.assert_done(run(*words, "--help")).output
            for name, default in OPTIONS.items():
                shown = rf"(?m)^  --{name}\b" + (rf".*\(={default}\)" if default else "")
                self.assertRegex(text, shown)
            listed = set(re.findall(r"(?m)^  --([a-z-]+)", text))
            self.assertEqual(listed - {"ranks", "ranks-a-node"}, set(OPTIONS), "options that this test doesn't know")

    def test_commands(self) -> None:
        text = self.assert_done(run("--help")).output
        for command in ("trace", "plan", "inspect", "verify", "doctor", "--version"):
            self.assertIn(f"orrery {command}", text)
            self.assertIn("orrery", self.assert_done(run(command, "--help")).output)

    def test_topics(self) -> None:
        text = self.assert_done(run("help")).output
        self.assertEqual(self.assert_done(run("--help")).output, text)
        for topic, told in (("options", "--pc-directions N"), ("files", "/pca/eigenvalue  float64 (point, eigen)"),
                            ("faults", "a bit flips in an exact sum"), ("exit-codes", "85")):  # fmt: skip
            self.assertIn(f"  {topic} ", text)
            self.assertIn(told, self.assert_done(run("help", topic)).output)
        for words in (("trace",), ("plan", "perturb"), ("verify",)):
            self.assertEqual(self.assert_done(run("help", *words)).output, self.assert_done(run(*words, "--help")).output)
        self.assert_fails(run("help", "option"), USAGE, "option", "did you mean orrery help options?")

    def test_manual_pages(self) -> None:
        """Each command and topic has one, which man takes without a warning."""
        self.assert_done(run("help", "--man", self.folder / "man"))
        pages = sorted(path.name for path in (self.folder / "man").iterdir())
        commands = ("trace", "perturb", "figures", "plan", "inspect", "verify", "doctor")
        self.assertEqual(pages, sorted(["orrery.1", *(f"orrery-{name}.1" for name in commands),
                                        *(f"orrery-{name}.7" for name in ("options", "files", "faults", "exit-codes"))]))  # fmt: skip
        for page in pages:
            shown = subprocess.run(["groff", "-man", "-Tutf8", "-ww", self.folder / "man" / page], capture_output=True,
                                   text=True, timeout=30)  # fmt: skip
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), page)
        shown = (self.folder / "man" / "orrery-options.7").read_text(encoding="utf-8")
        for name, default in OPTIONS.items():
            escaped = f"--{name}".replace("-", r"\-")
            self.assertIn(".TP\n\\fB" + escaped, shown)
            if default:
                text = shown.split(f"fB{escaped}")[1].split(".TP")[0]
                self.assertIn(f"Default: {default}", text.replace("\\-", "-"))

    def test_printed_once(self) -> None:
        for words in (["--help"], ["trace", "--help"], ["plan", "trace", "--help"], ["verify", "--help"], ["--version"]):
            with self.subTest(words=words):
                alone = self.assert_done(run(*words)).output
                self.assertEqual(self.assert_done(run(*words, ranks=2)).output, alone)

    def test_version(self) -> None:
        version = (ROOT / "VERSION").read_text(encoding="utf-8").split()[0]
        text = self.assert_done(run("--version")).output
        self.assertRegex(text, rf"^orrery {re.escape(version)} \(commit \w+.*\)")
        self.assertEqual(text.count("\n"), 1)


class Launchers(CommandLineTest):
    """`srun` without PMIx starts tasks that don't know of each other."""

    def test_srun_without_pmix(self) -> None:
        words = ("trace", *self.inputs, "--out", self.out)
        step = {"SLURM_STEP_NUM_TASKS": "2"}
        first = run(*words, extra=step | {"SLURM_PROCID": "0"})
        self.assert_fails(first, USAGE, "srun", "--mpi=pmix")
        second = run(*words, extra=step | {"SLURM_PROCID": "1"})
        self.assertEqual((second.code, second.output, second.errors), (USAGE, "", ""))
        self.assert_nothing_at(self.out)
        self.assert_fails(run("doctor", extra=step | {"SLURM_PROCID": "0"}), USAGE, "--mpi=pmix")

    def test_one_command_of_a_batch_script(self) -> None:
        """sbatch's own environment is no step of several tasks."""
        job = {"SLURM_JOB_ID": "42", "SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}
        self.assert_done(run("trace", *self.inputs, "--out", self.out, extra=job))
        self.assertEqual(attributes(self.out)[("/", "job_id")], "42")

    def test_commands_that_run_alone(self) -> None:
        for number, speaks in (("0", True), ("1", False)):
            outcome = run("plan", "trace", *self.inputs, extra={"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": number})
            self.assert_done(outcome)
            self.assertEqual(bool(outcome.output), speaks)


class Inspect(CommandLineTest):
    def test_what_is_no_trace(self) -> None:
        text = self.write("hello\n", "text.h5")
        empty = self.write("", "empty.h5")
        for path in (text, empty, self.folder / "missing.h5", self.folder):
            with self.subTest(path=path):
                self.assert_fails(run("inspect", path), BAD_INPUT, str(path))

    def test_cut_short(self) -> None:
        self.assert_done(run("trace", *self.inputs, "--out", self.out))
        whole = self.out.read_bytes()
        for share in (0.2, 0.6, 0.95):
            with self.subTest(share=share):
                self.out.write_bytes(whole[: int(len(whole) * share)])
                self.assert_fails(run("inspect", self.out), BAD_INPUT, str(self.out))

    def test_on_ranks(self) -> None:
        self.assert_done(run("trace", *self.inputs, "--out", self.out))
        alone = self.assert_done(run("inspect", self.out)).output
        self.assertEqual(self.assert_done(run("inspect", self.out, ranks=2)).output, alone)

    def test_json(self) -> None:
        self.assert_done(run("trace", *self.inputs, "--out", self.out))
        found = json.loads(self.assert_done(run("inspect", self.out, "--json")).output)
        self.assertEqual(found["attributes"]["/"]["format"], "orrery-trace")
        self.assertEqual(found["datasets"]["/pca/eigenvalue"]["dimensions"], ["point", "eigen"])
        self.assertEqual(set(found["datasets"]), {f"/{name}" for name in datasets(self.out)})


class Verify(CommandLineTest):
    def test_help_says_what_is_set_aside(self) -> None:
        text = " ".join(self.assert_done(run("verify", "--help")).output.split())
        for word in ("--tolerance", "--common", "largest magnitude", "NaN equals NaN", "/timing", "created_utc",
                     "stall-minutes", "65"):  # fmt: skip
            self.assertIn(word, text)

    def test_on_ranks(self) -> None:
        """It runs once, whatever the launcher starts, and its exit code is seen."""
        self.assert_done(run("trace", *self.inputs, "--out", self.out))
        for words in ((self.out,), (self.out, self.out)):
            alone = self.assert_done(run("verify", *words)).output
            self.assertEqual(self.assert_done(run("verify", *words, ranks=2)).output, alone)
        other = self.folder / "other.h5"
        self.assert_done(run("trace", *self.inputs, "--samples", "2", "--out", other))
        self.assertEqual(run("verify", self.out, other).code, 1)


class Doctor(CommandLineTest):
    def test_a_good_folder(self) -> None:
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                outcome = run("doctor", "--out", self.folder, ranks=ranks)
                self.assert_done(outcome)
                for subject in ("MPI", "ranks a node", "parallel HDF5", "LibTorch", "memory"):
                    self.assertRegex(outcome.output, rf"(?m)^(ok  |note)  {subject}: ")
                self.assertIn(f", {ranks_for(2)} ranks\n" if ranks == 2 else ", 1 rank\n", outcome.output)
                self.assertNotIn("BAD", outcome.output)
                self.assertEqual(list(self.folder.iterdir()), [], "the probe's file stays")

    def test_a_missing_folder(self) -> None:
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                outcome = run("doctor", "--out", self.folder / "missing", ranks=ranks)
                self.assertNotEqual(outcome.code, 0, str(outcome))
                self.assertRegex(outcome.output, r"(?m)^BAD   parallel HDF5: .*missing")


if __name__ == "__main__":
    unittest.main()
