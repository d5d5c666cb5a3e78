#!/usr/bin/env bash
# Packs what a machine with a GPU, Python and torch, but without MPI and HDF5 needs to build orrery and try it there:
#
#   bash tests/gpu/pack.sh [FOLDER]      here, where orrery builds (Debian 12); FOLDER is .gpu in the repository
#   bash .gpu/day.sh build|small|big     there, in the repository's root
#   python3 .gpu/probe.py                there: what needs no orrery
#
# FOLDER gets 30 MB: headers and shared libraries, tiny models, a corpus, and the scripts beside this one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
gpu=$(realpath -m "${1:-$root/.gpu}")
data=${ORRERY_SHARED_DATA:-$root/../shared/data}
[[ -d $data/models ]] || {
  echo "pack.sh: the shared test data is missing ($data): set ORRERY_SHARED_DATA to its folder" >&2
  exit 66
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sysroot=$work/sysroot
libraries=/usr/lib/x86_64-linux-gnu
mkdir -p "$sysroot"/{lib,bin,include} "$gpu/models"

# The libraries that orrery is linked with, and all that those and MPI's modules need, but the C library's own.
linked=(libmpi.so.40 libhdf5_openmpi.so.103 libhdf5_openmpi_hl.so.100 libsentencepiece.so.0 libspdlog.so.1.10 libfmt.so.9
  libpcre2-8.so.0 libcrypto.so.3 libxxhash.so.0 libboost_program_options.so.1.74.0)
linked=("${linked[@]/#/$libraries/}")
programs=("$(command -v orterun)" "$(command -v orted)")
{
  printf '%s\n' "${linked[@]}"
  ldd "${linked[@]}" "${programs[@]}" "$libraries"/openmpi/lib/openmpi3/*.so | awk '$3 ~ /^\// { print $3 }'
} | sort -u | grep -vE '/(libc|libm|libdl|librt|libpthread|libutil|libresolv|libstdc\+\+|libgcc_s)\.so' |
  xargs cp -L -t "$sysroot/lib"
cp -L "${programs[0]}" "$sysroot/bin/mpirun"
cp -L "${programs[1]}" "$sysroot/bin/orted"
cp -r "$libraries/openmpi/lib/openmpi3" "$sysroot/openmpi3"
cp -r /usr/share/openmpi "$sysroot/share-openmpi"

# The headers; of Boost, those that are used.
for folder in spdlog fmt nlohmann openssl Random123; do cp -r "/usr/include/$folder" "$sysroot/include/"; done
cp -r /usr/include/x86_64-linux-gnu/openssl/* "$sysroot/include/openssl/"
cp /usr/include/{pcre2,sentencepiece_processor,xxhash}.h "$sysroot/include/"
cp -r "$libraries/openmpi/include" "$sysroot/include/openmpi"
cp -r /usr/include/hdf5/openmpi "$sysroot/include/hdf5"
printf '#include <boost/%s.hpp>\n' program_options multiprecision/cpp_int | g++ -std=c++20 -M -x c++ - | tr ' \\' '\n\n' |
  grep '^/usr/include/boost/' | sort -u | while read -r header; do
  mkdir -p "$sysroot/include/$(dirname "${header#/usr/include/}")"
  cp "$header" "$sysroot/include/${header#/usr/include/}"
done
tar cJf "$gpu/sysroot.tar.xz" -C "$work" sysroot

cp "$here"/{build.py,day.sh,random_8b.py,probe.py} "$gpu/"
cp "$data/llama3/tokenizer.model" "$data/wikitext-2/wiki.test.raw" "$gpu/"
for model in "$data"/models/llama*; do
  cp -r "$model" "$gpu/models/"
  own=$gpu/models/$(basename "$model")/corpus.txt
  [[ -f $own ]] || head -40 "$gpu/wiki.test.raw" >"$own"
done
du -sh "$gpu"
