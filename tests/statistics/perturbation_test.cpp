// What a sweep puts in place of a stream, by hand and by what defines it.
#include "orrery/statistics/perturbation.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace orrery::statistics {
namespace {

std::vector<std::int64_t> starts(std::int64_t layers) {
  std::vector<std::int64_t> values;
  for (const core::Layer layer : start_layers(layers)) values.push_back(layer.value());
  return values;
}

TEST(StartLayers, AreThePapersFractionsOfDepth) {
  using Layers = std::vector<std::int64_t>;
  EXPECT_EQ(starts(32), (Layers{0, 7, 15, 23, 31}));
  EXPECT_EQ(starts(30), (Layers{0, 6, 14, 21, 29}));
  EXPECT_EQ(starts(4), (Layers{0, 1, 2, 3}));
  EXPECT_EQ(starts(3), (Layers{0, 1, 2}));
  EXPECT_EQ(starts(2), (Layers{0, 1}));
  EXPECT_EQ(starts(1), (Layers{0}));
}

TEST(TeleportGrid, RunsOverTheWidenedRangesFirstComponentFastest) {
  const auto grid = teleport_grid({{{-1, 3}, {10, 20}}}, 3, 0.5);
  const std::vector<std::array<double, 2>> expected{{-2, 7.5},  {1, 7.5},  {4, 7.5},  // widths 6 and 15
                                                    {-2, 15},   {1, 15},   {4, 15},   //
                                                    {-2, 22.5}, {1, 22.5}, {4, 22.5}};
  EXPECT_EQ(grid, expected);
  EXPECT_EQ(teleport_grid({{{-1, 3}, {10, 20}}}, 1, 0.2), (std::vector<std::array<double, 2>>{{1, 15}}));
  EXPECT_EQ(teleport_grid({{{0, 1}, {0, 1}}}, 10, 0.2).size(), 100);
}

constexpr std::int64_t units = 20;

/// A plane that is no axis', and a stream beside it.
at::Tensor unit_vectors(std::int64_t count, std::int64_t width, std::uint64_t seed) {
  return random_directions(count, width, seed, core::Purpose::direction);
}

struct Scene {
  Scene() : plane{unit_vectors(1, units, 5)[0].mul(7), at::Tensor()} {
    plane.components = std::get<0>(at::linalg_qr(unit_vectors(2, units, 6).t())).t().contiguous();
    x = unit_vectors(1, units, 8)[0].mul(30);
  }
  at::Tensor scores(const at::Tensor& streams) const {
    return at::mm(streams.sub(plane.mean), plane.components.t());
  }
  PooledPlane plane;
  at::Tensor x;
};

double greatest(const at::Tensor& a) {
  return a.abs().max().item<double>();
}

TEST(Teleport, BringsAStreamToAPointOfThePlane) {
  const Scene scene;
  const auto grid = teleport_grid({{{-3, 8}, {1, 2}}}, 4, 0.2);
  const at::Tensor wanted = at::empty({16, 2}, at::kDouble);
  for (std::int64_t i = 0; i < 32; ++i) {
    wanted.mutable_data_ptr<double>()[i] =
        grid[static_cast<std::size_t>(i / 2)][static_cast<std::size_t>(i % 2)];
  }
  const at::Tensor onto = teleported(scene.plane, grid);
  const at::Tensor along = shifted(scene.plane, grid, scene.x);
  EXPECT_LT(greatest(scene.scores(onto).sub(wanted)), 1e-13);
  EXPECT_LT(greatest(scene.scores(along).sub(wanted)), 1e-13);
  // Outside the plane nothing is left, or all that there was.
  const at::Tensor off_plane =
      at::eye(units, at::kDouble).sub(at::mm(scene.plane.components.t(), scene.plane.components));
  EXPECT_LT(greatest(at::mm(onto.sub(scene.plane.mean), off_plane)), 1e-13);
  EXPECT_LT(greatest(at::mm(along.sub(scene.x), off_plane)), 1e-13);
  EXPECT_GT(greatest(at::mm(along.sub(scene.plane.mean), off_plane)), 1);
}

TEST(Noise, HasItsShareOfTheLengthAlongEachDirection) {
  const Scene scene;
  const at::Tensor directions = unit_vectors(3, units, 9);
  const std::vector<double> epsilons{0, 0.01, 1};
  const at::Tensor noisy = displaced(scene.x, epsilons, directions);
  ASSERT_EQ(noisy.size(0), 9);
  for (std::int64_t i = 0; i < 9; ++i) {
    const at::Tensor moved = noisy[i].sub(scene.x);
    const double length = 30 * epsilons[static_cast<std::size_t>(i / 3)];
    EXPECT_LT(greatest(moved.sub(directions[i % 3].mul(length))), 1e-13) << i;
  }
  EXPECT_TRUE(noisy[0].equal(scene.x)) << "a perturbation of zero";
}

TEST(Noise, DirectionsAreUniformAndKeptAsMoreAreDrawn) {
  const at::Tensor many = unit_vectors(2000, 3, 1);
  EXPECT_LT(greatest(many.square().sum(1).sub(1)), 1e-14);
  EXPECT_TRUE(unit_vectors(7, 3, 1).equal(many.narrow(0, 0, 7)));
  EXPECT_FALSE(unit_vectors(7, 3, 2).equal(many.narrow(0, 0, 7)));
  // A coordinate of a uniform point of the sphere is uniform in [−1, 1]: mean 0, second moments 1/3; five
  // standard errors, √(1/3/2000) and √(4/45/2000).
  EXPECT_LT(greatest(many.mean(0)), 5 * std::sqrt(1.0 / 3 / 2000));
  EXPECT_LT(greatest(many.square().mean(0).sub(1.0 / 3)), 5 * std::sqrt(4.0 / 45 / 2000));
}

TEST(Control, GoesAsFarInADirectionOfItsOwn) {
  const Scene scene;
  const at::Tensor directions = unit_vectors(4, units, 9);
  const at::Tensor perturbed = teleported(scene.plane, teleport_grid({{{-3, 8}, {1, 2}}}, 2, 0.2));
  const at::Tensor moved = turned(scene.x, perturbed, directions).sub(scene.x);
  for (std::int64_t i = 0; i < 4; ++i) {
    const double length = perturbed[i].sub(scene.x).norm().item<double>();
    EXPECT_LT(greatest(moved[i].sub(directions[i].mul(length))), 1e-13) << i;
  }
  EXPECT_FALSE(directions.equal(random_directions(4, units, 9, core::Purpose::control_direction)));
}

}  // namespace
}  // namespace orrery::statistics
