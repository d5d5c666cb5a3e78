// What a run that resumes reads in OUT.part: the first byte says whether the rest is a checkpoint ('{' is
// part of it), a lock ('l'), or a copy of a file's metadata ('s'), whose hash is put right.
#include "block_hash.hpp"
#include "orrery/archive/checkpoint.hpp"
#include "orrery/archive/metadata_backup.hpp"
#include "part_lock.hpp"
#include "tests/fuzz/target.hpp"

#include <cstring>
#include <span>

namespace {

using namespace orrery;

void read_checkpoint(std::string_view bytes) {
  const auto path = test::write_scratch("checkpoint", bytes);
  test::expect_order([&] {
    const archive::Checkpoint checkpoint = archive::read_checkpoint(path);
    archive::write_checkpoint(test::scratch() / "again", checkpoint);
    if (archive::read_checkpoint(test::scratch() / "again") != checkpoint) std::abort();
  });
}

void read_lock(std::string_view bytes) {
  const auto path = test::write_scratch("lock", bytes);
  test::expect_order([&] {
    const auto owner = archive::read_lock(path);
    if (!owner) return;
    archive::is_stale(*owner, archive::this_process());
    archive::text_of(*owner);
  });
}

void restore_metadata(std::string_view bytes) {
  std::string copy = std::string("orrery-metadata 1\n").append(bytes);
  const std::uint64_t hash = archive::block_hash(std::as_bytes(std::span(copy)));
  copy.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  const auto path = test::write_scratch("metadata", copy);
  const auto file = test::write_scratch("data.h5", std::string(256, 'x'));
  test::expect_order([&] { archive::restore_metadata(file, path); });
  if (std::filesystem::file_size(file) != 256) std::abort();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = test::text_of(data, size);
  if (bytes.starts_with('l')) {
    read_lock(bytes.substr(1));
  } else if (bytes.starts_with('s')) {
    restore_metadata(bytes.substr(1));
  } else {
    read_checkpoint(bytes);
  }
  return 0;
}
