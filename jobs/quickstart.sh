#!/usr/bin/env bash
# From a fresh checkout to a result: installs what is missing, builds, fetches SmolLM2-135M-Instruct (a trained Llama of
# 30 layers), traces its residual stream on 2 ranks over a corpus, perturbs it, and draws the figures. A second run only
# installs and builds what changed.
#
#   bash jobs/quickstart.sh
#   ORRERY_CORPUS=my.txt bash jobs/quickstart.sh     a corpus of your own: UTF-8 text, a sample a line
#
# Everything but Debian's packages lands in build/ and out/quickstart/ of this checkout.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/cmake/bootstrap.sh"

model=$root/build/models/smollm2-135m-instruct-q4_1
out=$root/out/quickstart/run.h5
sweep=$root/out/quickstart/sweep.h5
figures=$root/out/quickstart/figures

if [[ -n ${ORRERY_CORPUS:-} ]]; then
  corpus=$ORRERY_CORPUS
  samples=()
  [[ -r $corpus && ! -d $corpus ]] ||
    fail 65 "ORRERY_CORPUS can't be read ($corpus): name a UTF-8 text file with a sample a line"
else
  corpus=$root/jobs/sample_corpus.txt
  # All of the 200 that there are. Its lines lack their closing full stop, since the token measured is the last one: it
  # is to differ from line to line.
  samples=(--samples 0)
fi

orrery_bootstrap
orrery_build release --target bin/orrery  # without the tests
"$orrery_venv/bin/python" -I "$root/jobs/fetch_smollm2.py" --out "$model"

mkdir -p "$(dirname "$out")"
say "tracing on 2 ranks over $corpus"
orrery_mpirun -n 2 "$root/build/release/bin/orrery" trace --config "$root/jobs/quickstart.ini" \
  --model "$model" --corpus "$corpus" "${samples[@]}" --out "$out" --overwrite

say "perturbing 8 of its prompts on 2 ranks"
orrery_mpirun -n 2 "$root/build/release/bin/orrery" perturb --config "$root/jobs/quickstart.ini" \
  --trace "$out" --out "$sweep" --overwrite

say "drawing the figures"
"$root/build/release/bin/orrery" figures "$out" "$sweep" --out "$figures"

cat <<END

Open this:   $figures/index.html
The files:   $out
             $sweep
Their parts: $root/build/release/bin/orrery inspect $out
Undamaged?   $root/build/release/bin/orrery verify $sweep
In Python:   xarray.open_datatree("$out", engine="h5netcdf")["pca"]
             (xarray and h5netcdf are in $orrery_venv)
END
