#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace orrery::parallel {

/// A group of ranks. Owns its MPI handle; errors of MPI become internal_error. Only the main thread calls it.
/// Every member function but `rank`, `size`, `is_root`, `handle`, `send` and `receive` is collective.
class Communicator {
 public:
  /// Collective: all ranks, in a communicator of orrery's own.
  static Communicator world();
  /// This rank alone.
  static Communicator self();

  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&& other) noexcept;
  ~Communicator();

  /// Collective: the same ranks, with messages of its own.
  Communicator duplicate() const;
  /// Collective: the ranks that pass the same `color`, in order of rank.
  Communicator split(int color) const;
  /// Collective: the ranks that share this rank's memory.
  Communicator split_by_node() const;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }
  MPI_Comm handle() const { return handle_; }

  /// Collective: a barrier.
  void barrier() const;
  /// Collective: `bytes` of `root`, on all; chunked past 2³¹.
  void broadcast(std::span<std::byte> bytes, int root = 0) const;
  /// Collective: the text of `root`, on all.
  std::string broadcast(const std::string& text, int root = 0) const;
  // Collective: the sum, the least, the greatest over ranks, on all.
  std::int64_t sum(std::int64_t value) const;
  std::int64_t min(std::int64_t value) const;
  std::int64_t max(std::int64_t value) const;
  double max(double value) const;  ///< throws internal_error on a NaN, which MPI_MAX may lose
  // Collective: the same number by number, in place; `values` is as long on every rank.
  void sum(std::span<std::int64_t> values) const;
  void min(std::span<double> values) const;  ///< throws internal_error on a NaN
  void max(std::span<double> values) const;  ///< throws internal_error on a NaN
  /// Collective: the sums over ranks number by number, modulo 2⁶⁴, at `root`, in place. What it holds
  /// elsewhere afterwards is unspecified. Chunked past 2³¹ bytes.
  void reduce(std::span<std::int64_t> values, int root) const;

  /// Collective: the bytes that each rank gives, by rank; on rank 0, empty elsewhere.
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> bytes) const;
  /// Collective: the same for text, and on all ranks.
  std::vector<std::string> all_gather(const std::string& text) const;
  /// Collective: the same for numbers: [rank][i], on rank 0, empty elsewhere.
  template <class T>
  std::vector<std::vector<T>> gather_values(std::span<const T> values) const;

  /// Collective: sends `send` to `to` while receiving from `from`; returns what came. Chunked past 2³¹.
  std::vector<std::byte> send_receive(std::span<const std::byte> send, int to, int from) const;

  /// Sends `bytes` to `to`, which must `receive` as many from this rank; may wait until it does. Chunked past
  /// 2³¹.
  void send(std::span<const std::byte> bytes, int to) const;
  /// Fills `bytes` with what `from` sends.
  void receive(std::span<std::byte> bytes, int from) const;

 private:
  explicit Communicator(MPI_Comm handle);
  MPI_Comm handle_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

/// Throws internal_error with MPI's own message unless `result` is MPI_SUCCESS. `call` names the function.
void check_mpi(int result, const char* call);

template <class T>
std::vector<std::vector<T>> Communicator::gather_values(std::span<const T> values) const {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<std::vector<T>> all;
  for (const std::vector<std::byte>& bytes : gather(std::as_bytes(values))) {
    const T* first = reinterpret_cast<const T*>(bytes.data());
    all.emplace_back(first, first + bytes.size() / sizeof(T));
  }
  return all;
}

}  // namespace orrery::parallel
