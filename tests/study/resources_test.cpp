#include "orrery/study/resources.hpp"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace orrery::study {
namespace {

TEST(Concurrency, ACpuHasATileAThread) {
  EXPECT_EQ(concurrency_of(at::kCPU, 8, 0).tiles, 8);
  EXPECT_EQ(concurrency_of(at::kCPU, 8, 0).threads, 8);
  EXPECT_EQ(concurrency_of(at::kCPU, 8, 3).tiles, 3);
  EXPECT_EQ(concurrency_of(at::kCPU, 8, 3).threads, 3);
  EXPECT_EQ(concurrency_of(at::kCPU, 0, 0).tiles, 1) << "less than a core a rank";
  EXPECT_EQ(concurrency_of(at::kCPU, 0, 0).threads, 1);
}

TEST(Concurrency, AnyOtherDeviceHasOneTileAndTheHostsThreads) {
  for (const at::Device device :
       {at::Device(at::kCUDA, 1), at::Device(at::kXPU), at::Device(at::kPrivateUse1)}) {
    EXPECT_EQ(concurrency_of(device, 16, 0).tiles, 1) << device;
    EXPECT_EQ(concurrency_of(device, 16, 0).threads, 16) << device;
    EXPECT_EQ(concurrency_of(device, 16, 4).tiles, 1) << device;
    EXPECT_EQ(concurrency_of(device, 16, 4).threads, 4) << device;
    EXPECT_EQ(concurrency_of(device, 0, 0).threads, 1) << device;
  }
}

// With sums over K that must not be split, plain cuBLAS refuses a bfloat16 product. LibTorch looks once:
// whoever asked otherwise is overruled before.
TEST(Products, AreCublasLtsWhateverTheEnvironmentAsks) {
  ::setenv("TORCH_BLAS_PREFER_CUBLASLT", "0", 1);
  choose_products();
  EXPECT_EQ(at::globalContext().blasPreferredBackend(), at::BlasBackend::Cublaslt);
}

}  // namespace
}  // namespace orrery::study
