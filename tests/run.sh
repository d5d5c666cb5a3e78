#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test; the exit code is ctest's.
#
#   bash tests/run.sh
#   bash tests/run.sh --long                     and the long stages behind it, hours in all: `stages` below
#   bash tests/run.sh --long=sanitize,fuzz       these stages alone
#   ORRERY_SHARED_DATA=DIR bash tests/run.sh     where the shared test data lies (default ../shared/data)
#
# A stage that fails stops no other; the exit code is then 1.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/cmake/bootstrap.sh"

stages=(tests ranks sanitize valgrind matrix fuzz gpu)
declare -A meaning=(
  [tests]="every test"
  [ranks]="the tests on several ranks, with 8 of them"
  [sanitize]="every test under the address, leak and undefined-behaviour sanitizers (build/sanitize)"
  [valgrind]="tokenizers and safetensors under valgrind"
  [matrix]="every fault at every place, and the other tests that take long"
  [fuzz]="each fuzzer for 60 s (build/fuzz)"
  [gpu]="a dry run on the CPU of what tests/gpu has for a machine with a GPU (build/gpu)"
)

# Both share one build folder: a warning is an error in CI alone, so that the tests after a quickstart rebuild nothing.
if [[ -n ${CI:-} ]]; then preset=ci; else preset=release; fi

# run_tests FOLDER JOBS ARGUMENT…: so many at once for two processors, and no more where there are more: a container may
# have fewer than it shows.
run_tests() {
  local jobs
  jobs=$(($(processors) < 2 ? ($2 + 1) / 2 : $2))
  ctest --test-dir "$root/build/$1" --output-on-failure --no-tests=error --parallel "$jobs" "${@:3}"
}

# What a stage does. `errexit` doesn't reach into these: each is one chain. Behind each fault of the matrix mpirun waits
# for a second before it ends: other works run meanwhile.
stage_tests() { orrery_build "$preset" && run_tests release 2; }
stage_ranks() { ORRERY_TEST_RANKS=8 orrery_build "$preset" && run_tests release 2 -L '^mpi$'; }
stage_sanitize() { orrery_build sanitize && run_tests sanitize 2; }
stage_valgrind() { ORRERY_LONG_TESTS=ON orrery_build "$preset" && run_tests release 2 -L '^valgrind$'; }
stage_matrix() { ORRERY_LONG_TESTS=ON orrery_build "$preset" && run_tests release 4 -L '^long$' -LE '^valgrind$'; }
stage_fuzz() { bash "$root/tests/fuzz/run.sh" 60; }
stage_gpu() { bash "$root/tests/gpu/dry_run.sh"; }

duration() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

# run_stages STAGE…: all of them; 1 where one failed.
run_stages() {
  local stage start outcome code=0
  local -a summary=()
  trap 'exit 130' INT
  for stage in "$@"; do
    say "stage $stage: ${meaning[$stage]}"
    start=$SECONDS
    if ("stage_$stage"); then
      outcome="passed after"
    else
      outcome="FAILED after"
      code=1
    fi
    outcome+=" $(duration $((SECONDS - start)))"
    say "stage $stage $outcome"
    summary+=("$(printf '%-10s %s' "$stage" "$outcome")")
  done
  # As a ctest by hand expects it: stages leave other tests registered.
  (orrery_build "$preset") || code=1
  say "the stages:"
  printf '  %s\n' "${summary[@]}" >&2
  return "$code"
}

# Sets `chosen` to the stages of --long=STAGE,….
choose_stages() {
  local stage
  IFS=, read -ra chosen <<<"$1"
  for stage in "${chosen[@]}"; do
    [[ -n $stage && -n ${meaning[$stage]:-} ]] || fail 64 "unknown stage (${stage}): one of ${stages[*]}"
  done
}

chosen=()
case $#,${1:-} in
  0,) ;;
  1,--long) chosen=("${stages[@]}") ;;
  1,--long=?*) choose_stages "${1#--long=}" ;;
  *) fail 64 "tests/run.sh knows only --long and --long=STAGE,… (given: $*): use ctest --test-dir build/release to choose tests" ;;
esac

export ORRERY_SHARED_DATA=${ORRERY_SHARED_DATA:-$root/../shared/data}

debian_packages+=("${test_packages[@]}")
if [[ ${#chosen[@]} -gt 0 ]]; then
  debian_packages+=("${long_packages[@]}")
fi
orrery_bootstrap
orrery_reference
orrery_unpack_slurm || say "without Slurm (log above) the tests of slurm/ will fail"
if [[ ${#chosen[@]} -gt 0 ]]; then
  run_stages "${chosen[@]}"
else
  stage_tests
fi
