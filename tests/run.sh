#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test; the exit code is ctest's.
#
#   bash tests/run.sh
#   ORRERY_SHARED_DATA=DIR bash tests/run.sh     where the shared test data lies (default ../shared/data)

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/cmake/bootstrap.sh"

if [[ $# -gt 0 ]]; then
  fail 64 "tests/run.sh takes no arguments (given: $*): use ctest --test-dir build/release to choose tests"
fi

export ORRERY_SHARED_DATA=${ORRERY_SHARED_DATA:-$root/../shared/data}

debian_packages+=("${test_packages[@]}")
orrery_bootstrap
orrery_unpack_slurm || say "without Slurm (log above) the tests of slurm/ will fail"
# Both share one build folder: a warning is an error in CI alone, so that the tests after a quickstart rebuild nothing.
if [[ -n ${CI:-} ]]; then preset=ci; else preset=release; fi
orrery_build "$preset"

# Two at once at most: tests say how many processors they take, but a container may have fewer than it shows.
jobs=$(nproc)
ctest --test-dir "$root/build/release" --output-on-failure --parallel $((jobs < 2 ? jobs : 2))
