#!/usr/bin/env bash
# A day on a machine with a GPU (pack.sh says how it gets there), in the repository's root:
#
#   bash .gpu/day.sh build     builds orrery against the torch of this Python, and runs its doctor
#   bash .gpu/day.sh small     tiny models there against the CPU; the same bits again, on threads, by layers, on ranks
#   bash .gpu/day.sh big       rates at the sizes of Llama 3.1 8B
#
# DEVICE=cpu is a dry run. SYSROOT and OUT are folders for the libraries and the build. Ends in 1 where a step failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sysroot=${SYSROOT:-/tmp/sysroot}
out=${OUT:-/tmp/out}
device=${DEVICE:-cuda}
python=${PYTHON:-python3}
text=$here/wiki.test.raw
anew=(--overwrite --device "$device")
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
failed=0

# What matters of what it says.
orrery() {
  "$out/orrery" "$@" 2>&1 | grep -E 'info: [a-z]+ .* in |orrery:|the same|differ|^bad'
  return "${PIPESTATUS[0]}"
}
step() {
  local start=$SECONDS code=0
  echo "--- $*"
  "$@" || code=$?
  echo "    ended in $code after $((SECONDS - start)) s"
  ((code == 0)) || failed=1
}
same() { step orrery verify "$@"; }

build() {
  local modules=/usr/lib/x86_64-linux-gnu/openmpi/lib/openmpi3
  mkdir -p "$sysroot"
  tar xJf "$here/sysroot.tar.xz" -C "$sysroot" --strip-components=1
  # Open MPI looks for its modules and texts where it was installed.
  [[ -d $modules ]] || { mkdir -p "$(dirname "$modules")" && cp -r "$sysroot/openmpi3" "$modules"; }
  [[ -d /usr/share/openmpi ]] || cp -r "$sysroot/share-openmpi" /usr/share/openmpi
  step "$python" "$here/build.py" "$sysroot" "$out"
  step ninja -k 0 -f "$out/build.ninja"
  step "$out/orrery" doctor --out "$out"
}

small() {
  local model name more words
  cd "$out" || exit 1
  for model in "$here"/models/llama*; do
    name=$(basename "$model")
    words=(trace --model "$model" --corpus "$model/corpus.txt" --min-chars 0 --dtype float64)
    step orrery "${words[@]}" --overwrite --device cpu --out "$name-cpu.h5"
    step orrery "${words[@]}" "${anew[@]}" --out "$name.h5"
    same "$name-cpu.h5" "$name.h5" --common --tolerance 1e-9
  done
  words=(trace --model "$here/models/llama31" --corpus "$text" --samples 300 --dtype bfloat16 "${anew[@]}" --tile-tokens 2048)
  step orrery "${words[@]}" --out a.h5
  for more in "" "--threads 4" "--order layers"; do
    # shellcheck disable=SC2086  # two words, or none
    step orrery "${words[@]}" $more --out b.h5
    same a.h5 b.h5 --common
  done
  step env LD_LIBRARY_PATH="$sysroot/lib" "$sysroot/bin/mpirun" --oversubscribe --bind-to none -n 2 "$out/orrery" "${words[@]}" \
    --out b.h5 >/dev/null
  same a.h5 b.h5 --common
  step orrery perturb --trace a.h5 "${anew[@]}" --out s.h5
  step orrery perturb --trace a.h5 "${anew[@]}" --out r.h5
  same s.h5 r.h5
  same s.h5
}

big() {
  local tokens rows monitor words
  cd "$out" || exit 1
  step "$python" "$here/random_8b.py" 8b "$here/tokenizer.model" "${LAYERS:-32}"
  nvidia-smi --query-gpu=timestamp,memory.used,utilization.gpu --format=csv -lms 500 >smi.csv 2>/dev/null &
  monitor=$!
  words=(trace --model 8b --corpus "$text" "${anew[@]}" --store none --permutations 100 --threads "${THREADS:-16}"
    --samples "${SAMPLES:-600}")
  for tokens in 512 2048 8192; do
    step orrery "${words[@]}" --tile-tokens "$tokens" --out "t$tokens.h5"
    "$out/orrery" inspect "t$tokens.h5" --json | grep -oE '"[a-z]+_(seconds|bytes)[^,}]*'
  done
  step orrery "${words[@]}" --moments streaming --tile-tokens 8192 --out m.h5
  for rows in 1024 8192; do
    step orrery perturb --trace t512.h5 --prompts 0-3 --kinds noise --epsilon 0.1 --directions 100 --pc-directions 0 \
      --layers all --batch-rows "$rows" "${anew[@]}" --out "w$rows.h5"
  done
  kill "$monitor" 2>/dev/null || true
}

case ${1:-} in
  build | small | big) "$1" ;;
  *)
    echo "day.sh: unknown part (${1:-none}): build, small or big" >&2
    exit 64
    ;;
esac
exit "$failed"
