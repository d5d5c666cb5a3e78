#!/bin/bash
# Submits a whole study to Slurm: the trace, its sweep as an array of parts, the job that joins these, and the figures,
# each once the one before has succeeded. Where one fails, Slurm drops those behind it.
#
#   bash slurm/pipeline.sh --model DIR --corpus FILE --out FOLDER [--config FILE.ini] [--parts N] [-- SBATCH OPTIONS]
#
#   --model --corpus   as of `orrery trace`
#   --out              a folder that all nodes see: run.h5, sweep.h5, figures/ and logs/ appear in it
#   --config           an INI file with further options, in its sections [trace] and [perturb] (jobs/paper.ini)
#   --parts            into how many jobs the sweep is split; 1 where it is not given
#   --                 what follows is for sbatch, for the jobs with GPUs: -- --nodes=4 --time=02:00:00
#
# What a job takes stands at the top of its script, what the cluster needs at the top of common.sh. What goes for all
# jobs can also be given by Slurm's own variables: SBATCH_ACCOUNT, SBATCH_PARTITION. Submit it again after a failure:
# what is done ends at once, what was begun goes on.

set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ORRERY_SLURM=$here
source "$here/common.sh"

model="" corpus="" out="" config="" parts=1
usage="\`bash slurm/pipeline.sh --model DIR --corpus FILE --out FOLDER\` (its first lines say more)"

while [[ $# -gt 0 && $1 != -- ]]; do
  case $1 in
    --model | --corpus | --out | --config | --parts)
      [[ $# -gt 1 ]] || fail 64 "an option lacks its value ($1): $usage"
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    *) fail 64 "unknown option ($1): $usage" ;;
  esac
done
[[ $# -eq 0 ]] || shift  # the --
for name in model corpus out; do
  [[ -n ${!name} ]] || fail 64 "an option is missing (--$name): $usage"
done
[[ $parts =~ ^[1-9][0-9]*$ ]] || fail 64 "--parts counts parts ($parts): give 1 or more"
[[ -d $model ]] || fail 65 "the model is no folder ($model): give one with config.json and its weights"
[[ -f $corpus && -r $corpus ]] || fail 65 "the corpus can't be read ($corpus): give a UTF-8 text, a sample a line"
[[ -z $config || (-f $config && -r $config) ]] || fail 65 "the options can't be read ($config): give an INI file"
for program in sbatch scancel; do
  command -v $program >/dev/null || fail 69 "Slurm isn't there ($program is missing): run this on a login node"
done
mkdir -p "$out/logs" 2>/dev/null || fail 74 "the folder can't be made ($out): see to its place and rights"

# Jobs run in the folder in which this was called, but logs are read anywhere.
model=$(realpath "$model") corpus=$(realpath "$corpus") out=$(realpath "$out")
options=()
if [[ -n $config ]]; then
  options=(--config "$(realpath "$config")")
fi
sweep=("${options[@]}" --trace "$out/run.h5" --out "$out/sweep.h5")

# submit NAME SBATCH-OPTIONS… SCRIPT WORDS…: sets the variable NAME to the job's id. Where sbatch refuses, those before
# are taken back.
jobs=()
submit() {
  local id
  if ! id=$(sbatch --parsable --kill-on-invalid-dep=yes "${@:2}" 2>&1); then
    [[ ${#jobs[@]} -eq 0 ]] || scancel "${jobs[@]}"
    fail 64 "sbatch refused the job $1 (${id//$'\n'/; }): mend that; nothing was submitted"
  fi
  id=${id##*$'\n'}  # behind what a site may have to say
  id=${id%%;*}      # before the cluster's name
  jobs+=("$id")
  printf -v "$1" %s "$id"
}

submit trace --output="$out/logs/%x-%j.log" "$@" "$here/trace.sbatch" \
  "${options[@]}" --model "$model" --corpus "$corpus" --out "$out/run.h5"
submit perturb --output="$out/logs/%x-%A_%a.log" --array="0-$((parts - 1))" "$@" --dependency="afterok:$trace" \
  "$here/perturb.sbatch" "${sweep[@]}"
submit join --output="$out/logs/%x-%j.log" --dependency="afterok:$perturb" "$here/join.sbatch" "${sweep[@]}"
submit figures --output="$out/logs/%x-%j.log" --dependency="afterok:$join" "$here/figures.sbatch" \
  "$out/run.h5" "$out/sweep.h5" --out "$out/figures"

cat <<END
trace    $trace
perturb  $perturb, $parts parts
join     $join
figures  $figures

Watch them:      squeue --jobs ${trace},${perturb},${join},${figures}
What they say:   tail -f $out/logs/*.log
Take them back:  scancel $trace $perturb $join $figures
At the end:      $out/figures/index.html
END
