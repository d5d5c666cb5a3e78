#include "orrery/archive/file_builder.hpp"

#include "orrery/archive/finish.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/archive/trace_layout.hpp"
#include "tests/archive/expect_error.hpp"
#include "tests/archive/scratch_folder.hpp"
#include "tests/support/two_points_a_layer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <signal.h>
#include <sys/resource.h>
#include <thread>

namespace orrery::archive {
namespace {

using core::ExitCode;
using test::expect_error;
using test::ScratchFolder;

statistics::TraceExtent extent(std::int64_t samples, std::int64_t layers) {
  return {.samples = samples,
          .rows = samples,
          .point_map = orrery::test::two_points_a_layer(layers),
          .units = 48,
          .components = 8,
          .tokens = 30 * samples,
          .ranks = 3};
}

TEST(FileBuilder, SizeIsToldBeforehandWithinAPercentOrFourKilobytes) {
  const ScratchFolder folder;
  for (const std::int64_t samples : {1, 2, 50, 1000}) {
    for (const std::int64_t layers : {1, 4, 30}) {
      const Layout layout = trace_layout(extent(samples, layers));
      build_file(folder / "run.h5", layout);
      const auto real = static_cast<double>(std::filesystem::file_size(folder / "run.h5"));
      const auto told = static_cast<double>(file_bytes(layout));
      EXPECT_NEAR(told, real, std::max(4096.0, 0.01 * real))
          << samples << " samples, " << layers << " layers";
      EXPECT_GE(real, static_cast<double>(data_bytes(layout)));
    }
  }
}

TEST(FileBuilder, TellsTheSizeOfAFileThatFitsNowhere) {
  statistics::TraceExtent huge = extent(1000000, 80);
  huge.units = 8192;
  EXPECT_GT(file_bytes(trace_layout(huge)), std::int64_t{1000000} * 161 * 8192 * 4);
}

TEST(FileBuilder, AppendsWhatIsKnownLateAndKeepsTheRest) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "run.h5";
  Layout layout = trace_layout(extent(4, 2));
  Layout late = split_off(layout, "/timing/peak_bytes");
  build_file(path, layout);
  EXPECT_FALSE(Reader(path, Incomplete::accept).has("/timing/peak_bytes"));
  const std::vector<std::int64_t> peaks = {11, 22, 33, 44, 55};
  late.scales.front().length = std::ssize(peaks);
  late.datasets.front().values = peaks;
  append_to_file(path, late);
  const Reader file(path, Incomplete::accept);
  EXPECT_EQ(file.read_integers("/timing/peak_bytes"), peaks);
  EXPECT_TRUE(file.has("/residual/last_token"));
  expect_error(ExitCode::io, "run.h5", [&] { append_to_file(path, late); });  // it is there already
  expect_error(ExitCode::io, "none.h5", [&] { append_to_file(folder / "none.h5", late); });
}

TEST(FileBuilder, TextOfAnyLengthComesBack) {
  const ScratchFolder folder;
  Layout layout = trace_layout(extent(4, 2));
  const std::string large(std::size_t{1} << 20, 'x');
  layout.attributes = {{"/", "config", large},
                       {"/", "command", "orrery trace --corpus Übung.txt"},
                       {"/", "empty", ""},
                       {"/", "seed", std::int64_t{-5}},
                       {"/pca/rank", "factor", 0.1}};
  build_file(folder / "run.h5", layout);
  const Reader file(folder / "run.h5", Incomplete::accept);
  EXPECT_EQ(file.text("config"), large);
  EXPECT_EQ(file.text("command"), "orrery trace --corpus Übung.txt");
  EXPECT_EQ(file.text("empty"), "");
  EXPECT_EQ(file.integer("seed"), -5);
  EXPECT_EQ(file.attribute("/pca/rank", "factor"), AttributeValue(0.1));
  EXPECT_EQ(file.integer("complete"), 0);
  layout.attributes = {{"/", "config", std::string("a\0b", 3)}};
  expect_error(ExitCode::usage, "zero byte", [&] { build_file(folder / "other.h5", layout); });
}

TEST(FileBuilder, TwoFilesOfOneLayoutAreTheSameBytes) {
  const ScratchFolder folder;
  const auto bytes_of = [&](const std::string& name) {
    build_file(folder / name, trace_layout(extent(4, 2)));
    std::ifstream file(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string first = bytes_of("a.h5");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // times in HDF5 count seconds
  EXPECT_TRUE(first == bytes_of("b.h5"));
}

TEST(FileBuilder, SaysWhatTheSystemSays) {
  expect_error(ExitCode::io, "No such file or directory",
               [&] { build_file("/nowhere/run.h5", trace_layout(extent(4, 2))); });
}

TEST(FileBuilder, SeesALimitOfTheShellAndEndsInOrder) {
  const ScratchFolder folder;
  const auto child = [&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit low { 1 << 20, 1 << 20 };
    ::setrlimit(RLIMIT_FSIZE, &low);
    try {
      build_file(folder / "run.h5", trace_layout(extent(1000, 30)));
    } catch (const core::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      std::exit(static_cast<int>(error.code()));  // HDF5 had its say at the program's end, once
    }
    std::exit(0);
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(74), "bytes needed.*File too large");
}

TEST(FileBuilder, SeesAFullDisk) {
  const ScratchFolder folder("/dev/shm");  // a tmpfs on every Linux
  statistics::TraceExtent huge = extent(1000000, 80);
  huge.units = 8192 * 16;
  expect_error(ExitCode::io, "bytes needed", [&] { build_file(folder / "run.h5", trace_layout(huge)); });
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Finish, AddsReplacesAndCompletes) {
  const ScratchFolder folder;
  const auto path = folder / "run.h5";
  build_file(path, trace_layout(extent(4, 2)));
  set_attributes(
      path,
      {{"/timing", "total_seconds", 1.5}, {"/headline", "turns", 10.7}, {"/headline", "turns_se", 1.0}});
  set_attributes(path, {{"/timing", "total_seconds", 2.5}, {"/timing", "note", "short"}});
  set_attributes(path, {{"/timing", "note", std::string(100000, 'y')}});
  expect_error(ExitCode::bad_input, "not complete", [&] { Reader{path}; });
  expect_error(ExitCode::internal, "complete", [&] {
    set_attributes(path, {{"/", "complete", std::int64_t{1}}});
  });
  expect_error(ExitCode::io, "/nothing", [&] { set_attributes(path, {{"/nothing", "a", 1.0}}); });
  mark_complete(path);
  const Reader file(path);
  EXPECT_EQ(file.attribute("/timing", "total_seconds"), AttributeValue(2.5));
  EXPECT_EQ(file.attribute("/timing", "note"), AttributeValue(std::string(100000, 'y')));
  EXPECT_EQ(file.attribute_names("/headline"), (std::vector<std::string>{"turns", "turns_se"}));
  EXPECT_EQ(file.attribute("/headline", "nothing"), std::nullopt);
}

}  // namespace
}  // namespace orrery::archive
