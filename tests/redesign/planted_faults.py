"""Faults planted one at a time in the source, each of which a named test must find: in the program before the redesign
and in the one after it, by the same texts.

    build/venv/bin/python tests/redesign/planted_faults.py [--tree DIR] [--only REGEX] [--check]

DIR is a checkout with a finished build in build/release (this one if none): its sources are changed and put back, and
only what the test needs is built. --check looks only whether each text is there, once. Ends in 1 where a fault was not
found, or its text isn't there.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900


@dataclass(frozen=True)
class Fault:
    """`old` stands once in the sources of either program; `tests` find `new` in its place, built from `targets`."""

    name: str
    old: str
    new: str
    tests: str
    targets: tuple[str, ...] = ("bin/orrery",)


FAULTS = (
    Fault("core: a number twice in a list", "  if (twice != numbers.end()) refuse(", "  if (false) refuse(",
          r"cli\.(commands|usage)|number_list|sweep\.sweep|study\.sweep", ("bin/orrery",)),
    Fault("core: surrogates are UTF-8", 'if (code_point >= 0xD800 && code_point <= 0xDFFF) return "a surrogate";',
          "if (false) return \"a surrogate\";", r"text\.(text_file|utf8|corpus)", ("text_text_file_test", "text_utf8_test")),
    Fault("text: a row of as many characters as --max-chars", "characters >= selection_.max_chars) return;",
          "characters > selection_.max_chars) return;", r"text\.corpus", ("text_corpus_test",)),
    Fault("schedule: a tile takes one sample too many", "> tile_tokens) tiles.emplace_back();",
          "> tile_tokens + length) tiles.emplace_back();", r"schedule\.tiles", ("schedule_tiles_test",)),
    Fault("statistics: variance by N", "product(point, point) / static_cast<double>(samples_ - 1)",
          "product(point, point) / static_cast<double>(samples_)", r"statistics\.unit_statistics\.ranks1",
          ("statistics_unit_statistics_test",)),
    Fault("statistics: the jackknife's factor", "return std::sqrt((blocks - 1) / blocks * squares);",
          "return std::sqrt(squares / blocks);", r"statistics\.(headline\.ranks1|spectrum)",
          ("statistics_headline_test", "statistics_spectrum_test")),
    Fault("statistics: a reversal is no turn", "angle[i] = dot < 0 ? -std::numbers::pi : 0.0;", "angle[i] = 0.0;",
          r"statistics\.rotation", ("statistics_rotation_test",)),
    Fault("statistics: an eigenvalue of rounding counts", "const auto above = [&](double value) { return value > threshold; };",
          "const auto above = [&](double value) { return value > 0 * threshold; };",
          r"statistics\.(spectrum|point_statistics\.ranks1)", ("statistics_spectrum_test", "statistics_point_statistics_test")),
    Fault("statistics: a checksum of exact sums is not compared", "if (sums[i] == item.checks[i]) continue;", "continue;",
          r"statistics\.gram_sums\.ranks1", ("statistics_gram_sums_test",)),
    Fault("statistics: a distance is the stream's own length", "return {norms(x.sub(x[0])), product", "return {norms(x), product",
          r"statistics\.perturbation", ("statistics_perturbation_test",)),
    Fault("parallel: rank 0 speaks for whoever failed", "const int speaker = static_cast<int>(failed);",
          "const int speaker = static_cast<int>(0 * failed);", r"parallel\.agreement", ("parallel_agreement_test",)),
    Fault("model: tensors overlap", "    if (tensor.begin < end) {", "    if (false) {", r"cli\.malformed|model\.safetensors",
          ("bin/orrery", "model_safetensors_test")),
    Fault("model: two settings of RoPE disagree", "if (newer && older) require_same(*newer, *older);", "",
          r"cli\.malformed|field\.checkpoint"),
    Fault("archive: a dataset without entries is not left out", "if (scale_named(layout, dimension).length >= 1) continue;",
          "(void)dimension;\n      continue;", r"archive\.layout", ("archive_layout_test",)),
    Fault("archive: a file is never complete", "const std::int64_t complete = 1;", "const std::int64_t complete = 0;",
          r"archive\.(finish|output)|trace\.options|study\.options"),
    Fault("verify: a NaN is no NaN", "if (a == b || (std::isnan(a) && std::isnan(b))) return true;", "if (a == b) return true;",
          r"verify\.compare|study\.compare"),
    Fault("run: work goes on whatever it was begun with", "if (before == after) continue;", "continue;",
          r"run\.work\.ranks1|(trace|study)\.resume", ("bin/orrery", "run_work_test")),
    Fault("trace: rows that were lost are not missed", "hash = hash * 31 + hash_of(i);", "hash = 0 * hash_of(i);",
          r"(trace|study)\.resume"),
    Fault("trace, verify: turns reach farther", "static_cast<double>(extent.points() - 3) / 2;",
          "static_cast<double>(extent.points() - 3) * 2;", r"verify\.trace|study\.verify"),
    Fault("sweep: a step's cosine is the stream's own", "step_cosine, statistics::row_cosines(before, streams)",
          "step_cosine, statistics::row_cosines(streams, streams)", r"(sweep|study)\.(sweep_)?reference"),
    Fault("cli: a comment behind a value is cut", "  require_no_trailing_comment(bytes, path.string());", "", r"cli\.(option_set|usage)",
          ("bin/orrery", "cli_option_set_test")),
    Fault("report: one standard error is enough", "std::abs(difference) <= 2 * error", "std::abs(difference) <= error",
          r"report\.(decisions|page)", ("bin/orrery", "report_decisions_test")),
    Fault("report: an axis from rounding errors", "constexpr double least_share = 1e-9;", "constexpr double least_share = 0;",
          r"report\.(decisions|figures|large_figures)", ("bin/orrery", "report_decisions_test")),
)  # fmt: skip


def place_of(tree: Path, fault: Fault) -> Path | None:
    found = [path for path in (tree / "src").rglob("*.cpp") if fault.old in path.read_text(encoding="utf-8")]
    return found[0] if len(found) == 1 and found[0].read_text(encoding="utf-8").count(fault.old) == 1 else None


def is_found(tree: Path, fault: Fault, path: Path) -> bool:
    """Whether the tests fail with the fault, and did not without it."""
    whole = path.read_text(encoding="utf-8")
    build = tree / "build" / "release"
    path.write_text(whole.replace(fault.old, fault.new), encoding="utf-8")
    try:
        known = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], capture_output=True, text=True).stdout
        targets = [target if "/" in target else f"bin/{target}" for target in fault.targets]
        targets = [target for target in targets if f"\n{target}: " in known]  # either program has tests of its own
        subprocess.run(["cmake", "--build", build, "--target", *targets], check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(["ctest", "--test-dir", build, "-R", fault.tests, "--no-tests=error"], timeout=PATIENCE,
                              env={**os.environ, "CTEST_OUTPUT_ON_FAILURE": "0"}, capture_output=True, text=True)  # fmt: skip
        failed = re.findall(r"- (\S+) \((?:Failed|Timeout)\)", done.stdout)
        print(f"  {', '.join(failed) or 'NOT FOUND'}")
        return bool(failed)
    finally:
        path.write_text(whole, encoding="utf-8")


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the source is put back
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=ROOT)
    parser.add_argument("--only", default="")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    wrong = 0
    for fault in FAULTS:
        if not re.search(given.only, fault.name):
            continue
        path = place_of(given.tree, fault)
        print(f"{fault.name}: {path.relative_to(given.tree) if path else 'ITS TEXT IS NOT THERE ONCE'}", flush=True)
        wrong += path is None or not (given.check or is_found(given.tree, fault, path))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
