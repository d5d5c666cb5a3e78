"""The program before the redesign and the one after it write the same bits: traces (kept, streamed, every token),
sweeps (teleports, noise, ablations), parts, stopped and resumed runs, of tiny models and of a trained one.

    build/venv/bin/python tests/redesign/same_bits.py [--before PROGRAM] [--after PROGRAM] [--model DIR] [--only REGEX]

Without --before it builds the commit below, under build/redesign. Files are compared by `orrery verify` and by h5py
(same_files.py, which has the list of differences that are allowed); numbers that are printed, and figures' data, by the
byte. Ends in 0, or in 1 with a line for each difference. Sweeps of both programs start from the trace of the program
before, whose results are kept in --work for the next time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import h5py
from same_files import Difference, differences, unexpected

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))  # by hand, too
from background_run import BackgroundRun  # noqa: E402
from orrery_program import PYTHON, ROOT, Outcome, run  # noqa: E402
from tiny_models import tiny, write_corpus  # noqa: E402

#: The last commit before the redesign.
BEFORE = "2c9454269aceda20d4e490670461472ede74b0a6"
FOLDER = ROOT / "build" / "redesign"
MODEL = ROOT / "build" / "models" / "smollm2-135m-instruct-q4_1"
#: A command of the trained model takes a minute at most.
PATIENCE = 900.0

TINY = ("llama-mha", "llama-gqa", "llama31", "llama-bf16", "llama-sharded", "llama-bias")
FEW = ("--permutations", "50", "--components", "12")
SMALL = ("--grid", "3", "--directions", "3", "--score-components", "4")
FLOAT64 = ("--dtype", "float64", "--residual", "float64")
BFLOAT16 = ("--dtype", "bfloat16")
OFTEN = ("--checkpoint-every", "1s")


@dataclass(frozen=True)
class Case:
    """A file that both programs make. `of` is the case of the trace that a sweep starts from."""

    name: str
    words: tuple[str | Path, ...]
    ranks: int = 0
    of: str = ""
    parts: int = 0
    is_stopped: bool = False  #: after its first checkpoint, and resumed

    @property
    def command(self) -> str:
        return "perturb" if self.of else "trace"


def tiny_cases(corpus: Path, prompts: Path) -> Iterator[Case]:
    """Every way to take a model's rows together, on 1 and 2 ranks by turns, and what only some runs do."""
    for i, model in enumerate(TINY):
        rows = ("--model", tiny(model), "--corpus", corpus, "--min-chars", "0", "--tile-tokens", "300", *FEW)
        ranks = (1 + i % 2, 2 - i % 2)
        yield Case(f"{model}/kept", rows, ranks[0])
        yield Case(f"{model}/streaming", (*rows, "--moments", "streaming"), ranks[1])
        yield Case(f"{model}/all", (*rows, "--tokens", "all"), ranks[0])
        yield Case(f"{model}/teleport", ("--kinds", "teleport", *SMALL), ranks[1], of=f"{model}/kept")
        yield Case(f"{model}/noise", ("--kinds", "noise", *SMALL), ranks[0], of=f"{model}/streaming")
        yield Case(f"{model}/ablate", ("--kinds", "ablate", "--prompts", "0-2", *SMALL), ranks[1], of=f"{model}/kept")
    model = "llama-gqa"
    rows = ("--model", tiny(model), "--corpus", corpus, "--min-chars", "0", "--tile-tokens", "300", *FEW)
    kept = f"{model}/kept"
    yield Case(f"{model}/bfloat16", (*rows, *BFLOAT16), 2)
    yield Case(f"{model}/bfloat16-streaming", (*rows, *BFLOAT16, "--residual", "bfloat16", "--moments", "streaming"), 1)
    yield Case(f"{model}/float64", (*rows, *FLOAT64), 1)
    yield Case(f"{model}/layers", (*rows, "--order", "layers"), 2)
    yield Case(f"{model}/layers-all", (*rows, "--order", "layers", "--tokens", "all"), 1)
    yield Case(f"{model}/random", (*rows, "--weights", "random", "--tokens", "random", "--seed", "7"), 2)
    yield Case(f"{model}/no-store", (*rows, "--store", "none", "--bos", "none", "--samples", "9"), 1)
    yield Case(f"{model}/own-prompts", ("--prompts", prompts, "--kinds", "teleport,noise,ablate", *SMALL), 2, of=kept)
    yield Case(f"{model}/states", ("--store", "states", "--mode", "shift", "--range", "layer", *SMALL), 1, of=kept)
    yield Case(f"{model}/mean", ("--kinds", "ablate", "--ablate", "mean", "--prompts", "0,3", *SMALL), 2, of=kept)
    yield Case(f"{model}/sweep-bfloat16", (*BFLOAT16, *SMALL), 1, of=kept)
    yield Case(f"{model}/sweep-layers", ("--order", "layers", *SMALL), 2, of=kept)
    yield Case(f"{model}/sweep-random", ("--weights", "random", *SMALL), 1, of=kept)
    yield Case(f"{model}/parts", ("--prompts", "all", "--batch-tokens", "300", *SMALL), 2, of=kept, parts=2)


def trained_cases(model: Path, corpus: Path) -> Iterator[Case]:
    """The main job in small."""
    rows = ("--model", model, "--corpus", corpus, "--samples", "24", "--permutations", "100")
    few = ("--prompts", "0-2", "--grid", "4")
    yield Case("trained/kept", rows, 2)
    yield Case("trained/streaming", (*rows, "--moments", "streaming"), 2)
    yield Case("trained/all", (*rows, "--tokens", "all"), 1)
    yield Case("trained/bfloat16", (*rows, *BFLOAT16), 2)
    yield Case("trained/layers", (*rows, "--order", "layers"), 2)
    rows = (*rows, *OFTEN)
    yield Case("trained/resumed", (*rows, "--tile-tokens", "256"), 2, is_stopped=True)
    yield Case("trained/resumed-streaming", (*rows, "--moments", "streaming"), 1, is_stopped=True)
    kept = "trained/kept"
    yield Case("trained/sweep", few, 2, of=kept)
    yield Case("trained/ablate", ("--kinds", "ablate", "--prompts", "0-1", "--ablate-layers", "0,14,29"), 2, of=kept)
    many = ("--prompts", "0-11", "--grid", "4", "--batch-tokens", "256", *OFTEN)
    yield Case("trained/sweep-resumed", many, 2, of=kept, is_stopped=True)


class Failure(Exception):
    """A program did not do what it was asked to."""


def done(outcome: Outcome) -> Outcome:
    if outcome.code != 0:
        raise Failure(str(outcome))
    return outcome


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Side:
    """One of the two programs, and where its files lie."""

    program: Path
    folder: Path

    def run(self, *words: str | Path, ranks: int = 0) -> Outcome:
        os.environ["ORRERY_PROGRAM"] = str(self.program)
        return run(*words, ranks=ranks, folder=self.folder, timeout=PATIENCE)

    def file(self, name: str) -> Path:
        return self.folder / name / "out.h5"

    def make(self, case: Case, trace: Path | None) -> None:
        """Its file, and what the program printed; what is there of the same program and case is kept."""
        out = self.file(case.name)
        stamp, wanted = out.with_name("made_of"), f"{digest(self.program)} {case} {trace and digest(trace)}\n"
        if out.exists() and stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(out.parent, ignore_errors=True)
        out.parent.mkdir(parents=True)
        words = [case.command, *case.words, *(("--trace", trace) if trace else ()), "--out", out]
        for part in range(case.parts):
            done(self.run(*words, "--part", f"{part}/{case.parts}", ranks=case.ranks))
        if case.is_stopped:
            self.stop(words, out, case.ranks)
        more = ["--join"] if case.parts else ["--resume"] if case.is_stopped else []
        printed = done(self.run(*words, *more, ranks=case.ranks)).output
        if case.is_stopped:
            with h5py.File(out) as file:
                if not any(value for name, value in file["timing"].attrs.items() if name.startswith("resumed")):
                    raise Failure(f"{case.name} went on with nothing")
        (out.parent / "printed").write_text(printed)
        stamp.write_text(wanted)

    def stop(self, words: list[str | Path], out: Path, ranks: int) -> None:
        """Ends the run on request, once something is committed."""
        os.environ["ORRERY_PROGRAM"] = str(self.program)
        checkpoint = Path(f"{out}.part") / "checkpoint"

        def has_done() -> bool:
            return checkpoint.exists() and bool(json.loads(checkpoint.read_text())["blocks"])

        with BackgroundRun(*words, ranks=ranks) as beside:
            beside.wait_for(has_done, "a checkpoint")
            beside.send(signal.SIGUSR1)
            if (code := beside.wait()) != 85:
                raise Failure(f"not stopped, exit code {code}: {beside}")


#: What is said in other words now; numbers stay.
REWORDED = {"signs of steps drawn": "steps of random sign", "random signs": "steps of random sign"}


def reworded(text: str) -> str:
    for before, after in REWORDED.items():
        text = text.replace(before, after)
    return text


def unlike_lines(one: str, other: str) -> list[str]:
    """The first lines in which two prints differ, without what is measured of the machine, and the file's place."""
    one = reworded(one)

    def comparable(text: str) -> list[str]:
        kept = [line for line in text.splitlines() if not line.startswith("time ") and "out.h5" not in line]
        return [re.sub(r"[\d.]+ MiB a rank at most \(libraries [\d.]+ MiB", "", line) for line in kept]

    pairs = zip_longest(comparable(one), comparable(other))
    return [f"printed: {left!r} and {right!r}" for left, right in pairs if left != right][:5]


def verify_places(outcome: Outcome) -> list[Difference]:
    """What `orrery verify A B` says, in the words of same_files."""
    if outcome.code not in (0, 1):
        raise Failure(str(outcome))
    found = []
    for line in outcome.output.splitlines()[:-1]:
        place, _, seen = line.partition(": ")
        found.append(Difference(place if place.startswith(("attribute ", "option ")) else f"values of {place}", seen))
    if bool(found) != (outcome.code == 1):
        raise Failure(str(outcome))
    return found


class Comparison:
    """Both programs, side by side."""

    def __init__(self, before: Side, after: Side) -> None:
        self.before, self.after = before, after
        self.faults: list[str] = []

    def both(self, name: str, look: Callable[[], list[str]]) -> None:
        """One comparison, and a line about it."""
        try:
            found = look()
        except (Failure, AssertionError, KeyError, OSError) as error:
            found = [f"{type(error).__name__}: {error}"]
        print("DIFFERENT" if found else "the same", name, *(f"\n    {line}" for line in found), flush=True)
        self.faults += found

    def files(self, case: Case) -> list[str]:
        trace = self.before.file(case.of) if case.of else None
        for side in (self.before, self.after):
            side.make(case, trace)
        files = [side.file(case.name) for side in (self.before, self.after)]
        found = [str(one) for one in unexpected(differences(*files))]
        found += [f"verify: {one}" for one in unexpected(verify_places(self.after.run("verify", *files)))]
        for file in files:
            sound = self.after.run("verify", file)
            found += [f"verify {file}: {line}" for line in sound.output.splitlines() if line.startswith("FAILED")]
            if sound.code not in (0, 1):
                raise Failure(str(sound))
        return found + unlike_lines(*((file.parent / "printed").read_text() for file in files))

    def printed(self, *words: str | Path) -> list[str]:
        """Of a command that makes no file."""
        return unlike_lines(*(done(side.run(*words)).output for side in (self.before, self.after)))

    def figures(self, name: str, *files: Path) -> list[str]:
        data = []
        for side in (self.before, self.after):
            out = side.folder / "figures" / name
            shutil.rmtree(out, ignore_errors=True)
            done(side.run("figures", *files, "--out", out, "--format", "svg"))
            data.append({path.name: reworded(path.read_text(encoding="utf-8"))
                         for path in sorted(out.iterdir()) if path.suffix == ".dat"})  # fmt: skip
        if not data[0]:
            raise Failure("figures without data")
        return [path for path in sorted(data[0].keys() | data[1].keys()) if data[0].get(path) != data[1].get(path)]


def build_before() -> Path:
    """The program of the commit before, built in a worktree of its own."""
    source, build = FOLDER / "source", FOLDER / "release"
    if not source.exists():
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--force", "--detach", source, BEFORE], check=True)
    torch = [str(path) for path in (ROOT / "build" / "venv").glob("lib/python3.*/site-packages/torch")]
    prefixes = ";".join([*os.environ.get("CMAKE_PREFIX_PATH", "").split(":"), *torch])
    settings = ["-DCMAKE_BUILD_TYPE=Release", "-DORRERY_TESTS=OFF", f"-DCMAKE_PREFIX_PATH={prefixes}"]
    command = ["cmake", "-S", source, "-B", build, "-G", "Ninja", *settings]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", build, "--target", "orrery"], check=True, stdout=subprocess.DEVNULL)
    return build / "bin" / "orrery"


def fetch_model() -> Path:
    subprocess.run([PYTHON, ROOT / "jobs" / "fetch_smollm2.py"], check=True)
    return MODEL


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--before", type=Path, help="the program before, where it is built already")
    parser.add_argument("--after", type=Path, default=ROOT / "build" / "release" / "bin" / "orrery")
    parser.add_argument("--model", type=Path, help="a trained model (default: SmolLM2, as the quickstart fetches it)")
    parser.add_argument("--only", default="", help="cases whose names match, and the traces that they need")
    parser.add_argument("--work", type=Path, default=FOLDER / "files", help="where files and corpora are kept")
    return parser.parse_args()


def main() -> int:
    options = parse()
    os.environ.setdefault("ORRERY_SHARED_DATA", str(ROOT.parent / "shared" / "data"))
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    corpus, long_corpus, prompts = work / "corpus.txt", work / "long_corpus.txt", work / "prompts.txt"
    write_corpus(corpus, 14, longest=160)
    write_corpus(long_corpus, 60, longest=500)
    prompts.write_text("I'm sorry, Dave. I'm afraid I can't do that.\nOpen the doors.\n", encoding="utf-8")
    cases = [*tiny_cases(corpus, prompts), *trained_cases((options.model or fetch_model()).resolve(), long_corpus)]
    wanted = {case.name for case in cases if re.search(options.only, case.name)}
    wanted |= {case.of for case in cases if case.name in wanted and case.of}
    sides = []
    for name, program in (("before", options.before or build_before()), ("after", options.after)):
        (work / name).mkdir(exist_ok=True)
        sides.append(Side(program.resolve(), work / name))
    comparison = Comparison(*sides)
    for case in (case for case in cases if case.name in wanted):
        comparison.both(case.name, lambda: comparison.files(case))
        file = sides[0].file(case.name)
        for form in ("--json", "--ini", "--plot"):
            comparison.both(f"{case.name} inspect {form}", lambda: comparison.printed("inspect", file, form))
        words = [*case.words, *(("--trace", sides[0].file(case.of)) if case.of else ())]
        comparison.both(f"{case.name} plan", lambda: comparison.printed("plan", case.command, *words, "--ranks", "2"))
    for trace, sweeps in (("llama-gqa/kept", ("own-prompts", "mean")), ("trained/kept", ("sweep", "ablate"))):
        model = trace.split("/")[0]
        for sweep in (f"{model}/{name}" for name in sweeps):
            if {trace, sweep} <= wanted:
                files = [sides[0].file(name) for name in (trace, sweep)]
                comparison.both(f"{sweep} figures", lambda: comparison.figures(sweep, *files))
    print(f"{len(comparison.faults)} differences" if comparison.faults else "the same bits")
    return 1 if comparison.faults else 0


if __name__ == "__main__":
    sys.exit(main())
