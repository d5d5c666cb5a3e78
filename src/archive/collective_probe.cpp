#include "orrery/archive/collective_probe.hpp"

#include "hdf5_handle.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/parallel/agreement.hpp"

#include <string>
#include <unistd.h>
#include <vector>

namespace orrery::archive {
namespace {

constexpr hsize_t numbers_a_rank = 4096;

/// One rank's slab of the dataset, as memory and file spaces.
struct Spaces {
  Handle memory;
  Handle file;
};

Spaces slab_of(const parallel::Communicator& ranks, const Check& check) {
  const hsize_t whole = numbers_a_rank * static_cast<hsize_t>(ranks.size());
  const hsize_t offset = numbers_a_rank * static_cast<hsize_t>(ranks.rank());
  Spaces spaces{check.own(H5Screate_simple(1, &numbers_a_rank, nullptr)),
                check.own(H5Screate_simple(1, &whole, nullptr))};
  check(H5Sselect_hyperslab(spaces.file.get(), H5S_SELECT_SET, &offset, nullptr, &numbers_a_rank, nullptr));
  return spaces;
}

bool write_and_read(const parallel::Communicator& ranks, const std::string& path) {
  const Check check(core::ExitCode::io, "a parallel HDF5 file cannot be written", path);
  Handle lists = serial_access();  // quiets the library's own messages
  const Handle access = check.own(H5Pcreate(H5P_FILE_ACCESS));
  check(H5Pset_fapl_mpio(access.get(), ranks.handle(), MPI_INFO_NULL));
  Handle file = check.own(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()));
  const Spaces spaces = slab_of(ranks, check);
  Handle dataset = check.own(H5Dcreate2(file.get(), "probe", H5T_STD_I64LE, spaces.file.get(), H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT));
  const Handle transfer = check.own(H5Pcreate(H5P_DATASET_XFER));
  check(H5Pset_dxpl_mpio(transfer.get(), H5FD_MPIO_COLLECTIVE));
  const std::vector<std::int64_t> mine(numbers_a_rank, ranks.rank() + 1);
  check(H5Dwrite(dataset.get(), H5T_NATIVE_INT64, spaces.memory.get(), spaces.file.get(), transfer.get(),
                 mine.data()));
  H5D_mpio_actual_io_mode_t mode = H5D_MPIO_NO_COLLECTIVE;
  check(H5Pget_mpio_actual_io_mode(transfer.get(), &mode));
  std::vector<std::int64_t> back(numbers_a_rank, 0);
  check(H5Dread(dataset.get(), H5T_NATIVE_INT64, spaces.memory.get(), spaces.file.get(), transfer.get(),
                back.data()));
  if (back != mine) check.about("other numbers came back").fail();
  dataset.reset();  // a file with an open dataset stays open
  check.close_file(file);
  return mode != H5D_MPIO_NO_COLLECTIVE;
}

}  // namespace

bool probe_collective_write(const parallel::Communicator& ranks, const std::filesystem::path& folder) {
  const std::string path =
      ranks.broadcast((folder / core::concat(".orrery-doctor-", ::getpid(), ".h5")).string());
  parallel::agree(ranks, "probing the folder", [&] {
    if (ranks.is_root() && ::access(folder.c_str(), W_OK) != 0) {
      throw core::system_error("the folder cannot be written", folder.string(), "give another one");
    }
  });
  bool collective = false;
  // Every call in it is made by all ranks. One that fails, fails on all of them, or the machine is broken
  // beyond what this test can tell.
  parallel::agree(ranks, "probing parallel HDF5", [&] {
    try {
      collective = write_and_read(ranks, path);
    } catch (...) {
      ::unlink(path.c_str());
      throw;
    }
  });
  if (ranks.is_root()) ::unlink(path.c_str());
  return collective;
}

}  // namespace orrery::archive
