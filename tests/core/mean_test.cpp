#include "orrery/core/mean.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace orrery::core {
namespace {

TEST(Mean, SkipsNan) {
  const std::vector<double> numbers = {std::nan(""), -1, 4, std::nan(""), 6};
  const Mean mean(numbers);
  EXPECT_EQ(mean.count(), 3);
  EXPECT_EQ(mean.value(), 3);
  EXPECT_EQ(mean.magnitude(), 11.0 / 3);
}

TEST(Mean, OfNothingIsNan) {
  Mean mean;
  mean.add(std::nan(""));
  EXPECT_EQ(mean.count(), 0);
  EXPECT_TRUE(std::isnan(mean.value()));
  EXPECT_FALSE(std::signbit(mean.value()));  // as every NaN in a file
  EXPECT_EQ(mean.magnitude(), 0);
}

TEST(Mean, AddsInOrder) {
  Mean mean;
  for (const double number : {1e16, 1.0, 1.0, -1e16}) mean.add(number);
  EXPECT_EQ(mean.value(), 0);
}

}  // namespace
}  // namespace orrery::core
