"""build.py SYSROOT OUT [OBJECT…]: OUT/build.ninja, which builds orrery without CMake against the torch of this Python. In
the repository's root."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

#: Torch's wheel brings an fmt of its own, which is not that of spdlog: rooms without Torch don't see it.
WITHOUT_TORCH = ("core", "parallel", "text")
VERSION = """#include "orrery/core/version.hpp"
namespace orrery::core {
const char* program_version() { return "%s"; }
const char* git_commit() { return "tests/gpu"; }
}  // namespace orrery::core
"""
RULES = """builddir = {out}
rule cc
 command = c++ $flags -c $in -o $out
rule ld
 command = c++ -rdynamic $in -o $out {libraries}
"""


def main() -> None:
    sysroot, out = (Path(word).resolve() for word in sys.argv[1:3])
    root = Path.cwd()
    torch_folder = Path(torch.__file__).parent
    out.mkdir(parents=True, exist_ok=True)
    (out / "version.cpp").write_text(VERSION % (root / "VERSION").read_text().strip())

    flags = (
        "-O2 -DNDEBUG -std=c++20 -fPIC -w -DH5_USE_110_API -DOMPI_SKIP_MPICXX -DBOOST_PROGRAM_OPTIONS_DYN_LINK"
        " -DSPDLOG_COMPILED_LIB -DSPDLOG_SHARED_LIB -DSPDLOG_FMT_EXTERNAL"
        f" -I{root}/include -isystem {sysroot}/include -isystem {sysroot}/include/openmpi -isystem {sysroot}/include/hdf5"
    )
    torch_flags = f" -isystem {torch_folder}/include -isystem {torch_folder}/include/torch/csrc/api/include"
    of_torch = [torch_folder / "lib" / f"lib{name}.so" for name in ("torch", "torch_cpu", "torch_cuda", "c10_cuda", "c10")]
    own = ("hdf5_openmpi.so.103", "hdf5_openmpi_hl.so.100", "mpi.so.40", "spdlog.so.1.10", "fmt.so.9", "crypto.so.3",
           "pcre2-8.so.0", "sentencepiece.so.0", "xxhash.so.0", "boost_program_options.so.1.74.0")  # fmt: skip
    libraries = " ".join(
        # Nothing names a symbol of torch_cuda, which must be loaded all the same.
        ["-Wl,--no-as-needed", *(str(library) for library in of_torch if library.exists()), "-Wl,--as-needed"]
        + [f"{sysroot}/lib/lib{name}" for name in own]
        + ["-lpthread -ldl -Wl,--allow-shlib-undefined -Wl,--disable-new-dtags"]
        + [f"-Wl,-rpath,{torch_folder}/lib:{sysroot}/lib"]
    )

    lines = [RULES.format(out=out, libraries=libraries)]
    objects = []
    for source in [*sorted(root.glob("src/*/*.cpp")), out / "version.cpp"]:
        objects.append(f"{out}/obj/{source.parent.name}_{source.stem}.o")
        of_source = flags + ("" if source.parent.name in (*WITHOUT_TORCH, out.name) else torch_flags)
        lines.append(f"build {objects[-1]}: cc {source}\n flags = {of_source}\n")
    lines.append(f"build {out}/orrery: ld {' '.join(objects + sys.argv[3:])}\n")
    (out / "build.ninja").write_text("".join(lines))


main()
