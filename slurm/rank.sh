#!/bin/bash
# Starts one rank, on the cores beside its GPU: `bash rank.sh orrery trace …`, by srun or mpirun (common.sh).
#
# orrery takes GPU r mod G of the G that it sees, r being its rank on this node. Ranks whose GPUs have the same cores
# beside them share these; orrery counts that when it chooses its threads.

# An ignored signal stays ignored in the program, until it sets its handler: one that comes earlier kills nobody.
trap '' USR1

bind_to_gpu() {
  local -a gpus
  local rank=${OMPI_COMM_WORLD_LOCAL_RANK:-${SLURM_LOCALID:-0}} gpu place cores
  IFS=, read -ra gpus <<<"${CUDA_VISIBLE_DEVICES:-}"
  if [[ ${#gpus[@]} -eq 0 ]]; then
    return 0
  fi
  gpu=${gpus[rank % ${#gpus[@]}]}
  export CUDA_DEVICE_ORDER=PCI_BUS_ID  # as Slurm and nvidia-smi number them
  # "00000000:C1:00.0", which the kernel calls 0000:c1:00.0.
  place=$(nvidia-smi -i "$gpu" --query-gpu=pci.bus_id --format=csv,noheader 2>/dev/null) &&
    place=${place,,} &&
    cores=$(cat "/sys/bus/pci/devices/${place:4}/local_cpulist" 2>/dev/null) &&
    taskset --cpu-list --pid "$cores" $$ >/dev/null 2>&1 ||
    echo "warning: rank $rank of $(hostname) is not bound to the cores of GPU $gpu" >&2
}

if [[ -f ${ORRERY_BEGAN:-} ]]; then
  echo "a rank was here" >"$ORRERY_BEGAN"
fi
bind_to_gpu
exec "$@"
