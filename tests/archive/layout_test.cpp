#include "orrery/archive/layout.hpp"

#include "tests/archive/expect_error.hpp"

#include <gtest/gtest.h>

namespace orrery::archive {
namespace {

using core::ExitCode;
using test::expect_error;

Layout small() {
  Layout layout{.format = "orrery-trace"};
  layout.scales = {{.name = "row", .length = 3, .long_name = "row"},
                   {.name = "column", .length = 4, .long_name = "column"},
                   {.name = "none", .length = 0, .long_name = "nothing"}};
  layout.datasets = {
      {.path = "/table/value", .dimensions = {"row", "column"}, .long_name = "value"},
      {.path = "/table/count", .type = ElementType::int32, .dimensions = {"row"}, .long_name = "count"},
      {.path = "/table/lost",
       .type = ElementType::int32,
       .dimensions = {"row", "none"},
       .long_name = "lost"}};
  leave_out_empty(layout);
  return layout;
}

TEST(Layout, CountsBytesAndLeavesOutWhatHasNoEntries) {
  const Layout layout = small();
  EXPECT_EQ(data_bytes(layout), 3 * 4 * 8 + 3 * 4);
  ASSERT_EQ(layout.absent.size(), 1U);
  EXPECT_EQ(layout.absent[0].path, "/table/lost");
  EXPECT_EQ(layout.scales.size(), 2U);
  EXPECT_EQ(shape_of(layout, layout.datasets[0]), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(groups_of(layout), (std::set<std::string>{"/table"}));
  EXPECT_NO_THROW(validate(layout));
}

TEST(Layout, RefusesWhatWouldNotOpenAsLabelledArrays) {
  const auto refused = [](const std::string& words, auto change) {
    Layout layout = small();
    change(layout);
    expect_error(ExitCode::internal, words, [&] { validate(layout); });
  };
  refused("named as a dimension", [](Layout& l) { l.datasets[0].path = "/table/row"; });
  refused("group named as a scale", [](Layout& l) { l.groups = {"/column"}; });
  refused("one dimension twice", [](Layout& l) { l.datasets[0].dimensions = {"row", "row"}; });
  refused("no such scale", [](Layout& l) { l.datasets[0].dimensions = {"row", "colum"}; });
  refused("two things of one name", [](Layout& l) { l.datasets[1].path = "/table/value"; });
  refused("two things of one name", [](Layout& l) { l.datasets[1].path = "/table"; });
  refused("two scales of one name", [](Layout& l) { l.scales[1].name = "row"; });
  refused("without length", [](Layout& l) { l.scales[1].length = 0; });
  refused("not absolute", [](Layout& l) { l.datasets[0].path = "table/value"; });
  refused("long_name", [](Layout& l) { l.datasets[0].long_name.clear(); });
  refused("text without values", [](Layout& l) { l.datasets[0].type = ElementType::text; });
  refused("don't fill", [](Layout& l) { l.datasets[1].values = std::vector<std::int64_t>{1, 2}; });
  refused("another type", [](Layout& l) { l.datasets[1].values = std::vector<std::string>{"a", "b", "c"}; });
  refused("can't see its scale", [](Layout& l) { l.scales[0].group = "/elsewhere"; });
  refused("attribute of nothing", [](Layout& l) { l.attributes = {{"/nowhere", "name", 1.0}}; });
}

TEST(Layout, SplitsADatasetOffWithTheScalesThatItAloneHas) {
  Layout layout = small();
  const Layout value = split_off(layout, "/table/value");
  ASSERT_EQ(value.datasets.size(), 1U);
  EXPECT_EQ(value.datasets[0].path, "/table/value");
  EXPECT_EQ(shape_of(value, value.datasets[0]), (std::vector<std::int64_t>{3, 4}));
  EXPECT_NO_THROW(validate(value));
  // /table/count keeps the rows.
  EXPECT_EQ(layout.datasets.size(), 1U);
  ASSERT_EQ(layout.scales.size(), 1U);
  EXPECT_EQ(layout.scales[0].name, "row");
  EXPECT_NO_THROW(validate(layout));
  expect_error(ExitCode::internal, "/table/value", [&] { split_off(layout, "/table/value"); });
}

TEST(Layout, RefusesSizesPastTheLargestNumber) {
  Layout layout = small();
  layout.scales[0].length = std::int64_t{1} << 40;
  layout.scales[1].length = std::int64_t{1} << 40;
  expect_error(ExitCode::usage, "too large", [&] { data_bytes(layout); });
}

}  // namespace
}  // namespace orrery::archive
