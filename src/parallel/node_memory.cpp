#include "orrery/parallel/node_memory.hpp"

#include "orrery/core/error.hpp"
#include "orrery/core/narrow.hpp"

#include <cstdlib>
#include <sys/statvfs.h>

namespace orrery::parallel {
namespace {

// A cache line and the widest vector register: the bits of a product may depend on the alignment of its
// operands.
constexpr std::int64_t alignment = 64;

std::int64_t round_up(std::int64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// Bytes free in /dev/shm, where MPI puts shared windows: one that doesn't fit fails on one rank and hangs
/// the others.
std::int64_t shared_memory_left() {
  struct statvfs state {};
  if (::statvfs("/dev/shm", &state) != 0) return 0;
  return core::narrow<std::int64_t>(state.f_bavail) * core::narrow<std::int64_t>(state.f_frsize);
}

}  // namespace

struct NodeMemory::Window {
  const Communicator* node = nullptr;
  MPI_Win handle = MPI_WIN_NULL;
  std::byte* own = nullptr;
};

NodeMemory::NodeMemory(const Communicator& node, std::int64_t bytes) : window_(std::make_unique<Window>()) {
  window_->node = &node;
  const std::int64_t size = round_up(bytes);
  const bool fits = shared_memory_left() > size + size / 16;
  if (node.size() > 1 && node.min(std::int64_t{fits}) != 0) {
    void* start = nullptr;
    const MPI_Aint here = node.is_root() ? size + alignment : 0;
    check_mpi(MPI_Win_allocate_shared(here, 1, MPI_INFO_NULL, node.handle(), &start, &window_->handle),
              "MPI_Win_allocate_shared");
    MPI_Aint whole = 0;
    int unit = 1;
    check_mpi(MPI_Win_shared_query(window_->handle, 0, &whole, &unit, &start), "MPI_Win_shared_query");
    // Open MPI's window starts a few bytes into a page; every rank computes the same aligned offset.
    auto room = core::narrow<std::size_t>(size + alignment);
    start = std::align(alignment, core::narrow<std::size_t>(size), start, room);
    bytes_ = {static_cast<std::byte*>(start), core::narrow<std::size_t>(bytes)};
    return;
  }
  window_->own = static_cast<std::byte*>(std::aligned_alloc(alignment, core::narrow<std::size_t>(size)));
  if (node.min(std::int64_t{window_->own != nullptr || size == 0}) == 0) {
    throw core::resource_error("out of memory for the weights", std::to_string(size) + " bytes a rank",
                               "use a larger /dev/shm, more nodes, --dtype bfloat16 or --order layers");
  }
  bytes_ = {window_->own, core::narrow<std::size_t>(bytes)};
}

NodeMemory::~NodeMemory() {
  std::free(window_->own);
}

bool NodeMemory::shared() const {
  return window_->handle != MPI_WIN_NULL;
}

bool NodeMemory::writes(std::int64_t index) const {
  return shared() ? index % window_->node->size() == window_->node->rank() : window_->node->is_root();
}

void NodeMemory::publish() {
  if (shared()) {
    check_mpi(MPI_Win_fence(0, window_->handle), "MPI_Win_fence");
  } else {
    window_->node->broadcast(bytes_);
  }
}

void NodeMemory::free() {
  if (shared()) check_mpi(MPI_Win_free(&window_->handle), "MPI_Win_free");
  std::free(window_->own);
  window_->own = nullptr;
  bytes_ = {};
}

}  // namespace orrery::parallel
