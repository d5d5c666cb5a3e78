"""House rules that a reader should not have to check: who includes whom, what is used where, formats."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: In their order: each sees those to its left. Commands stand side by side, and never see each other.
ROOMS = ["core", "parallel", "text", "model", "schedule", "statistics", "archive", "verify", "run", "trace", "sweep",
         "report", "cli"]  # fmt: skip
COMMANDS = {"trace", "sweep"}
CPP = {".cpp", ".hpp"}

#: Headers that only some rooms may see.
ONLY_IN: dict[str, tuple[str, set[str]]] = {
    "MPI": (r"<mpi\.h>", {"parallel", "archive"}),
    "HDF5": (r"<(hdf5|H5\w*|hdf5_hl)\.h>", {"archive"}),
    "Program_options": (r"<boost/program_options.*>", {"cli"}),
    "spdlog": (r"<spdlog/.*>", {"core"}),
    "Torch": (r"<(ATen|c10|torch)/.*>", {"model", "schedule", "statistics", "verify", "run", "trace", "sweep"}),
}

#: What ends the program or talks past `main`, and the files that may.
ENDS = re.compile(
    r"\bstd::(cout|cerr|clog)\b|\bMPI_Abort\b"
    r"|(?<!Environment::)\b(_Exit|_exit|exit|quick_exit|abort|terminate)\s*\("
)
#: parallel::Environment ends all ranks; the probe of a damaged file ends the child that it forked.
MAY_END = {"src/parallel/environment.cpp", "include/orrery/parallel/environment.hpp", "src/archive/survival.cpp"}

#: Places of one machine. A path in a comment's example is one too.
MACHINE = re.compile(r"(?<![\w.])/(tmp|home|root)/")

INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"][^>\"]+[>\"])", re.MULTILINE)


def files(*folders: str, suffixes: set[str] | None = None) -> Iterator[Path]:
    """Files below folders of the project, in order."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and (suffixes is None or path.suffix in suffixes):
                yield path


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def includes(text: str) -> list[str]:
    """What a file includes, brackets and quotes kept."""
    return INCLUDE.findall(text)


def without_comments(text: str) -> str:
    """The code alone, line for line: comments and the insides of strings are blanks."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
    return pattern.sub(lambda found: '""' if found[0][0] == '"' else re.sub(r"[^\n]", " ", found[0]), text)


def room_of(path: Path) -> str:
    """src/ROOM/x.cpp and include/orrery/ROOM/x.hpp belong to ROOM."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else parts[2]


def may_see(room: str, other: str) -> bool:
    """Whether a room may know another: one to its left, or itself."""
    if {room, other} <= COMMANDS:
        return room == other
    return other in ROOMS and ROOMS.index(other) <= ROOMS.index(room)


def wrong_includes(room: str, text: str) -> list[str]:
    """Includes that a file of that room may not have."""
    wrong = []
    for line in includes(text):
        if found := re.match(r'["<](?:orrery|src)/(\w+)/', line):
            if not may_see(room, found[1]):
                wrong.append(line)
        for pattern, rooms in ONLY_IN.values():
            if room not in rooms and re.fullmatch(pattern, line):
                wrong.append(line)
        if "../" in line:
            wrong.append(line)
    return wrong


def lines_with(pattern: re.Pattern[str], text: str) -> list[str]:
    return [f"line {n}: {line.strip()}" for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


class HouseRules(unittest.TestCase):
    def assert_clean(self, paths: Iterator[Path], faults: Callable[[Path], list[str]], least: int = 1) -> None:
        """No file has a fault; and there were files at all."""
        seen, found = 0, []
        for path in paths:
            seen += 1
            found += [f"{name_of(path)}: {fault}" for fault in faults(path)]
        self.assertGreaterEqual(seen, least, "no files were looked at")
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_rooms_include_only_rooms_to_their_left(self) -> None:
        for folder in ("src", "include/orrery"):
            rooms = {path.name for path in (ROOT / folder).iterdir() if path.is_dir()}
            self.assertEqual(rooms - set(ROOMS), set(), "a room that this test doesn't know")
        self.assert_clean(files("src", "include", suffixes=CPP),
                          lambda path: wrong_includes(room_of(path), path.read_text(encoding="utf-8")), 50)  # fmt: skip

    def test_wrong_includes_are_seen(self) -> None:
        self.assertEqual(wrong_includes("model", '#include "orrery/trace/plan.hpp"\n'), ['"orrery/trace/plan.hpp"'])
        for room, other in (("trace", "sweep"), ("sweep", "trace"), ("run", "trace"), ("verify", "run"),
                            ("run", "sweep"), ("trace", "nowhere")):  # fmt: skip
            line = f'"orrery/{other}/options.hpp"'
            self.assertEqual(wrong_includes(room, f"#include {line}\n"), [line])
        self.assertEqual(wrong_includes("model", '#include "orrery/text/json.hpp"\n#include "scatter.hpp"\n'), [])
        for room, line in (("run", "<mpi.h>"), ("cli", "<hdf5.h>"), ("report", "<ATen/Tensor.h>"),
                           ("text", "<torch/torch.h>"), ("trace", "<boost/program_options.hpp>"),
                           ("cli", "<spdlog/spdlog.h>")):  # fmt: skip
            self.assertEqual(wrong_includes(room, f"#include {line}\n"), [line])
        self.assertEqual(wrong_includes("archive", "#include <hdf5.h>\n#include <mpi.h>\n"), [])

    def test_libraries_follow_the_same_order(self) -> None:
        """Each room's CMake target depends on rooms to its left alone."""
        for room in ROOMS:
            text = (ROOT / "src" / room / "CMakeLists.txt").read_text(encoding="utf-8")
            found = re.search(r"DEPENDS ([\w ]+)", text)
            for other in found[1].split() if found else []:
                self.assertTrue(other != room and may_see(room, other), f"src/{room}/CMakeLists.txt depends on {other}")

    def test_one_file_sees_spdlog(self) -> None:
        found = [name_of(path) for path in files("src", "include", suffixes=CPP)
                 if "<spdlog/" in path.read_text(encoding="utf-8")]  # fmt: skip
        self.assertEqual(len(found), 1, found)

    def test_nothing_ends_the_program_but_main(self) -> None:
        def faults(path: Path) -> list[str]:
            if name_of(path) in MAY_END:
                return []
            return lines_with(ENDS, without_comments(path.read_text(encoding="utf-8")))

        self.assert_clean(files("src", "include", suffixes=CPP), faults, 50)

    def test_what_ends_the_program_is_seen(self) -> None:
        ends = ("  std::exit(3);", "exit (1);", "std::cout << 1;", "abort();", "::_exit(0);", "MPI_Abort(world, 1);")
        for line in ends:
            self.assertTrue(lines_with(ENDS, without_comments(line)), line)
        harmless = ("parallel::Environment::abort(70);", "environment_exit(3);", "ExitCode::usage;", "// exit(3)",
                    'text = "std::cout";', "on_exit_handler(1);")  # fmt: skip
        for line in harmless:
            self.assertFalse(lines_with(ENDS, without_comments(line)), line)

    def test_one_main(self) -> None:
        found = [name_of(path) for path in files("src", suffixes=CPP)
                 if re.search(r"(?m)^int main\(", path.read_text(encoding="utf-8"))]  # fmt: skip
        self.assertEqual(found, ["src/cli/main.cpp"])

    def test_headers_are_included_once(self) -> None:
        def faults(path: Path) -> list[str]:
            text = path.read_text(encoding="utf-8")
            return [] if text.startswith("#pragma once\n") else ["no #pragma once at its top"]

        self.assert_clean(files("src", "include", "tests", suffixes={".hpp"}), faults, 40)

    def test_sources_have_their_header(self) -> None:
        """src/ROOM/x.cpp has include/orrery/ROOM/x.hpp, or a private header beside it; each header has a room."""
        def faults(path: Path) -> list[str]:
            if name_of(path) == "src/cli/main.cpp":
                return []
            public = ROOT / "include" / "orrery" / room_of(path) / (path.stem + ".hpp")
            text = path.read_text(encoding="utf-8")
            header = f'"orrery/{room_of(path)}/' + (f'{path.stem}.hpp"' if public.exists() else "")
            is_registered = path.stem.endswith("_figures") and '"figure_sets.hpp"' in text
            return [] if path.with_suffix(".hpp").exists() or header in text or is_registered else ["has no header"]

        self.assert_clean(files("src", suffixes={".cpp"}), faults, 50)

    def test_readme_is_a_front_door(self) -> None:
        """No more than one reads: what is longer is a topic of `orrery help` or a manual page."""
        lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        self.assertLessEqual(len(lines), 200)
        self.assertEqual([number for number, line in enumerate(lines, 1) if len(line) > 120], [])

    def test_no_place_of_one_machine(self) -> None:
        text = {".cpp", ".hpp", ".in", ".cmake", ".txt", ".sh", ".py", ".ini", ".sbatch"}

        def faults(path: Path) -> list[str]:
            if path.name == "sample_corpus.txt":
                return []
            return lines_with(MACHINE, path.read_text(encoding="utf-8"))

        self.assert_clean(files("src", "include", "jobs", "cmake", "slurm", suffixes=text), faults, 50)
        self.assertTrue(lines_with(MACHINE, 'open("/tmp/x")'))
        self.assertFalse(lines_with(MACHINE, "build/tmp/x and ./tmp/y"))

    def test_lines_are_clean(self) -> None:
        """No tabs, no blanks at a line's end, no CR, a line's end at the end of the file."""
        def faults(path: Path) -> list[str]:
            text = path.read_bytes().decode("utf-8")
            found = lines_with(re.compile(r"[ \t]$|\t|\r"), text)
            return found if not text or text.endswith("\n") else [*found, "no line's end at its end"]

        suffixes = CPP | {".py", ".sh", ".sbatch", ".cmake", ".ini"}
        self.assert_clean(files("src", "include", "tests", "jobs", "cmake", "slurm", suffixes=suffixes), faults, 50)


class Formatters(unittest.TestCase):
    def clang_format(self) -> str:
        found = os.environ.get("ORRERY_CLANG_FORMAT") or shutil.which("clang-format")
        self.assertTrue(found, "clang-format is missing: install it (Debian: clang-format)")
        return str(found)

    def check_format(self, paths: list[Path]) -> list[str]:
        """The files that clang-format would change."""
        done = subprocess.run([self.clang_format(), "--style=file", "--dry-run", "-Werror", *map(str, paths)],
                              cwd=ROOT, capture_output=True, text=True, timeout=120)  # fmt: skip
        found = sorted(set(re.findall(r"(?m)^(.+?):\d+:\d+: error: code should be clang-formatted", done.stderr)))
        self.assertEqual(done.returncode == 0, not found, done.stderr[-2000:])
        return found

    def test_cpp_is_formatted(self) -> None:
        paths = list(files("src", "include", "tests", suffixes=CPP))
        self.assertGreater(len(paths), 50)
        changed = [name_of(Path(path)) for path in self.check_format(paths)]
        self.assertEqual(changed, [], f"run clang-format -i {' '.join(changed)}")

    def test_bad_format_is_seen(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".cpp", dir=ROOT / "build") as file:
            file.write("int  main( ){return 0 ;}\n")
            file.flush()
            self.assertEqual(self.check_format([Path(file.name)]), [file.name])

    def test_shell_scripts_parse(self) -> None:
        scripts = [path for path in files(".ci", "jobs", "cmake", "slurm", "tests", suffixes={".sh", ".sbatch", ""})
                   if path.read_bytes().startswith(b"#!") and b"sh" in path.read_bytes().split(b"\n")[0]]  # fmt: skip
        scripts += [path for path in files("cmake", "jobs", "slurm", "tests", suffixes={".sh", ".sbatch"})
                    if path not in scripts]  # fmt: skip
        self.assertGreaterEqual(len(scripts), 3)
        for path in scripts:
            done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, timeout=30)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name_of(path))

    def test_python_compiles(self) -> None:
        paths = list(files("jobs", "tests", "cmake", "slurm", suffixes={".py"}))
        self.assertGreater(len(paths), 5)
        for path in paths:
            compile(path.read_text(encoding="utf-8"), name_of(path), "exec")

    def test_continuous_integration_runs_the_tests(self) -> None:
        path = ROOT / ".ci" / "run"
        self.assertTrue(os.access(path, os.X_OK), ".ci/run can't be run")
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
        self.assertTrue(any("tests/run.sh" in line for line in code), ".ci/run doesn't call tests/run.sh")
        self.assertIn("ctest", (ROOT / "tests" / "run.sh").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
