#!/usr/bin/env bash
# Packs, builds and tries on the CPU what tests/gpu has for a machine with a GPU.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$root/cmake/bootstrap.sh"
out=$root/build/gpu
cd "$root"
bash tests/gpu/pack.sh "$out/pack"
export SYSROOT=$out/sysroot OUT=$out/build DEVICE=cpu PYTHON=$root/build/reference/bin/python
bash "$out/pack/day.sh" build
bash "$out/pack/day.sh" small
DEV=cpu "$PYTHON" "$out/pack/probe.py"
