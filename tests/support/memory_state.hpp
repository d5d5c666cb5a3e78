#pragma once

#include "orrery/core/state.hpp"
#include "orrery/parallel/communicator.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace orrery::test {

/// Saved numbers in memory.
class MemoryState final : public core::StateWriter, public core::StateReader {
 public:
  MemoryState() = default;
  explicit MemoryState(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  void write(std::span<const std::byte> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void read(std::span<std::byte> bytes) override {
    if (bytes.size() > bytes_.size() - taken_) throw std::out_of_range("more is read than was saved");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(taken_), bytes.size(), bytes.begin());
    taken_ += bytes.size();
  }
  std::int64_t bytes() const { return std::ssize(bytes_); }
  bool is_read() const { return taken_ == bytes_.size(); }

  /// Collective: what the next rank saved, as if this one had taken its place.
  MemoryState from_next(const parallel::Communicator& ranks) const {
    const int next = (ranks.rank() + 1) % ranks.size();
    const int before = (ranks.rank() + ranks.size() - 1) % ranks.size();
    return MemoryState(ranks.send_receive(bytes_, before, next));
  }

 private:
  std::vector<std::byte> bytes_;
  std::size_t taken_ = 0;
};

}  // namespace orrery::test
