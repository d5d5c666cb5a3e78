#!/usr/bin/env bash
# Fuzzes what orrery reads from outside, with libFuzzer and sanitizers; 1 where something was found.
#
#   bash tests/fuzz/run.sh [SECONDS [TARGET…]]     each target for SECONDS (60), all of them unless named
#
# A finding is a crash, a sanitizer's report, an internal error, much memory or a long time. Its input stays in
# build/fuzz/findings, to be run again by build/fuzz/bin/fuzz_TARGET FILE. Once mended, it goes into
# tests/fuzz/corpus/TARGET under a name that tells what it was.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$root/cmake/bootstrap.sh"

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail 64 "tests/fuzz/run.sh takes seconds, and targets (given: $*)"
shift $(($# > 0 ? 1 : 0))

debian_packages+=("${long_packages[@]}")
orrery_bootstrap
torch=$(libtorch_of_user)
: "${torch:=$(libtorch_of_venv)}"
say "building the fuzzers (build/fuzz.log)"
logged fuzz-configure cmake -S "$root" --preset fuzz -DTorch_DIR="$torch" || fail 69 "CMake could not configure (log above)"
logged fuzz cmake --build "$root/build/fuzz" --target fuzzers --parallel "$(processors)" || fail 70 "the build failed (log above)"

# Inputs lie in memory where there is any for it; all but findings goes at the end.
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" orrery-fuzz-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
findings=$root/build/fuzz/findings
mkdir -p "$findings"
"$orrery_venv/bin/python" "$root/tests/fuzz/make_seeds.py" "$scratch/seeds"

targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  for folder in "$root"/tests/fuzz/corpus/*/; do targets+=("$(basename "$folder")"); done
fi

# fuzz TARGET: for the time given. Its name stays in $scratch/found unless it came to its end without a finding.
mkdir "$scratch/found" "$scratch/tmp"
fuzz() {
  local target=$1 log=$root/build/fuzz-$1.log
  local -a dictionary=()
  if [[ -f $root/tests/fuzz/dictionary/$target.dict ]]; then
    dictionary=("-dict=$root/tests/fuzz/dictionary/$target.dict")
  fi
  say "fuzzing $target for $seconds s ($log)"
  touch "$scratch/found/$target"
  mkdir "$scratch/$target"
  if TMPDIR=$scratch/tmp "$root/build/fuzz/bin/fuzz_$target" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=2048 -malloc_limit_mb=1024 -artifact_prefix="$findings/$target-" \
    "${dictionary[@]}" \
    "$scratch/$target" "$scratch/seeds/$target" "$root/tests/fuzz/corpus/$target" >"$log" 2>&1; then
    rm "$scratch/found/$target"
  else
    grep -E 'FINDING|runtime error|ERROR: |SUMMARY|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
  fi
}

# One a processor at once.
for target in "${targets[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge $(processors) ]]; do wait -n; done
  fuzz "$target" &
done
wait
found=$(ls "$scratch/found")
if [[ -n $found ]]; then
  fail 1 "findings of ${found//$'\n'/ }; their inputs are in build/fuzz/findings"
fi
say "${#targets[@]} targets, $seconds s each, and nothing was found"
