#!/usr/bin/env bash
# What the scripts in jobs/ and tests/run.sh share: install what is missing, build, and run on ranks. They source this
# file and call orrery_bootstrap, orrery_build and orrery_mpirun; run by itself, it only installs. The tests' Slurm is
# unpacked by orrery_unpack_slurm, or by hand: `bash cmake/bootstrap.sh slurm`; the libraries that they compare with are
# installed by orrery_reference (`bash cmake/bootstrap.sh reference`).
#
# Debian's packages apart, everything stays under build/: the virtual environment build/venv (with LibTorch, unless an
# entry of CMAKE_PREFIX_PATH has one) and a log of each step, build/*.log. A second run finds all in place and is quick.

set -euo pipefail

orrery_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
orrery_venv=$orrery_root/build/venv

debian_packages=(
  g++ cmake ninja-build pkg-config git
  openmpi-bin libopenmpi-dev libhdf5-openmpi-dev
  libboost-program-options-dev libeigen3-dev nlohmann-json3-dev libpcre2-dev librandom123-dev
  libsentencepiece-dev libspdlog-dev libssl-dev libxxhash-dev
  python3 python3-venv
  libgtest-dev clang-format
  gnuplot-nox fonts-liberation
)
# What tests alone need: tests/run.sh adds it. Chromium opens the page of `orrery figures`.
test_packages=(chromium groff-base)
# Unpacked under build/slurm for a test, not installed: it starts a Slurm of its own.
slurm_packages=(slurmctld slurmd slurm-client slurm-wlm-basic-plugins)
# What only the stages of tests/run.sh --long need: fuzzers and valgrind.
long_packages=(clang-14 libclang-rt-14-dev valgrind)

# Elsewhere, and on a Debian where we are not root: the programs without which CMake can't even look for the libraries.
needed_programs=(c++ cmake ninja pkg-config python3)

go_on="install it, or load it (module load …) and name its prefix in CMAKE_PREFIX_PATH"

say() { printf 'orrery: %s\n' "$*" >&2; }
fail() { say "${*:2}"; exit "$1"; }

# logged NAME COMMAND…: runs it with its output in build/NAME.log; where it fails, shows the last lines and returns 1.
logged() {
  local log=$orrery_root/build/$1.log
  mkdir -p "$orrery_root/build"
  if ! "${@:2}" >"$log" 2>&1; then
    printf -- '--- the end of %s\n' "$log" >&2
    tail -n 40 "$log" >&2
    return 1
  fi
}

missing_debian_packages() {
  local installed package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${debian_packages[@]}" 2>/dev/null || true)
  for package in "${debian_packages[@]}"; do
    grep -qxF "installed $package" <<<"$installed" || echo "$package"
  done
}

missing_programs() {
  local program
  for program in "${needed_programs[@]}"; do
    command -v "$program" >/dev/null || echo "$program"
  done
}

# Prints the command that makes us root, or nothing when we are; fails where we can't become it.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    return 0
  fi
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; } || return 1  # on a terminal sudo can ask for the password
  echo sudo
}

apt() {
  local root
  root=$(as_root)
  ${root:+"$root"} env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
}

apt_install() {
  apt update || true  # a mirror may be away while the lists at hand still serve
  apt install -y --no-install-recommends "$@"
}

# Sets system_lacks to what couldn't be installed but may not be needed (modules): a failing configuration names it.
system_lacks=""
install_system_packages() {
  local -a packages=() programs=()
  if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    mapfile -t packages < <(missing_debian_packages)
    if [[ ${#packages[@]} -eq 0 ]]; then
      return 0
    fi
    if as_root >/dev/null; then
      say "installing from Debian: ${packages[*]}"
      logged apt apt_install "${packages[@]}" ||
        fail 69 "apt-get failed (log above): mend that, and run this again"
      return 0
    fi
    system_lacks="Debian packages not installed, and no right to install them: ${packages[*]}"
  fi
  mapfile -t programs < <(missing_programs)
  if [[ ${#programs[@]} -gt 0 ]]; then
    fail 69 "programs are missing (${programs[*]}${system_lacks:+; $system_lacks}): for each, $go_on"
  fi
}

# Prints the folder of a LibTorch's CMake files that CMAKE_PREFIX_PATH holds; nothing when it holds none.
libtorch_of_user() {
  local entry
  local -a entries=()
  IFS=: read -ra entries <<<"${CMAKE_PREFIX_PATH:-}"
  for entry in "${entries[@]}"; do
    if [[ -f $entry/share/cmake/Torch/TorchConfig.cmake ]]; then
      echo "$entry/share/cmake/Torch"
      return 0
    fi
  done
}

libtorch_of_venv() {
  local config
  for config in "$orrery_venv"/lib/python3.*/site-packages/torch/share/cmake/Torch/TorchConfig.cmake; do
    if [[ -f $config ]]; then
      dirname "$config"
    fi
  done
}

# pip_install FOLDER ARGUMENT…: into the virtual environment FOLDER. -I: a PYTHONPATH that a module set must not make a
# package look installed. --no-cache-dir: a home folder may have a quota, and nothing is to be left outside the checkout.
pip_install() {
  "$1/bin/python" -I -m pip install --no-cache-dir --disable-pip-version-check "${@:2}"
}

python_version() {
  python3 -c 'import sys; print(*sys.version_info[:3], sep="."); sys.exit(sys.version_info < (3, 11))' ||
    fail 69 "python3 is too old (3.11 or later is needed): put a newer one first in PATH (module load python)"
}

# make_environment FOLDER MADE_FROM STEP…: a virtual environment of python3, whose steps install what is in it. Its
# stamp holds what it was made from: when that is unchanged there is nothing to do.
make_environment() {
  local folder=$1 made_from=$2 stamp=$1/orrery.stamp python seen step
  if [[ -x $folder/bin/python && -f $stamp && $(<"$stamp") == "$made_from" ]]; then
    return 0
  fi
  say "preparing the virtual environment ${folder#"$orrery_root"/}"
  rm -f "$stamp"
  # Without pip it is what a python3 that lacks venv's other half leaves behind.
  python=$(python_version)
  seen=$("$folder/bin/python" -I -c 'import pip, platform; print(platform.python_version())' 2>/dev/null || true)
  if [[ $seen != "$python" ]]; then
    logged venv python3 -m venv --clear "$folder" ||
      fail 69 "python3 could not make a virtual environment (log above): install python3-venv, or put a whole Python first in PATH"
  fi
  for step in "${@:3}"; do
    "$step" "$folder"
  done
  printf '%s\n' "$made_from" >"$stamp.part"
  mv "$stamp.part" "$stamp"
}

# install_libtorch FOLDER: an index that is unreachable must cost seconds: no retries, and --no-deps asks it for this
# one package alone.
install_libtorch() {
  say "getting LibTorch (about 200 MB)"
  logged libtorch pip_install "$1" --no-deps --retries 0 --timeout 15 -r "$orrery_root/cmake/requirements-libtorch.txt" ||
    fail 69 "pip found no CPU build of PyTorch (torch==…+cpu; log above): make download.pytorch.org reachable," \
      "or put the wheel into a folder that PIP_FIND_LINKS names, or a LibTorch's folder into CMAKE_PREFIX_PATH"
}

install_requirements() {
  logged pip pip_install "$1" -r "$orrery_root/cmake/requirements.txt" ||
    fail 69 "pip could not install cmake/requirements.txt (log above): mend that, and run this again"
}

# reference_libtorch FOLDER: build/venv's torch has its Python side, too, and needs not be there twice.
reference_libtorch() {
  local config site
  config=$(libtorch_of_venv)
  if [[ -z $config ]]; then
    install_libtorch "$1"
    return
  fi
  site=$("$1/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "${config%/torch/share/cmake/Torch}" >"$site/orrery.pth"
}

install_reference_requirements() {
  # Without their dependencies: the file has them all, and none may bring another build of torch.
  logged reference pip_install "$1" --no-deps -r "$orrery_root/tests/requirements-reference.txt" ||
    fail 69 "pip could not install tests/requirements-reference.txt (log above): mend that, and run this again"
}

pins_of() { (cd "$orrery_root" && cat "$@") | sha256sum; }

make_virtual_environment() {
  local python
  local -a steps=(install_libtorch)
  python=$(python_version)
  if [[ -n $(libtorch_of_user) ]]; then steps=(); fi
  make_environment "$orrery_venv" \
    "python $python, LibTorch $(libtorch_of_user), $(pins_of cmake/requirements.txt cmake/requirements-libtorch.txt)" \
    "${steps[@]}" install_requirements
}

# The reference libraries that tests compare with, torch's Python side among them: build/reference, which the program
# and its users never need.
orrery_reference() {
  local python
  python=$(python_version)
  make_environment "$orrery_root/build/reference" \
    "python $python, $(libtorch_of_venv), $(pins_of tests/requirements-reference.txt cmake/requirements-libtorch.txt)" \
    reference_libtorch install_reference_requirements
}

orrery_bootstrap() {
  install_system_packages
  make_virtual_environment
}

unpack_slurm() (
  cd "$1" || return 1
  # Lists of packages that are out of date name files that are gone.
  apt-get download "${slurm_packages[@]}" || { apt update && apt-get download "${slurm_packages[@]}"; } || return 1
  for package in ./*.deb; do
    dpkg -x "$package" root || return 1
  done
  # As Debian links them when it installs: a daemon knows by its name that it is one.
  for daemon in slurmctld slurmd slurmstepd; do
    ln -s "$daemon-wlm" "root/usr/sbin/$daemon" || return 1
  done
)

# Downloads and unpacks Slurm into build/slurm, which takes no rights; where it is there, nothing is done.
orrery_unpack_slurm() {
  local folder=$orrery_root/build/slurm
  if [[ -d $folder ]]; then
    return 0
  fi
  say "getting Slurm for the tests (3 MB, unpacked into build/slurm)"
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  if ! command -v apt-get >/dev/null; then
    say "there is no apt-get, which brings it"
    return 1
  fi
  logged slurm unpack_slurm "$folder.part" && mv "$folder.part" "$folder"
}

# How many processors there are for us. nproc would obey OMP_NUM_THREADS, which is about the threads of one program, and
# which many clusters set to 1.
processors() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# orrery_build PRESET [ARGUMENT…]: configures with a preset, and builds in build/PRESET (`ci` in build/release);
# arguments go to the build.
orrery_build() {
  local preset=$1 folder=${1/#ci/release} torch
  torch=$(libtorch_of_user)
  : "${torch:=$(libtorch_of_venv)}"
  say "configuring"
  # These are named each time, or CMake would keep what it saw first.
  logged configure cmake -S "$orrery_root" --preset "$preset" -DTorch_DIR="$torch" \
    -DORRERY_LONG_TESTS="${ORRERY_LONG_TESTS:-OFF}" -DORRERY_TEST_RANKS="${ORRERY_TEST_RANKS:-}" \
    ${ORRERY_SHARED_DATA:+-DORRERY_SHARED_DATA="$(realpath -m "$ORRERY_SHARED_DATA")"} ||
    fail 69 "CMake could not configure (log above${system_lacks:+; $system_lacks}): mend that; for a library, $go_on"
  say "building; the first time this takes minutes (build/build.log)"
  logged build cmake --build "$orrery_root/build/$folder" --parallel "$(processors)" "${@:2}" ||
    fail 70 "the build failed (log above${system_lacks:+; $system_lacks}): mend that, and run this again"
}

# orrery_mpirun ARGUMENT…: mpirun as a machine of any size lets us.
#
# As variables and not as options, since only Open MPI knows them: leave to run as root (in a container), two ranks on
# one core where there is no second, and no binding of ranks to cores, so that they share all that there are.
orrery_mpirun() {
  if [[ $EUID -eq 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  # The same for Open MPI 5.
  export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none
  mpirun "$@"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  case ${1:-} in
    reference) orrery_reference ;;
    slurm) orrery_unpack_slurm || fail 69 "Slurm could not be unpacked (log above): mend that, and run this again" ;;
    *) orrery_bootstrap ;;
  esac
fi
