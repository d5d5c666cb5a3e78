#include "orrery/archive/shared_file.hpp"

#include "block_hash.hpp"
#include "hdf5_handle.hpp"
#include "hdf5_types.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/parallel/agreement.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <numeric>

namespace orrery::archive {

/// The file and its datasets, in the layout's order; an empty handle stands for one of text.
struct SharedFile::Open {
  Handle file;
  std::vector<Handle> datasets;

  /// Leaks all handles: after a failed write, closing a file hangs.
  void leak() {
    file.release();
    for (Handle& dataset : datasets) dataset.release();
  }
};

namespace {

/// Collective: runs `work`, which itself communicates, then agrees on whether it succeeded.
void agree_after(const parallel::Communicator& ranks, const char* phase, const std::function<void()>& work) {
  core::enter_phase(phase);
  std::exception_ptr failure;
  try {
    const core::WaitMark mark;
    work();
  } catch (...) {
    failure = std::current_exception();
  }
  parallel::agree(ranks, phase, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

std::string text_of(const std::vector<std::int64_t>& numbers) {
  std::string text = "(";
  for (const std::int64_t number : numbers) text += (text.size() > 1 ? ", " : "") + std::to_string(number);
  return text + ")";
}

std::int64_t entries(const Slab& slab) {
  return std::accumulate(slab.count.begin(), slab.count.end(), std::int64_t{1}, std::multiplies<>());
}

/// A dataset's space with only the slab selected, and a space of the slab's size in memory.
struct Selection {
  Selection(hid_t dataset, const Slab& slab, const Check& check)
      : file(check.own(H5Dget_space(dataset))), memory(make_space({entries(slab)})) {
    const std::vector<hsize_t> offset(slab.offset.begin(), slab.offset.end());
    const std::vector<hsize_t> count(slab.count.begin(), slab.count.end());
    check(H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, offset.data(), nullptr, count.data(), nullptr));
  }
  Handle file;
  Handle memory;
};

void check_fits(const std::string& path, const std::vector<std::int64_t>& shape, const Slab& slab) {
  bool fits = slab.offset.size() == shape.size() && slab.count.size() == shape.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i) {
    fits = slab.offset[i] >= 0 && slab.count[i] >= 0 && slab.count[i] <= shape[i] &&
           slab.offset[i] <= shape[i] - slab.count[i];
  }
  if (fits) return;
  throw core::internal_error("a slab does not fit its dataset",
                             core::concat(path, ' ', text_of(shape), ", offset ", text_of(slab.offset),
                                          ", count ", text_of(slab.count)),
                             "please report it with the command line");
}

/// Opens one dataset and checks it against the layout.
Handle open_dataset(hid_t file, const Dataset& dataset, const std::vector<std::int64_t>& shape,
                    const Check& check) {
  Handle made = check.own(H5Dopen2(file, dataset.path.c_str(), H5P_DEFAULT));
  const Handle space = check.own(H5Dget_space(made.get()));
  const Handle type = check.own(H5Dget_type(made.get()));
  std::vector<hsize_t> lengths(static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space.get()))));
  check(H5Sget_simple_extent_dims(space.get(), lengths.data(), nullptr));
  const bool same =
      std::ranges::equal(lengths, shape, [](hsize_t a, std::int64_t b) { return std::cmp_equal(a, b); });
  if (!same || element_type_of(type.get()) != dataset.type) check.about("of another shape or type").fail();
  return made;
}

/// All of them, in the layout's order.
std::vector<Handle> open_datasets(hid_t file, const Layout& layout, const Check& check) {
  std::vector<Handle> opened;
  for (const Dataset& dataset : layout.datasets) {
    opened.push_back(dataset.type == ElementType::text
                         ? Handle()
                         : open_dataset(file, dataset, shape_of(layout, dataset), check.about(dataset.path)));
  }
  return opened;
}

/// Calls `work` with pieces of the slab of at most `limit` bytes (or one entry), and where each lies in
/// `bytes`.
template <class Byte, class Work>
void in_pieces(const Slab& slab, std::span<Byte> bytes, std::int64_t limit, const Work& work) {
  if (bytes.empty()) return;
  const auto split = std::ranges::find_if(slab.count, [](std::int64_t count) { return count > 1; });
  if (std::ssize(bytes) <= limit || split == slab.count.end()) return work(slab, bytes);
  // Halves along the slowest dimension that has more than one entry are contiguous in memory.
  const auto axis = static_cast<std::size_t>(split - slab.count.begin());
  Slab first = slab;
  Slab second = slab;
  first.count[axis] = slab.count[axis] / 2;
  second.offset[axis] += first.count[axis];
  second.count[axis] -= first.count[axis];
  const std::size_t cut =
      bytes.size() / static_cast<std::size_t>(slab.count[axis]) * static_cast<std::size_t>(first.count[axis]);
  in_pieces(first, bytes.first(cut), limit, work);
  in_pieces(second, bytes.subspan(cut), limit, work);
}

}  // namespace

SharedFile::Open SharedFile::open(unsigned flags) const {
  const Check check(core::ExitCode::io, "the output file can't be opened by all ranks", path_.string());
  Open opened;
  const Handle access = serial_access();
  check(H5Pset_fapl_mpio(access.get(), ranks_.handle(), MPI_INFO_NULL));
  // One rank reads what the file says of itself, and tells the others.
  check(H5Pset_all_coll_metadata_ops(access.get(), true));
  opened.file = check.own(H5Fopen(path_.c_str(), flags, access.get()));
  try {
    opened.datasets = open_datasets(opened.file.get(), layout_, check);
  } catch (...) {
    // Closing is collective, and the other ranks may not be about to.
    opened.leak();
    throw;
  }
  return opened;
}

/// Collective: has rank 0 open everything by itself first. When all open the file together the others wait
/// for what it reads, and for ever where that fails.
void SharedFile::look() const {
  parallel::agree(ranks_, "looking at the output", [&] {
    if (!ranks_.is_root()) return;
    const Check check(core::ExitCode::io, "the output file can't be opened", path_.string());
    const Handle file =
        check.own(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, serial_access(path_, Use::read).get()));
    open_datasets(file.get(), layout_, check);
  });
}

SharedFile::SharedFile(const parallel::Communicator& ranks, const std::filesystem::path& path,
                       const Layout& layout, std::int64_t block_bytes)
    : ranks_(ranks), path_(path), layout_(layout), block_bytes_(block_bytes) {
  look();
  try {
    agree_after(ranks_, "opening the output", [&] { open_ = std::make_unique<Open>(open(H5F_ACC_RDWR)); });
  } catch (const parallel::AgreedError& error) {
    if (open_) open_->leak();
    throw error.with_open_file();
  }
}

SharedFile::~SharedFile() {
  if (open_) open_->leak();
}

std::uint64_t SharedFile::write(const std::string& path, const Slab& slab, std::span<const float> values) {
  return write_bytes(path, ElementType::float32, slab, std::as_bytes(values));
}
std::uint64_t SharedFile::write(const std::string& path, const Slab& slab, std::span<const double> values) {
  return write_bytes(path, ElementType::float64, slab, std::as_bytes(values));
}
std::uint64_t SharedFile::write(const std::string& path, const Slab& slab,
                                std::span<const std::int32_t> values) {
  return write_bytes(path, ElementType::int32, slab, std::as_bytes(values));
}
std::uint64_t SharedFile::write(const std::string& path, const Slab& slab,
                                std::span<const std::int64_t> values) {
  return write_bytes(path, ElementType::int64, slab, std::as_bytes(values));
}
std::uint64_t SharedFile::write(const std::string& path, const Slab& slab,
                                std::span<const std::uint8_t> values) {
  return write_bytes(path, ElementType::uint8, slab, std::as_bytes(values));
}
void SharedFile::read(const std::string& path, const Slab& slab, std::span<float> into) const {
  read_bytes(path, ElementType::float32, slab, std::as_writable_bytes(into));
}
void SharedFile::read(const std::string& path, const Slab& slab, std::span<double> into) const {
  read_bytes(path, ElementType::float64, slab, std::as_writable_bytes(into));
}
void SharedFile::read(const std::string& path, const Slab& slab, std::span<std::int32_t> into) const {
  read_bytes(path, ElementType::int32, slab, std::as_writable_bytes(into));
}
void SharedFile::read(const std::string& path, const Slab& slab, std::span<std::int64_t> into) const {
  read_bytes(path, ElementType::int64, slab, std::as_writable_bytes(into));
}
void SharedFile::read(const std::string& path, const Slab& slab, std::span<std::uint8_t> into) const {
  read_bytes(path, ElementType::uint8, slab, std::as_writable_bytes(into));
}

std::uint64_t SharedFile::hash_of(const std::string& path, const Slab& slab) const {
  const Dataset& dataset = dataset_named(layout_, path);
  check_fits(path, shape_of(layout_, dataset), slab);
  std::vector<std::byte> bytes(core::narrow<std::size_t>(entries(slab) * size_of(dataset.type)));
  read_bytes(path, dataset.type, slab, bytes);
  return block_hash(bytes);
}

/// The dataset's place, when `bytes` bytes of `type` fill the slab.
std::size_t SharedFile::find(const std::string& path, ElementType type, const Slab& slab,
                             std::int64_t bytes) const {
  const Dataset& dataset = dataset_named(layout_, path);
  check_fits(path, shape_of(layout_, dataset), slab);
  const std::int64_t needed = entries(slab) * size_of(type);
  if (!open_ || type == ElementType::text || dataset.type != type || bytes != needed) {
    throw core::internal_error(
        "a buffer does not fit its dataset",
        core::concat(path, open_ ? "" : ", file closed", ": ", bytes, " bytes of ", name_of(type), " for ",
                     needed, " bytes of ", name_of(dataset.type)),
        "please report it with the command line");
  }
  return static_cast<std::size_t>(&dataset - layout_.datasets.data());
}

std::uint64_t SharedFile::write_bytes(const std::string& path, ElementType type, const Slab& slab,
                                      std::span<const std::byte> bytes) {
  const std::size_t dataset = find(path, type, slab, std::ssize(bytes));
  const std::size_t before = blocks_.size();
  in_pieces(slab, bytes, block_bytes_,
            [&](const Slab& piece, std::span<const std::byte> part) { write_piece(dataset, piece, part); });
  return blocks_.size() == before + 1 ? blocks_.back().hash : block_hash(bytes);
}

void SharedFile::write_piece(std::size_t dataset, const Slab& slab, std::span<const std::byte> bytes) {
  const Dataset& described = layout_.datasets[dataset];
  const hid_t target = open_->datasets[dataset].get();
  const Check check(core::ExitCode::io, "writing the output failed",
                    core::concat(path_.string(), ", ", described.path, ", rank ", ranks_.rank()));
  try {
    const Selection selection(target, slab, check);
    const Handle type = file_type(described.type);
    // The default transfer is independent: no rank waits for another.
    check(H5Dwrite(target, type.get(), selection.memory.get(), selection.file.get(), H5P_DEFAULT,
                   bytes.data()));
  } catch (...) {
    failed_ = true;
    throw;
  }
  blocks_.push_back({dataset, slab, block_hash(bytes)});
  core::beat();
  bytes_written_ += std::ssize(bytes);
}

void SharedFile::read_bytes(const std::string& path, ElementType type, const Slab& slab,
                            std::span<std::byte> bytes) const {
  const std::size_t dataset = find(path, type, slab, std::ssize(bytes));
  in_pieces(slab, bytes, block_bytes_,
            [&](const Slab& piece, std::span<std::byte> part) { read_piece(*open_, dataset, piece, part); });
}

/// Independent, as writing is.
void SharedFile::read_piece(const Open& opened, std::size_t dataset, const Slab& slab,
                            std::span<std::byte> bytes) const {
  const Dataset& described = layout_.datasets[dataset];
  const hid_t source = opened.datasets[dataset].get();
  const Check check(core::ExitCode::io, "reading the output back failed",
                    core::concat(path_.string(), ", ", described.path, ", rank ", ranks_.rank()));
  const Selection selection(source, slab, check);
  const Handle type = file_type(described.type);
  check(H5Dread(source, type.get(), selection.memory.get(), selection.file.get(), H5P_DEFAULT, bytes.data()));
}

void SharedFile::flush() {
  const Check check(core::ExitCode::io, "flushing the output failed",
                    core::concat(path_.string(), ", rank ", ranks_.rank()));
  parallel::agree(ranks_, "flushing the output", [&] {
    if (failed_ || !open_) check.about(failed_ ? "a write had failed" : "it is closed already").fail();
  });
  failed_ = true;  // unless all goes well
  // It ends in MPI_File_sync, in which each rank calls fsync for what it wrote.
  agree_after(ranks_, "flushing the output", [&] { check(H5Fflush(open_->file.get(), H5F_SCOPE_GLOBAL)); });
  failed_ = false;
}

void SharedFile::close() {
  // Where that fails on any rank the handles stay open: `open_` is kept, and the destructor gives them up.
  flush();
  const Check check(core::ExitCode::io, "closing the output failed",
                    core::concat(path_.string(), ", rank ", ranks_.rank()));
  // It can't be tried twice.
  const std::unique_ptr<Open> last = std::move(open_);
  agree_after(ranks_, "closing the output", [&] {
    last->datasets.clear();
    check.close_file(last->file);
  });
}

parallel::AgreedError SharedFile::give_up(const parallel::AgreedError& reason) {
  if (!is_open() || reason.ending() == parallel::Ending::at_once) return reason;
  try {
    close();
  } catch (const parallel::AgreedError& error) {
    return error.code() == core::ExitCode::io ? error : reason.with_open_file();
  }
  return reason;
}

void SharedFile::read_back() const {
  look();
  std::unique_ptr<Open> opened;
  try {
    agree_after(ranks_, "opening the output again",
                [&] { opened = std::make_unique<Open>(open(H5F_ACC_RDONLY)); });
  } catch (const parallel::AgreedError& error) {
    if (opened) opened->leak();
    throw error.with_open_file();
  }
  std::exception_ptr damage;
  try {
    parallel::agree(ranks_, "reading the output back", [&] {
      std::vector<std::byte> buffer;
      for (const Block& block : blocks_) {
        const Dataset& dataset = layout_.datasets[block.dataset];
        buffer.resize(static_cast<std::size_t>(entries(block.slab) * size_of(dataset.type)));
        read_piece(*opened, block.dataset, block.slab, buffer);
        core::beat();
        if (block_hash(buffer) == block.hash) continue;
        throw core::io_error(
            "the output read back differs from what was written",
            core::concat(path_.string(), ", ", dataset.path, " at ", text_of(block.slab.offset), ", rank ",
                         ranks_.rank()),
            "the file system or MPI-IO loses data: write to another one, run again with --overwrite");
      }
    });
  } catch (...) {
    damage = std::current_exception();
  }
  // Reading is over on all ranks, whatever it found, and nothing was written: all may close.
  opened->datasets.clear();
  agree_after(ranks_, "closing the output again", [&] {
    Check(core::ExitCode::io, "closing the output failed", path_.string()).close_file(opened->file);
  });
  if (damage) std::rethrow_exception(damage);
}

}  // namespace orrery::archive
