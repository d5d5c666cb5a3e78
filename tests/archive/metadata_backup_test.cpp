#include "orrery/archive/metadata_backup.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "src/archive/block_hash.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/archive/work_in_progress.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <span>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;
using core::ExitCode;
using test::expect_error;
using test::names_in;
using test::put;
using test::ScratchFolder;
using test::text_in;

/// A file with numbers in it, and its metadata kept.
class MetadataBackup : public testing::Test {
 protected:
  MetadataBackup() {
    Layout layout = trace_layout({.samples = 20,
                                  .rows = 20,
                                  .point_map = orrery::test::two_points_a_layer(3),
                                  .units = 16,
                                  .components = 4,
                                  .tokens = 200});
    layout.attributes = {{"/", "config", std::string(3000, 'c')}};
    build_file(file_, layout);
    std::string bytes = text_in(file_);
    std::mt19937 random(7);
    for (const auto& [first, last] : entries())
      std::generate(bytes.begin() + first, bytes.begin() + last, [&] { return static_cast<char>(random()); });
    put(file_, bytes);
    before_ = bytes;
    save_metadata(file_, copy_);
  }

  /// From where to where numbers lie.
  std::vector<std::pair<std::int64_t, std::int64_t>> entries() const {
    std::vector<std::pair<std::int64_t, std::int64_t>> found;
    const Reader file(file_, Incomplete::accept, Origin::own);
    for (const DatasetInfo& info : file.datasets()) {
      if (info.has_values && info.type != ElementType::text)
        found.emplace_back(info.offset, info.offset + info.bytes());
    }
    return found;
  }

  /// The file once it is finished.
  std::string finished() const {
    std::vector<Attribute> last;
    for (int i = 0; i < 40; ++i) last.push_back({"/timing", "seconds_" + std::to_string(i), 1.5 * i});
    last.push_back({"/", "config", std::string(5000, 'd')});
    last.push_back({"/checksum", "attributes", std::string(200, 'e')});
    set_attributes(file_, last);
    mark_complete(file_);
    return text_in(file_);
  }

  bool opens() const {
    try {
      const Reader file(file_, Incomplete::accept);
      return true;
    } catch (const core::Error&) {
      return false;
    }
  }

  const ScratchFolder folder_;
  const fs::path file_ = folder_ / "data.h5", copy_ = folder_ / "metadata";
  std::string before_;
};

TEST_F(MetadataBackup, IsPutBackWhateverWasWrittenOfTheLastAttributes) {
  const std::string after = finished();
  ASSERT_GT(after.size(), before_.size());
  std::mt19937 random(11);
  int lost = 0;
  for (int kill = 0; kill < 30; ++kill) {
    // Of what changed, some pages were written, each wholly or up to some byte.
    std::string bytes = after;
    for (std::size_t page = 0; page < before_.size(); page += 512) {
      const std::size_t end = std::min(page + 512, before_.size());
      if (random() % 2 == 0) continue;
      const std::size_t kept = random() % 2 == 0 ? page : page + random() % (end - page);
      std::copy(before_.begin() + static_cast<std::ptrdiff_t>(kept),
                before_.begin() + static_cast<std::ptrdiff_t>(end),
                bytes.begin() + static_cast<std::ptrdiff_t>(kept));
    }
    if (random() % 2 == 0) bytes.resize(before_.size());
    put(file_, bytes);
    lost += opens() ? 0 : 1;
    restore_metadata(file_, copy_);
    EXPECT_EQ(text_in(file_).substr(0, before_.size()), before_) << "kill " << kill;
    const Reader file(file_, Incomplete::accept);
    EXPECT_EQ(file.text("config"), std::string(3000, 'c'));
    EXPECT_FALSE(file.complete());
    EXPECT_EQ(file.attribute_names("/timing"), std::vector<std::string>{});
  }
  EXPECT_GT(lost, 5) << "too few of the files could not be opened: nothing was put right";
}

TEST_F(MetadataBackup, LeavesNumbersAsTheyAre) {
  std::string bytes = before_;
  for (const auto& [first, last] : entries()) bytes[static_cast<std::size_t>(first)] ^= 1;
  put(file_, bytes);
  restore_metadata(file_, copy_);
  EXPECT_EQ(text_in(file_), bytes);
  restore_metadata(file_, copy_);
  finished();
  EXPECT_TRUE(Reader(file_).complete());
}

TEST_F(MetadataBackup, IsNotTakenFromADamagedCopy) {
  const std::string sound = text_in(copy_);
  const auto refused = [&](const std::string& copy) {
    put(copy_, copy);
    expect_error(ExitCode::bad_input, "metadata", [&] { restore_metadata(file_, copy_); });
    EXPECT_EQ(text_in(file_), before_);
  };
  for (std::size_t at = 0; at < sound.size(); at += 97) {
    std::string damaged = sound;
    damaged[at] ^= 4;
    refused(damaged);
  }
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{5}, std::size_t{20}, sound.size() - 1})
    refused(sound.substr(0, bytes));
  refused(sound + "x");
}

TEST_F(MetadataBackup, IsNotTakenFromRegionsThatAreNone) {
  const auto refused = [&](std::int64_t offset, std::int64_t bytes) {
    std::string copy = "orrery-metadata 1\n";
    for (const std::int64_t number : {offset, bytes})
      copy.append(reinterpret_cast<const char*>(&number), sizeof number);
    copy.append(8, 'x');
    const std::uint64_t hash = block_hash(std::as_bytes(std::span(copy)));
    put(copy_, copy.append(reinterpret_cast<const char*>(&hash), sizeof hash));
    expect_error(ExitCode::bad_input, "metadata", [&] { restore_metadata(file_, copy_); });
    EXPECT_EQ(text_in(file_), before_);
  };
  refused(-8, 8);
  refused(0, -1);
  refused(std::numeric_limits<std::int64_t>::max(), 8);
  refused(8, std::numeric_limits<std::int64_t>::min());
}

TEST_F(MetadataBackup, IsNotPutIntoAShorterFile) {
  put(file_, before_.substr(0, before_.size() / 2));
  expect_error(ExitCode::bad_input, "metadata", [&] { restore_metadata(file_, copy_); });
}

TEST_F(MetadataBackup, IsKeptWholeOrNotAtAll) {
  EXPECT_EQ(names_in(folder_.path()), (std::set<std::string>{"data.h5", "metadata"}));
  expect_error(ExitCode::io, "/proc/metadata.new", [&] { save_metadata(file_, "/proc/metadata"); });
  put(file_, "no file of ours");
  expect_error(ExitCode::io, "data.h5", [&] { save_metadata(file_, copy_); });
  EXPECT_GT(fs::file_size(copy_), 3000U) << "the older copy is gone";
}

}  // namespace
}  // namespace orrery::archive
