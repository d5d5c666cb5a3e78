#include "tests/fake/fake_device.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <thread>
#include <unistd.h>
#include <vector>

namespace orrery::test::fake_device {
namespace {

class FakeDevice : public ::testing::Test {
 protected:
  FakeDevice() {
    at::set_num_threads(1);
    a = at::randn({64, 96});
    b = at::randn({96, 128});
    there_a = a.to(device);
    there_b = b.to(device);
  }

  const c10::InferenceMode inference;
  const at::Device device{at::kPrivateUse1, 0};
  at::Tensor a, b, there_a, there_b;
};

TEST_F(FakeDevice, KernelsGiveTheCpusBits) {
  EXPECT_EQ(device.str(), "fake:0");
  EXPECT_TRUE(at::equal(there_a.cpu(), a));
  EXPECT_TRUE(at::equal(at::mm(there_a, there_b).cpu(), at::mm(a, b)));
  EXPECT_TRUE(
      at::equal(at::mm(there_a, there_b.t().contiguous().t()).cpu(), at::mm(a, b.t().contiguous().t())));
  at::Tensor out = at::empty({64, 128}, there_a.options());
  at::mm_out(out, there_a, there_b);
  EXPECT_TRUE(at::equal(out.cpu(), at::mm(a, b)));
  const auto whole = at::TensorOptions().dtype(at::kLong);
  EXPECT_TRUE(at::equal(at::arange(7, whole.device(device)).cpu(), at::arange(7, whole)));
  EXPECT_TRUE(at::equal(at::full({5, 5}, -INFINITY, there_a.options()).triu_(1).repeat({2, 1}).cpu(),
                        at::full({5, 5}, -INFINITY).triu_(1).repeat({2, 1})));
  EXPECT_TRUE(at::equal(at::cat({there_a, there_a}).cpu(), at::cat({a, a})));
}

TEST_F(FakeDevice, AttentionGoesOperatorByOperator) {
  const at::Tensor q = at::randn({2, 4, 16, 32}), k = at::randn({2, 4, 16, 32}),
                   v = at::randn({2, 4, 16, 32});
  const at::Tensor fused = at::scaled_dot_product_attention(q, k, v, {}, 0.0, true);
  const at::Tensor there =
      at::scaled_dot_product_attention(q.to(device), k.to(device), v.to(device), {}, 0.0, true).cpu();
  EXPECT_TRUE(at::allclose(there, fused, 1e-4, 1e-5));
}

TEST_F(FakeDevice, WritesThroughViewsReachTheStorage) {
  const auto write = [](at::Tensor x) {
    x.narrow(0, 2, 3).select(1, 4).add_(1);
    x.view({4, 12}).unflatten(-1, {6, 2}).select(2, 1).mul_(2);
    return x;
  };
  EXPECT_TRUE(at::equal(write(at::zeros({8, 6}, there_a.options())).cpu(), write(at::zeros({8, 6}))));
  at::Tensor z = at::randn({5, 3, 8});
  at::Tensor there = z.to(device);
  const at::Tensor turn = at::polar(at::ones({5, 1, 4}), at::randn({5, 1, 4}));
  at::view_as_complex(z.unflatten(-1, {4, 2})).mul_(turn);
  at::view_as_complex(there.unflatten(-1, {4, 2})).mul_(turn.to(device));
  EXPECT_TRUE(at::equal(there.cpu(), z));
}

TEST_F(FakeDevice, NewMemoryIsNotANumber) {
  EXPECT_TRUE(at::empty({4}, there_a.options()).isnan().all().item<bool>());
}

using FakeDeviceDeath = FakeDevice;
constexpr const char* caught = "the host touched device memory";

TEST_F(FakeDeviceDeath, TheHostMayNotTouchItsMemory) {
  const ::testing::ExitedWithCode touched(99);
  std::vector<float> here(10);
  EXPECT_EXIT({ here[0] = there_a.const_data_ptr<float>()[3]; }, touched, caught);
  EXPECT_EXIT({ std::memcpy(here.data(), there_a.const_data_ptr(), 40); }, touched, caught);
  EXPECT_EXIT({ there_a.mutable_data_ptr<float>()[0] = 1; }, touched, caught);
  // A system call fails, and so do MPI and HDF5.
  EXPECT_EQ(::write(STDERR_FILENO, there_a.const_data_ptr(), 4), -1);
}

TEST_F(FakeDeviceDeath, NorWhileAnotherThreadRunsKernels) {
  EXPECT_EXIT(
      {
        std::thread busy([&] {
          for (int i = 0; i < 2000; ++i) at::mm(there_a, there_b);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        volatile float read = there_a.const_data_ptr<float>()[0];
        (void)read;
      },
      ::testing::ExitedWithCode(99), caught);
}

TEST_F(FakeDevice, AnOperandOfTheHostIsRefused) {
  EXPECT_THROW(at::mm(there_a, b), c10::Error);
  EXPECT_THROW(there_a.add(a), c10::Error);
  EXPECT_NO_THROW(there_a.add(at::scalar_tensor(2.0)))
      << "a number without dimensions may come from the host";
}

TEST_F(FakeDevice, ThreadsMayUseItAtOnce) {
  const at::Tensor expected = at::softmax(at::mm(a, b), -1);
  std::vector<std::thread> threads;
  std::vector<int> same(4, 1);
  for (std::size_t t = 0; t < same.size(); ++t) {
    threads.emplace_back([&, t] {
      const c10::InferenceMode mode;
      for (int i = 0; i < 50; ++i)
        same[t] &= at::equal(at::softmax(at::mm(there_a, there_b), -1).cpu(), expected) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(4, 1));
}

TEST_F(FakeDevice, LaunchesAndWaitsAreCounted) {
  reset();
  const at::Tensor r = at::softmax(at::mm(there_a, there_b), -1);
  r.select(0, 0).cpu();
  r.max().item<double>();
  const Counts done = counts();
  EXPECT_EQ(done.to_host, 1);
  EXPECT_EQ(done.scalars, 1);
  EXPECT_EQ(done.launches, 3);
  const auto [free, total] = c10::getDeviceAllocator(at::kPrivateUse1)->getMemoryInfo(0);
  EXPECT_EQ(static_cast<std::int64_t>(total - free), counts().live_bytes);
}

}  // namespace
}  // namespace orrery::test::fake_device
