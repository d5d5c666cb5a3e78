#pragma once

#include "orrery/parallel/communicator.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace orrery::parallel {

/// A block of memory that the ranks of one node fill once and all read: a shared window where the node's
/// shared memory has room, else a copy a rank, filled by the first and broadcast.
class NodeMemory {
 public:
  /// Collective over `node`: `bytes` of memory, aligned to 64 bytes, not initialised. Throws resource_error
  /// on all.
  NodeMemory(const Communicator& node, std::int64_t bytes);
  /// Not collective, so it can't free a window: call `free` on all ranks first.
  ~NodeMemory();
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  /// Whether the ranks see the same memory.
  bool shared() const;
  /// Whether this rank should write piece `index`: each piece has one writer on a node.
  bool writes(std::int64_t index) const;
  /// Collective over the node: makes what the writers wrote visible to all.
  void publish();
  /// Collective over the node: frees the memory; nothing may point into it any more.
  void free();

 private:
  struct Window;
  std::unique_ptr<Window> window_;
  std::span<std::byte> bytes_;
};

}  // namespace orrery::parallel
