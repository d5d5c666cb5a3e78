#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace orrery::test::fake_device {

// A make-believe accelerator: a LibTorch device whose memory is the host's, which the host may not touch, and
// whose kernels are LibTorch's for the CPU. A program that is linked with it has a device "fake:0". It shows
// each read or write of device memory by the host (exit code 99), each product of a tensor there with one
// here, and each read of memory that nothing was written to (it is NaN in every format).

/// What was done on the device so far, by all threads.
struct Counts {
  std::int64_t launches = 0, views = 0, allocations = 0;
  // Copies; the host waits at each of `to_device`, `to_host` and `scalars`.
  std::int64_t to_device = 0, to_host = 0, on_device = 0, scalars = 0;
  std::int64_t bytes_to_device = 0, bytes_to_host = 0, live_bytes = 0, peak_bytes = 0;
  std::map<std::string, std::int64_t> operators;  ///< launches by name
};
Counts counts();
/// Counts from 0 again; what is in memory stays.
void reset();

}  // namespace orrery::test::fake_device
