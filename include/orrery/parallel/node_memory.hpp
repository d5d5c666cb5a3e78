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
  /// Not collective: an open window would need a collective to go. Call `free` on all ranks first.
  ~NodeMemory();
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  /// Whether the ranks see the same memory.
  bool shared() const;
  /// Whether this rank should write part `index`: each part one writer a node.
  bool writes(std::int64_t index) const;
  /// Collective over the node: what the writers wrote is seen by all.
  void publish();
  /// Collective over the node: gives the memory back; nothing may point into it any more.
  void free();

 private:
  struct Window;
  std::unique_ptr<Window> window_;
  std::span<std::byte> bytes_;
};

}  // namespace orrery::parallel
