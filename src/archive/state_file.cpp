#include "orrery/archive/state_file.hpp"

#include "block_hash.hpp"
#include "disk.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/core/heartbeat.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <string_view>

namespace orrery::archive {
namespace {

constexpr std::string_view magic = "orrery-state 1\n";
constexpr std::size_t block_bytes = std::size_t{8} << 20;
using Head = std::array<std::uint64_t, 2>;  // of a block: its length, its hash; the last block is empty

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

StateFileWriter::StateFileWriter(const std::filesystem::path& path)
    : path_(path), file_(std::make_unique<Descriptor>(path, O_WRONLY | O_CREAT | O_TRUNC)) {
  write_at(*file_, path_, 0, magic);
  offset_ = std::ssize(magic);
}

StateFileWriter::~StateFileWriter() = default;

void StateFileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t room = std::min(block_bytes - block_.size(), bytes.size());
    block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(room));
    bytes = bytes.subspan(room);
    if (block_.size() == block_bytes) write_block();
  }
}

void StateFileWriter::write_block() {
  const Head head = {block_.size(), block_hash(block_)};
  write_at(*file_, path_, offset_, text_of(std::as_bytes(std::span(head))));
  write_at(*file_, path_, offset_ + std::ssize(std::as_bytes(std::span(head))), text_of(block_));
  offset_ += static_cast<std::int64_t>(sizeof head) + std::ssize(block_);
  block_.clear();
  core::beat();
}

void StateFileWriter::finish() {
  if (!block_.empty()) write_block();
  write_block();
  sync_to_disk(path_);
  file_.reset();
}

StateFileReader::StateFileReader(const std::filesystem::path& path) : path_(path), file_(path) {
  std::array<std::byte, magic.size()> begin{};
  if (file_.size() < std::ssize(begin)) damaged("it is too short");
  file_.read(0, begin);
  if (text_of(begin) != magic) damaged("it is no file of sums of this version");
  offset_ = std::ssize(begin);
}

bool StateFileReader::next_block() {
  Head head{};
  if (file_.size() - offset_ < static_cast<std::int64_t>(sizeof head)) damaged("it ends too early");
  file_.read(offset_, std::as_writable_bytes(std::span(head)));
  offset_ += static_cast<std::int64_t>(sizeof head);
  const auto [length, hash] = head;
  if (length > block_bytes || static_cast<std::int64_t>(length) > file_.size() - offset_) {
    damaged("it ends too early");
  }
  block_.resize(length);
  file_.read(offset_, block_);
  offset_ += static_cast<std::int64_t>(length);
  if (block_hash(block_) != hash) damaged("its checksum differs");
  taken_ = 0;
  core::beat();
  return length > 0;
}

void StateFileReader::read(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    if (taken_ == block_.size() && !next_block()) damaged("it ends too early");
    const std::size_t some = std::min(bytes.size(), block_.size() - taken_);
    std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(taken_), some, bytes.begin());
    taken_ += some;
    bytes = bytes.subspan(some);
  }
}

void StateFileReader::finish() {
  if (taken_ < block_.size() || next_block() || offset_ != file_.size()) damaged("it goes on too long");
}

void StateFileReader::damaged(const char* how) const {
  throw core::bad_input("a file of the work in progress is damaged", core::concat(path_.string(), ": ", how),
                        "begin anew with --overwrite");
}

}  // namespace orrery::archive
