#!/usr/bin/env bash
# A sweep of a model larger than fits: sizes of Llama 3.1 8B, random weights of bfloat16 (16 GB in all), of which one
# layer at a time is in memory. Traces it and perturbs two prompts on 2 ranks, verifies both files, and prints what they
# took. About 8 minutes on two cores, most of it for drawing the weights, anew for each pass over the layers.
#
#   bash jobs/large_sweep.sh
#
# Everything but Debian's packages lands in build/ and out/large/ of this checkout.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/cmake/bootstrap.sh"

smollm2=$root/build/models/smollm2-135m-instruct-q4_1
out=$root/out/large
orrery=$root/build/release/bin/orrery

orrery_bootstrap
orrery_build release --target bin/orrery  # without the tests
"$orrery_venv/bin/python" -I "$root/jobs/fetch_smollm2.py" --out "$smollm2"

# The tokenizer is a smaller model's: all of its tokens are in this vocabulary.
mkdir -p "$out/model"
cp "$smollm2/tokenizer.json" "$out/model/"
cat >"$out/model/config.json" <<'END'
{
  "architectures": ["LlamaForCausalLM"],
  "attention_bias": false,
  "bos_token_id": 1,
  "eos_token_id": 2,
  "head_dim": 128,
  "hidden_act": "silu",
  "hidden_size": 4096,
  "initializer_range": 0.02,
  "intermediate_size": 14336,
  "max_position_embeddings": 131072,
  "mlp_bias": false,
  "model_type": "llama",
  "num_attention_heads": 32,
  "num_hidden_layers": 32,
  "num_key_value_heads": 8,
  "rms_norm_eps": 1e-05,
  "rope_scaling": {
    "factor": 8.0,
    "high_freq_factor": 4.0,
    "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192,
    "rope_type": "llama3"
  },
  "rope_theta": 500000.0,
  "tie_word_embeddings": false,
  "torch_dtype": "bfloat16",
  "vocab_size": 128256
}
END

trace=(trace --model "$out/model" --weights random --corpus "$root/jobs/sample_corpus.txt" --samples 32
  --dtype bfloat16 --order layers --components 16 --permutations 20 --out "$out/trace.h5" --overwrite)
perturb=(perturb --trace "$out/trace.h5" --prompts 0,1 --grid 3 --epsilon 0.1,1 --directions 2 --pc-directions 1
  --order layers --out "$out/perturb.h5" --overwrite)

for run in trace perturb; do
  declare -n arguments=$run
  say "planning $run"
  "$orrery" plan "${arguments[@]}" --ranks 2 | tee "$out/$run.plan"
  say "$run on 2 ranks"
  orrery_mpirun -n 2 "$orrery" "${arguments[@]}"
done
"$orrery" verify "$out/trace.h5"
"$orrery" verify "$out/perturb.h5"

for run in trace perturb; do
  printf '\n%-8s planned  %s\n' "$run" "$(grep '^memory' "$out/$run.plan")"
  "$orrery_venv/bin/python" -I - "$out/$run.h5" <<'END'
import sys

import h5py

with h5py.File(sys.argv[1]) as file:
    timing = file["timing"]
    # Of a trace each rank's, of a sweep the most of any.
    peak = max(timing["peak_bytes"]) if "peak_bytes" in timing else timing.attrs["peak_bytes"]
    print(f"         peak     {peak / 2**30:.2f} GiB a rank")
    for name in sorted(timing.attrs):
        if name.endswith("_seconds"):
            print(f"         {name:18} {timing.attrs[name]:.1f}")
END
done
