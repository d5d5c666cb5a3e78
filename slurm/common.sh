# What the jobs of this folder share. They source it; it does nothing by itself.
#
# sbatch copies a script before it runs it, so a job can't find its neighbours by its own place. It looks in the folder
# that ORRERY_SLURM names, which pipeline.sh sets, or else in slurm/ of the folder in which you call sbatch.

# ---- Your cluster: edit this -----------------------------------------------------------------------------------------

load_modules() {
  : # module load openmpi hdf5-parallel
}

orrery=${ORRERY_PROGRAM:-orrery}   # the program, here by PATH
launcher=${ORRERY_LAUNCHER:-srun}  # srun, which needs a Slurm with PMIx (`srun --mpi=list` names pmix), or mpirun
restarts=${ORRERY_RESTARTS:-50}    # how often at most a job is queued again when its time was up

# ----------------------------------------------------------------------------------------------------------------------

set -euo pipefail

fail() {
  printf 'orrery: %s\n' "${*:2}" >&2
  exit "$1"
}

[[ $launcher == srun || $launcher == mpirun ]] || fail 64 "ORRERY_LAUNCHER is unknown ($launcher): give srun or mpirun"
# How a job stops in time, and goes on:
#
# Two minutes before a job's time is up, Slurm sends USR1 to its batch script (--signal=B:USR1@120), and to nobody else.
# The script sends it to the launcher, which hands it on to the ranks; they finish what they have in hand, write a
# checkpoint and exit with 85. The script then has Slurm queue the job again, and since it always gives --resume, the
# run goes on from there. 120 s have to hold a round of tiles and the checkpoint: give more where a tile takes long.
#
# * A signal gets lost where nobody listens yet, and its default is to kill. So the launcher and the ranks (rank.sh)
#   start with USR1 ignored, which lasts until they set their own handler, and the script sends it again every 5 s.
# * A trapped signal ends bash's `wait`, with 138: it waits again, for the launcher's own exit code.

run="" asking="" interrupted=""

ask_to_stop() {
  interrupted=yes
  if [[ -n $run && -z $asking ]]; then
    # A second, in which the launcher's shell comes to ignore it.
    { sleep 1; while kill -USR1 "$run" 2>/dev/null; do sleep 5; done; } &
    asking=$!
  fi
}
trap ask_to_stop USR1

load_modules
command -v "$orrery" >/dev/null || fail 64 "the program isn't there ($orrery): name it in ORRERY_PROGRAM, or mend PATH"

launch() {
  trap '' USR1
  # Neither binds ranks to cores: rank.sh does.
  if [[ $launcher == mpirun ]]; then
    exec mpirun --bind-to none bash "$ORRERY_SLURM/rank.sh" "$orrery" "$@"
  fi
  # srun takes its number of cores a task from this variable alone. A rank that dies ends all the others by PMIx, as
  # under mpirun; one that exits, with 85 too, must not.
  export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}
  exec srun --mpi=pmix --cpu-bind=none --kill-on-bad-exit=0 bash "$ORRERY_SLURM/rank.sh" "$orrery" "$@"
}

# on_ranks WORDS…: runs `orrery WORDS…` on all ranks of the job and ends the script with its exit code; where it was
# stopped, the job is queued again.
on_ranks() {
  local code job=$SLURM_JOB_ID again=${SLURM_RESTART_COUNT:-0}
  # Slurm 22.05 calls it a success when srun could not start a single rank: those on this node leave a word here.
  ORRERY_BEGAN=$(mktemp)
  export ORRERY_BEGAN
  launch "$@" &
  run=$!
  if [[ -n $interrupted ]]; then
    ask_to_stop
  fi
  # A signal between the two lines costs a second `wait`, which gives the same code.
  interrupted=yes
  while [[ -n $interrupted ]]; do
    interrupted="" code=0
    wait "$run" || code=$?
  done
  if [[ -n $asking ]]; then
    kill "$asking" 2>/dev/null || true
  fi
  if [[ $code -eq 0 && ! -s $ORRERY_BEGAN ]]; then
    code=75
    printf 'orrery: %s\n' "no rank was started ($launcher says why, above): mend that, and submit it again" >&2
  fi
  rm -f "$ORRERY_BEGAN"
  if [[ $code -ne 85 ]]; then
    exit "$code"
  fi
  # The last task of an array has the array's own number as its job's, and that would queue all of them again.
  if [[ -n ${SLURM_ARRAY_JOB_ID:-} ]]; then
    job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
  fi
  if [[ $again -ge $restarts ]]; then
    fail 85 "job $job was stopped after $again restarts (ORRERY_RESTARTS is $restarts): submit it again, it goes on"
  fi
  scontrol requeue "$job" || fail 85 "job $job was stopped, but Slurm does not queue it again: submit it, it goes on"
  echo "job $job is queued again, after $again restarts"
  exit 85
}
