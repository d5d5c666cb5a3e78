#include "orrery/parallel/communicator.hpp"

#include "orrery/core/error.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/narrow.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <utility>

namespace orrery::parallel {
namespace {

constexpr std::size_t largest_message = std::size_t{1} << 30;

std::span<const std::byte> chunk(std::span<const std::byte> bytes, std::size_t offset) {
  return offset >= bytes.size() ? std::span<const std::byte>{}
                                : bytes.subspan(offset, std::min(largest_message, bytes.size() - offset));
}

std::int64_t reduced(std::int64_t value, MPI_Op operation, MPI_Comm handle) {
  const core::WaitMark mark;
  std::int64_t result = 0;
  check_mpi(MPI_Allreduce(&value, &result, 1, MPI_INT64_T, operation, handle), "MPI_Allreduce");
  return result;
}

/// Calls `work` on successive pieces of `values` that each fit in one message.
template <class T, class Work>
void in_pieces(std::span<T> values, const Work& work) {
  constexpr std::size_t longest = largest_message / sizeof(T);
  for (std::size_t at = 0; at < values.size(); at += longest) {
    work(values.subspan(at, std::min(longest, values.size() - at)));
  }
}

template <class T>
void reduce_in_place(std::span<T> values, MPI_Datatype type, MPI_Op operation, MPI_Comm handle) {
  const core::WaitMark mark;
  in_pieces(values, [&](std::span<T> piece) {
    check_mpi(
        MPI_Allreduce(MPI_IN_PLACE, piece.data(), core::narrow<int>(piece.size()), type, operation, handle),
        "MPI_Allreduce");
  });
}

core::Error not_comparable() {
  return core::internal_error("the greatest or the least of several numbers was asked for",
                              "one of them is not a number", "please report it with the command line");
}

/// Collective: throws on every rank where any has a NaN, which MPI_MAX and MPI_MIN may lose.
void refuse_nan(const Communicator& ranks, std::span<const double> values) {
  const bool found =
      std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  if (ranks.max(std::int64_t{found}) != 0) throw not_comparable();
}

}  // namespace

void check_mpi(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> words{};
  int length = 0;
  MPI_Error_string(result, words.data(), &length);
  throw core::internal_error(std::string(call) + " failed", words.data(),
                             "check the MPI installation and the network");
}

Communicator::Communicator(MPI_Comm handle) : handle_(handle) {
  check_mpi(MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(handle_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(handle_, &size_), "MPI_Comm_size");
}

Communicator Communicator::world() {
  MPI_Comm handle = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &handle), "MPI_Comm_dup");
  return Communicator(handle);
}

Communicator Communicator::self() {
  MPI_Comm handle = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_SELF, &handle), "MPI_Comm_dup");
  return Communicator(handle);
}

Communicator::Communicator(Communicator&& other) noexcept
    : handle_(std::exchange(other.handle_, MPI_COMM_NULL)), rank_(other.rank_), size_(other.size_) {}

Communicator& Communicator::operator=(Communicator&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(rank_, other.rank_);
  std::swap(size_, other.size_);
  return *this;
}

// MPI_Comm_free is collective by the standard, but local in Open MPI and MPICH where nothing is pending.
// After an error that other ranks may not know of, the handle is left until the process ends.
Communicator::~Communicator() {
  int ended = 0;
  MPI_Finalized(&ended);
  if (handle_ != MPI_COMM_NULL && ended == 0 && std::uncaught_exceptions() == 0) MPI_Comm_free(&handle_);
}

Communicator Communicator::duplicate() const {
  MPI_Comm handle = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(handle_, &handle), "MPI_Comm_dup");
  return Communicator(handle);
}

Communicator Communicator::split(int color) const {
  MPI_Comm handle = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(handle_, color, rank_, &handle), "MPI_Comm_split");
  return Communicator(handle);
}

Communicator Communicator::split_by_node() const {
  MPI_Comm handle = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &handle),
            "MPI_Comm_split_type");
  return Communicator(handle);
}

void Communicator::barrier() const {
  const core::WaitMark mark;
  check_mpi(MPI_Barrier(handle_), "MPI_Barrier");
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) const {
  const core::WaitMark mark;
  for (std::size_t offset = 0; offset < bytes.size(); offset += largest_message) {
    const std::size_t size = std::min(largest_message, bytes.size() - offset);
    check_mpi(MPI_Bcast(bytes.data() + offset, core::narrow<int>(size), MPI_BYTE, root, handle_),
              "MPI_Bcast");
  }
}

std::string Communicator::broadcast(const std::string& text, int root) const {
  std::int64_t length = std::ssize(text);
  broadcast(std::as_writable_bytes(std::span(&length, 1)), root);
  std::string copy = text;
  copy.resize(core::narrow<std::size_t>(length));
  broadcast(std::as_writable_bytes(std::span(copy)), root);
  return copy;
}

std::int64_t Communicator::sum(std::int64_t value) const {
  return reduced(value, MPI_SUM, handle_);
}
std::int64_t Communicator::min(std::int64_t value) const {
  return reduced(value, MPI_MIN, handle_);
}
std::int64_t Communicator::max(std::int64_t value) const {
  return reduced(value, MPI_MAX, handle_);
}

double Communicator::max(double value) const {
  max(std::span(&value, 1));
  return value;
}

void Communicator::sum(std::span<std::int64_t> values) const {
  reduce_in_place(values, MPI_INT64_T, MPI_SUM, handle_);
}

void Communicator::min(std::span<double> values) const {
  refuse_nan(*this, values);
  reduce_in_place(values, MPI_DOUBLE, MPI_MIN, handle_);
}

void Communicator::max(std::span<double> values) const {
  refuse_nan(*this, values);
  reduce_in_place(values, MPI_DOUBLE, MPI_MAX, handle_);
}

void Communicator::reduce(std::span<std::int64_t> values, int root) const {
  const core::WaitMark mark;
  in_pieces(values, [&](std::span<std::int64_t> piece) {
    const bool ours = rank_ == root;
    check_mpi(MPI_Reduce(ours ? MPI_IN_PLACE : piece.data(), ours ? piece.data() : nullptr,
                         core::narrow<int>(piece.size()), MPI_INT64_T, MPI_SUM, root, handle_),
              "MPI_Reduce");
  });
}

std::vector<std::vector<std::byte>> Communicator::gather(std::span<const std::byte> bytes) const {
  const core::WaitMark mark;
  std::vector<std::vector<std::byte>> all;
  const std::int64_t size = std::ssize(bytes);
  if (!is_root()) {
    check_mpi(MPI_Send(&size, 1, MPI_INT64_T, 0, 0, handle_), "MPI_Send");
    send(bytes, 0);
    return all;
  }
  all.emplace_back(bytes.begin(), bytes.end());
  for (int from = 1; from < size_; ++from) {
    std::int64_t expected = 0;
    check_mpi(MPI_Recv(&expected, 1, MPI_INT64_T, from, 0, handle_, MPI_STATUS_IGNORE), "MPI_Recv");
    std::vector<std::byte> theirs(core::narrow<std::size_t>(expected));
    receive(theirs, from);
    all.push_back(std::move(theirs));
  }
  return all;
}

void Communicator::send(std::span<const std::byte> bytes, int to) const {
  const core::WaitMark mark;
  for (std::size_t offset = 0; offset < bytes.size(); offset += largest_message) {
    const auto part = chunk(bytes, offset);
    check_mpi(MPI_Send(part.data(), core::narrow<int>(part.size()), MPI_BYTE, to, 0, handle_), "MPI_Send");
  }
}

void Communicator::receive(std::span<std::byte> bytes, int from) const {
  const core::WaitMark mark;
  for (std::size_t offset = 0; offset < bytes.size(); offset += largest_message) {
    const std::size_t part = std::min(largest_message, bytes.size() - offset);
    check_mpi(MPI_Recv(bytes.data() + offset, core::narrow<int>(part), MPI_BYTE, from, 0, handle_,
                       MPI_STATUS_IGNORE),
              "MPI_Recv");
  }
}

std::vector<std::string> Communicator::all_gather(const std::string& text) const {
  std::string packed;  // each text behind its length, from rank 0 to all
  for (const std::vector<std::byte>& bytes : gather(std::as_bytes(std::span(text)))) {
    packed += std::to_string(bytes.size()) + ":";
    packed.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  packed = broadcast(packed);
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < packed.size();) {
    const std::size_t colon = packed.find(':', at);
    const std::size_t length = std::stoull(packed.substr(at, colon - at));
    texts.push_back(packed.substr(colon + 1, length));
    at = colon + 1 + length;
  }
  return texts;
}

std::vector<std::byte> Communicator::send_receive(std::span<const std::byte> send, int to, int from) const {
  const core::WaitMark mark;
  const std::int64_t mine = std::ssize(send);
  std::int64_t theirs = 0;
  check_mpi(MPI_Sendrecv(&mine, 1, MPI_INT64_T, to, 0, &theirs, 1, MPI_INT64_T, from, 0, handle_,
                         MPI_STATUS_IGNORE),
            "MPI_Sendrecv");
  std::vector<std::byte> received(core::narrow<std::size_t>(theirs));
  const std::size_t longest = std::max(send.size(), received.size());
  for (std::size_t offset = 0; offset < longest; offset += largest_message) {
    const auto out = chunk(send, offset);
    const auto in = chunk(received, offset);
    // No message where there is nothing left: a pair's two directions may differ in length.
    check_mpi(
        MPI_Sendrecv(out.data(), core::narrow<int>(out.size()), MPI_BYTE, out.empty() ? MPI_PROC_NULL : to, 1,
                     received.data() + std::min(offset, received.size()), core::narrow<int>(in.size()),
                     MPI_BYTE, in.empty() ? MPI_PROC_NULL : from, 1, handle_, MPI_STATUS_IGNORE),
        "MPI_Sendrecv");
  }
  return received;
}

}  // namespace orrery::parallel
