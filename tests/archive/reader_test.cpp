#include "orrery/archive/reader.hpp"

#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "src/archive/survival.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <signal.h>
#include <stdexcept>
#include <vector>

namespace orrery::archive {
namespace {

namespace fs = std::filesystem;
using core::ExitCode;
using test::expect_error;
using test::ScratchFolder;

const statistics::TraceExtent extent{.samples = 6,
                                     .rows = 6,
                                     .point_map = orrery::test::two_points_a_layer(2),
                                     .units = 10,
                                     .components = 3,
                                     .tokens = 50,
                                     .ranks = 2};

/// A complete file of six rows.
fs::path make(const ScratchFolder& folder) {
  const fs::path path = folder / "run.h5";
  build_file(path, trace_layout(extent));
  mark_complete(path);
  return path;
}

/// Opens the file with HDF5 itself and lets `change` loose on it.
void tamper(const fs::path& path, const std::function<void(hid_t)>& change) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(file, 0);
  change(file);
  ASSERT_GE(H5Fclose(file), 0);
}

void add_dataset(hid_t file, const char* name, hid_t type, std::vector<hsize_t> shape,
                 hid_t creation = H5P_DEFAULT) {
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  ASSERT_GE(dataset, 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

TEST(Reader, ListsWhatTheLayoutSays) {
  const ScratchFolder folder;
  const Reader file(make(folder));
  const Layout layout = trace_layout(extent);
  EXPECT_EQ(file.format(), "orrery-trace");
  EXPECT_EQ(file.datasets().size(), layout.datasets.size() + layout.scales.size());
  for (const Dataset& dataset : layout.datasets) {
    const DatasetInfo& info = file.info(dataset.path);
    EXPECT_EQ(info.type, dataset.type) << dataset.path;
    EXPECT_EQ(info.shape, shape_of(layout, dataset)) << dataset.path;
    EXPECT_EQ(info.dimensions, dataset.dimensions) << dataset.path;
    EXPECT_EQ(info.long_name, dataset.long_name);
    EXPECT_EQ(info.units, dataset.units);
    EXPECT_FALSE(info.is_scale);
  }
  for (const Scale& scale : layout.scales) EXPECT_TRUE(file.info(path_of(scale)).is_scale) << scale.name;
  EXPECT_EQ(file.read_integers("/share"), (std::vector<std::int64_t>{50, 80, 90, 95, 99}));
  EXPECT_EQ(file.read_texts("/points/kind").back(), "final");
  EXPECT_EQ(file.read_integers("/points/layer"), (std::vector<std::int64_t>{0, 0, 1, 1, 2}));
  EXPECT_EQ(file.read_reals("/points/layer", 3, 2), (std::vector<double>{1, 2}));
  EXPECT_EQ(file.read_bytes("/points/layer", 1, 3).size(), 12U);
  EXPECT_EQ(file.groups().front(), "/");
  EXPECT_EQ(file.attribute_names("/pca/rank"), (std::vector<std::string>{"long_name", "units"}));
}

TEST(Reader, RefusesWrongQuestions) {
  const ScratchFolder folder;
  const Reader file(make(folder));
  expect_error(ExitCode::bad_input, "no such dataset", [&] { file.read_reals("/nothing"); });
  expect_error(ExitCode::bad_input, "text, not numbers", [&] { file.read_reals("/points/kind"); });
  expect_error(ExitCode::bad_input, "not integers", [&] { file.read_integers("/pca/eigenvalue"); });
  expect_error(ExitCode::bad_input, "not text", [&] { file.read_texts("/pca/rank"); });
  expect_error(ExitCode::bad_input, "without values", [&] { file.read_integers("/sample"); });
  expect_error(ExitCode::bad_input, "no such group", [&] { file.attribute("/nothing", "a"); });
  expect_error(ExitCode::bad_input, "config", [&] { file.text("config"); });
  expect_error(ExitCode::internal, "rows outside", [&] { file.read_reals("/pca/rank", 3, 3); });
}

TEST(Reader, RefusesWhatIsNotOurs) {
  const ScratchFolder folder;
  expect_error(ExitCode::bad_input, "no such file", [&] { Reader(folder / "none.h5"); });
  expect_error(ExitCode::bad_input, "no such file", [&] { Reader(folder.path()); });
  std::ofstream(folder / "text.h5") << "not a file of numbers";
  expect_error(ExitCode::bad_input, "not an HDF5 file", [&] { Reader(folder / "text.h5"); });
  std::ofstream(folder / "empty.h5").flush();
  expect_error(ExitCode::bad_input, "not an HDF5 file", [&] { Reader(folder / "empty.h5"); });
  H5Fclose(H5Fcreate((folder / "alien.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  expect_error(ExitCode::bad_input, "not one of orrery's", [&] { Reader(folder / "alien.h5"); });
  const fs::path path = make(folder);
  set_attributes(path, {{"/", "format_version", std::int64_t{2}}});
  expect_error(ExitCode::bad_input, "orrery-trace 2): read it with a newer", [&] { Reader{path}; });
  set_attributes(path, {{"/", "format_version", std::int64_t{1}}, {"/", "format", "orrery-atlas"}});
  expect_error(ExitCode::bad_input, "orrery-atlas 1", [&] { Reader{path}; });
}

TEST(Reader, RefusesAnIncompleteFileUnlessAsked) {
  const ScratchFolder folder;
  build_file(folder / "run.h5", trace_layout(extent));
  expect_error(ExitCode::bad_input, "not complete", [&] { Reader(folder / "run.h5"); });
  EXPECT_FALSE(Reader(folder / "run.h5", Incomplete::accept).complete());
}

TEST(Reader, SaysOfEveryTruncatedFileThatItIsDamaged) {
  const ScratchFolder folder;
  const fs::path whole = make(folder);
  const auto size = fs::file_size(whole);
  for (int eighth = 0; eighth < 8; ++eighth) {
    const fs::path cut = folder / "cut.h5";
    fs::copy_file(whole, cut, fs::copy_options::overwrite_existing);
    fs::resize_file(cut, size * static_cast<std::uintmax_t>(eighth) / 8);
    expect_error(ExitCode::bad_input, cut.string(), [&] { Reader{cut}; });
  }
}

TEST(Reader, NeitherBelievesSizesNorFollowsLinks) {
  const ScratchFolder folder;
  const auto refused = [&](const std::string& words, const std::function<void(hid_t)>& change) {
    const fs::path path = make(folder);
    tamper(path, change);
    expect_error(ExitCode::bad_input, words, [&] { Reader{path}; });
  };
  refused("nothing was written", [](hid_t file) {
    add_dataset(file, "/huge", H5T_IEEE_F64LE, {hsize_t{1} << 30, hsize_t{1} << 20});
  });
  refused("impossible shape", [](hid_t file) { add_dataset(file, "/none", H5T_IEEE_F64LE, {3, 0}); });
  refused("a type that orrery", [](hid_t file) { add_dataset(file, "/big", H5T_IEEE_F64BE, {3}); });
  refused("the file was stored anew by another program", [](hid_t file) {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 3;
    H5Pset_chunk(list, 1, &chunk);
    add_dataset(file, "/chunked", H5T_IEEE_F64LE, {3}, list);
    H5Pclose(list);
  });
  refused("the file was stored anew by another program", [](hid_t file) {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(list, "/etc/passwd", 0, 24);
    add_dataset(file, "/elsewhere", H5T_IEEE_F64LE, {3}, list);
    H5Pclose(list);
  });
  refused("a kind of object", [](hid_t file) {
    const hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    H5Tcommit2(file, "/type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Tclose(type);
  });
  const fs::path path = make(folder);
  tamper(path, [](hid_t file) {
    H5Lcreate_external("/elsewhere.h5", "/pca/rank", file, "/outside", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/pca/rank", file, "/alias", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "/pca", file, "/pca/again", H5P_DEFAULT, H5P_DEFAULT);
  });
  const Reader file(path);
  EXPECT_FALSE(file.has("/outside"));
  EXPECT_FALSE(file.has("/alias"));
  expect_error(ExitCode::bad_input, "no such dataset", [&] { file.read_integers("/outside"); });
}

TEST(Reader, OutlivesADamagedByteAnywhere) {
  const ScratchFolder folder;
  const fs::path path = make(folder);
  const fs::path copy = folder / "copy.h5";
  int refused = 0;
  for (std::streamoff place = 0; place < static_cast<std::streamoff>(fs::file_size(path)); place += 997) {
    fs::copy_file(path, copy, fs::copy_options::overwrite_existing);
    {
      std::fstream bytes(copy, std::ios::in | std::ios::out | std::ios::binary);
      bytes.seekg(place);
      const int byte = bytes.get();
      bytes.seekp(place);
      bytes.put(static_cast<char>(byte ^ 0xff));
    }
    try {
      const Reader file(copy);
      for (const DatasetInfo& info : file.datasets()) {
        if (info.has_values && info.type != ElementType::text) file.read_reals(info.path);
      }
    } catch (const core::Error& error) {
      ++refused;
      EXPECT_EQ(error.code(), ExitCode::bad_input) << place << ": " << error.what();
    }
  }
  EXPECT_GT(refused, 20);
}

[[noreturn]] void turn_in_circles() {
  for (std::atomic<int> turns = 0;; ++turns) {
  }
}

constexpr std::int64_t MiB = std::int64_t{1} << 20;

/// Writes to `bytes` of memory, a MiB at a time, and keeps it.
void fill(std::int64_t bytes) {
  std::vector<std::vector<char>> kept;
  for (; bytes > 0; bytes -= MiB) kept.emplace_back(MiB, 'x');
}

TEST(Survival, TellsACrashFromAnError) {
  const Limits ample{10, 1024 * MiB};
  EXPECT_TRUE(survives([] {}, ample));
  EXPECT_TRUE(survives([] { throw std::runtime_error("survived"); }, ample));
  EXPECT_FALSE(survives([] { ::raise(SIGSEGV); }, ample));
}

TEST(Survival, EndsWhatTakesTooMuch) {
  EXPECT_FALSE(survives(turn_in_circles, {1, 1024 * MiB}));
  EXPECT_TRUE(survives([] { fill(100 * MiB); }, {10, 200 * MiB}));
  EXPECT_FALSE(survives([] { fill(1024 * MiB); }, {10, 200 * MiB}));
}

}  // namespace
}  // namespace orrery::archive
