#include "orrery/run/resources.hpp"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace orrery::run {
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
  pin_products();
  EXPECT_EQ(at::globalContext().blasPreferredBackend(), at::BlasBackend::Cublaslt);
  EXPECT_FALSE(at::globalContext().allowTF32CuBLAS());
  EXPECT_EQ(at::globalContext().allowBF16ReductionCuBLAS(),
            at::CuBLASReductionOption::DisallowReducedPrecisionDisallowSplitK);
}

TEST(Kernels, VariablesThatChooseThemAreNamed) {
  const std::string plain = kernels_text();
  EXPECT_FALSE(plain.empty());
  for (const char* name : {"MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA",
                           "ONEDNN_DEFAULT_FPMATH_MODE", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE",
                           "GLIBC_TUNABLES", "NVIDIA_TF32_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG",
                           "CUBLASLT_WORKSPACE_SIZE", "PYTORCH_TUNABLEOP_ENABLED"}) {
    ::setenv(name, "made up", 1);
    EXPECT_NE(kernels_text().find(std::string(name) + "=made up"), std::string::npos) << name;
    ::unsetenv(name);
  }
  for (const char* name : {"MKL_VERBOSE", "MKL_NUM_THREADS", "MKL_DYNAMIC", "MKLROOT", "ONEDNN_VERBOSE",
                           "OPENBLAS_NUM_THREADS"}) {
    ::setenv(name, "1", 1);
    EXPECT_EQ(kernels_text(), plain) << name;
    ::unsetenv(name);
  }
}

}  // namespace
}  // namespace orrery::run
