# Every library that orrery stands on. One place, so that a cluster's administrator can read what is needed.
# An installed orrery includes this file too: the targets below are imported, so that they need no export.
# LibTorch comes from CMAKE_PREFIX_PATH, or from the virtual environment that cmake/bootstrap.sh makes.
file(GLOB orrery_venv_torch ${PROJECT_SOURCE_DIR}/build/venv/lib/python3.*/site-packages/torch)
if(orrery_venv_torch)
  list(APPEND CMAKE_PREFIX_PATH ${orrery_venv_torch})
endif()

find_package(MPI REQUIRED COMPONENTS C)
set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 REQUIRED COMPONENTS C HL)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR
    "HDF5 is not parallel (${HDF5_INCLUDE_DIRS}): install libhdf5-openmpi-dev, or load a parallel HDF5 module")
endif()
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_package(Torch 2.13 REQUIRED)

# The MPI C++ bindings are long dead; without this their header still drags them in.
add_library(orrery_mpi INTERFACE IMPORTED GLOBAL)
target_link_libraries(orrery_mpi INTERFACE MPI::MPI_C)
target_compile_definitions(orrery_mpi INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)

# The wheel's headers raise warnings of their own: they count as system headers here.
add_library(orrery_torch INTERFACE IMPORTED GLOBAL)
target_include_directories(orrery_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(orrery_torch INTERFACE ${TORCH_LIBRARIES})
