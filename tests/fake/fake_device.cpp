#include "tests/fake/fake_device.hpp"

#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/ops/_local_scalar_dense.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace orrery::test::fake_device {
namespace {

/// The device's memory. Each byte has two addresses: tensors carry the one that faults, kernels use the
/// other. So nothing is unprotected while a kernel runs, and no other thread's mistake passes then.
struct Arena {
  std::size_t size = std::size_t{1} << 37;
  char* device = nullptr;
  char* shadow = nullptr;
  std::mutex mutex;
  std::size_t next = 0;
  std::map<std::size_t, std::vector<std::size_t>> free;  // offsets by size
  std::map<std::size_t, std::size_t> live;               // size by offset
  Counts counts;

  Arena() {
    const int file = ::memfd_create("fake_device", MFD_CLOEXEC);
    if (file < 0 || ::ftruncate(file, static_cast<off_t>(size)) != 0) std::abort();
    device = static_cast<char*>(::mmap(nullptr, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0));
    shadow = static_cast<char*>(
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0));
    if (device == MAP_FAILED || shadow == MAP_FAILED) std::abort();
  }
  bool owns(const void* p) const { return p >= device && p < device + size; }
  bool is_shadow(const void* p) const { return p >= shadow && p < shadow + size; }
  char* shadow_of(const void* p) const { return shadow + (static_cast<const char*>(p) - device); }
};
Arena& arena() {
  static Arena* one = new Arena;  // never freed: tensors may outlive all else
  return *one;
}
template <class F>
void count(const F& f) {
  const std::lock_guard lock(arena().mutex);
  f(arena().counts);
}

constexpr std::size_t page = 4096;
std::size_t room(std::size_t bytes) {
  return (bytes + page - 1) / page * page + page;
}  // and a page between

void release(void* context) {
  Arena& a = arena();
  const std::lock_guard lock(a.mutex);
  const std::size_t offset = reinterpret_cast<std::size_t>(context) - 1;
  const std::size_t size = a.live.at(offset);
  a.live.erase(offset);
  a.counts.live_bytes -= static_cast<std::int64_t>(size - page);
  ::madvise(a.shadow + offset, size, MADV_REMOVE);
  a.free[size].push_back(offset);
}

struct Allocator final : c10::DeviceAllocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    const c10::Device device(c10::kPrivateUse1, 0);
    if (bytes == 0) return {nullptr, device};
    Arena& a = arena();
    const std::lock_guard lock(a.mutex);
    const std::size_t size = room(bytes);
    std::size_t offset = a.next;
    auto& list = a.free[size];
    if (!list.empty()) {
      offset = list.back();
      list.pop_back();
    } else {
      if (a.next + size > a.size) TORCH_CHECK(false, "fake device out of memory");
      a.next += size;
    }
    a.live[offset] = size;
    ++a.counts.allocations;
    a.counts.live_bytes += static_cast<std::int64_t>(size - page);
    a.counts.peak_bytes = std::max(a.counts.peak_bytes, a.counts.live_bytes);
    std::memset(a.shadow + offset, 0xFF, bytes);  // NaN in every format
    return {a.device + offset, reinterpret_cast<void*>(offset + 1), &release, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* to, const void* from, std::size_t n) const override {
    std::memcpy(arena().shadow_of(to), arena().shadow_of(from), n);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override { return {}; }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
  std::pair<std::size_t, std::size_t> getMemoryInfo(c10::DeviceIndex) override {
    const std::lock_guard lock(arena().mutex);
    return {arena().size - static_cast<std::size_t>(arena().counts.live_bytes), arena().size};
  }
};
Allocator allocator;
REGISTER_ALLOCATOR(c10::kPrivateUse1, &allocator);

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::Device here() const { return {c10::kPrivateUse1, 0}; }
  c10::DeviceType type() const override { return c10::kPrivateUse1; }
  c10::Device exchangeDevice(c10::Device) const override { return here(); }
  c10::Device getDevice() const override { return here(); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, here()); }
  c10::Stream getDefaultStream(c10::Device) const override {
    return c10::Stream(c10::Stream::DEFAULT, here());
  }
  c10::Stream exchangeStream(c10::Stream) const override { return c10::Stream(c10::Stream::DEFAULT, here()); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void synchronizeStream(const c10::Stream&) const override {}
  void synchronizeDevice(c10::DeviceIndex) const override {}
  bool queryStream(const c10::Stream&) const override { return true; }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  at::Device getDeviceFromPtr(void*) const override { return {c10::kPrivateUse1, 0}; }
};

bool is_ours(const at::Tensor& t) {
  return t.defined() && t.device().type() == c10::kPrivateUse1;
}

/// A CPU tensor over the same bytes, by their other address, as long as its whole storage.
at::Tensor host_view(const at::Tensor& t) {
  const c10::Storage& storage = t.storage();
  void* base =
      storage.nbytes() == 0 || storage.data() == nullptr ? nullptr : arena().shadow_of(storage.data());
  c10::Storage twin(c10::Storage::use_byte_size_t(), storage.nbytes(),
                    c10::DataPtr(base, c10::Device(c10::kCPU)), nullptr, false);
  at::Tensor view = at::detail::make_tensor<c10::TensorImpl>(
      std::move(twin), c10::DispatchKeySet(c10::DispatchKey::CPU), t.dtype());
  view.unsafeGetTensorImpl()->set_sizes_and_strides(t.sizes(), t.strides(), t.storage_offset());
  if (t.is_conj()) view._set_conj(true);
  return view;
}

/// The device's view of what a kernel gave back as a view of one of its operands.
at::Tensor device_view(const at::Tensor& of, const at::Tensor& view) {
  at::Tensor result = at::detail::make_tensor<c10::TensorImpl>(
      c10::TensorImpl::VIEW, c10::Storage(of.storage()), of.key_set(), view.dtype());
  result.unsafeGetTensorImpl()->set_sizes_and_strides(view.sizes(), view.strides(), view.storage_offset());
  if (view.is_conj()) result._set_conj(true);
  return result;
}

at::Tensor to_device(const at::Tensor& host) {
  at::Tensor result = at::empty_strided(host.sizes(), host.strides(),
                                        host.options().device(c10::Device(c10::kPrivateUse1, 0)));
  host_view(result).copy_(host);
  return result;
}

void grow(const at::Tensor& t, c10::IntArrayRef sizes) {
  const std::size_t needed =
      at::detail::computeStorageNbytesContiguous(sizes, t.itemsize(), t.storage_offset());
  if (needed > t.storage().nbytes()) {
    c10::DataPtr larger = allocator.allocate(needed);
    if (t.storage().nbytes() > 0)
      std::memcpy(arena().shadow_of(larger.get()), arena().shadow_of(t.storage().data()),
                  t.storage().nbytes());
    t.storage().set_data_ptr(std::move(larger));
    t.storage().set_nbytes(needed);
  }
  t.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
}

void refuse_host(const c10::OperatorHandle& op, const at::Tensor& t) {
  // As on CUDA: only a number without dimensions may come from the host.
  TORCH_CHECK(t.dim() == 0, "fake device: ", op.schema().name(), " mixes tensors of host and device ",
              t.sizes());
}

/// Runs any operator on the device's bytes by LibTorch's CPU kernel.
void launch(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& arguments = op.schema().arguments();
  const std::size_t base = stack->size() - arguments.size();
  struct Operand {
    std::size_t index;
    at::Tensor device, host;
    bool written, fresh;
  };
  std::vector<Operand> operands;
  bool on_device = false;
  std::vector<at::Tensor> on_host;
  const auto turn = [&](const at::Tensor& t) {
    if (!t.defined()) return t;
    if (!is_ours(t)) {
      on_host.push_back(t);
      return t;
    }
    on_device = true;
    return host_view(t);
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    c10::IValue& value = (*stack)[base + i];
    if (value.isTensor()) {
      const at::Tensor t = value.toTensor();
      if (is_ours(t)) {
        const bool written = arguments[i].alias_info() != nullptr && arguments[i].alias_info()->isWrite();
        const bool fresh = written && t.numel() == 0;  // an output that the kernel sizes
        const at::Tensor host = fresh ? at::empty(t.sizes(), t.options().device(c10::kCPU)) : host_view(t);
        operands.push_back({i, t, host, written, fresh});
        on_device = true;
        value = host;
      } else if (t.defined()) {
        on_host.push_back(t);
      }
    } else if (value.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& t : value.toTensorVector()) list.push_back(turn(t));
      for (const at::Tensor& t : value.toTensorVector())
        if (is_ours(t)) operands.push_back({i, t, {}, false, false});
      value = c10::List<at::Tensor>(list);
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor>& t : value.toOptionalTensorVector())
        list.push_back(t ? std::optional(turn(*t)) : std::nullopt);
      value = list;
    } else if (value.isDevice()) {
      if (value.toDevice().type() == c10::kPrivateUse1) on_device = true;
      value = c10::Device(c10::kCPU);
    }
  }
  for (const at::Tensor& t : on_host)
    if (on_device) refuse_host(op, t);
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  for (const Operand& o : operands) {
    if (!o.written) continue;
    if (o.fresh) {
      grow(o.device, o.host.sizes());
      if (o.host.numel() > 0) host_view(o.device).copy_(o.host);
    } else {
      TORCH_CHECK(o.host.sizes() == o.device.sizes(), "fake device: ", op.schema().name(),
                  " changed an operand's shape");
    }
  }
  const auto& returns = op.schema().returns();
  const std::size_t first = stack->size() - returns.size();
  bool only_views = !returns.empty();
  for (std::size_t r = 0; r < returns.size(); ++r) {
    c10::IValue& value = (*stack)[first + r];
    const auto back = [&](const at::Tensor& t) -> at::Tensor {
      if (!t.defined()) return t;
      if (t.has_storage() && t.storage().data() != nullptr && arena().is_shadow(t.storage().data())) {
        for (const Operand& o : operands) {
          if (o.written && o.host.defined() && o.host.is_same(t)) {
            only_views = false;
            return o.device;
          }
        }
        for (const Operand& o : operands) {
          if (arena().shadow_of(o.device.storage().data()) == t.storage().data())
            return device_view(o.device, t);
        }
      }
      only_views = false;
      for (const Operand& o : operands)
        if (o.fresh && o.host.is_same(t)) return o.device;
      return on_device ? to_device(t) : t;
    };
    if (value.isTensor())
      value = back(value.toTensor());
    else if (value.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& t : value.toTensorVector()) list.push_back(back(t));
      value = c10::List<at::Tensor>(list);
    } else
      only_views = false;
  }
  count([&](Counts& c) {
    if (only_views) {
      ++c.views;
      return;
    }
    ++c.launches;
    ++c.operators[op.schema().name()];
  });
}

at::Tensor empty(c10::IntArrayRef sizes, std::optional<c10::ScalarType> type, std::optional<c10::Layout>,
                 std::optional<c10::Device>, std::optional<bool>, std::optional<c10::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(type), format);
}
at::Tensor empty_strided(c10::IntArrayRef sizes, c10::IntArrayRef strides,
                         std::optional<c10::ScalarType> type, std::optional<c10::Layout>,
                         std::optional<c10::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &allocator,
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(type));
}
at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  const bool here = is_ours(from), there = is_ours(to);
  (there ? host_view(to) : to).copy_(here ? host_view(from) : from);
  count([&](Counts& c) {
    const auto bytes = static_cast<std::int64_t>(to.nbytes());
    if (here && there) {
      ++c.on_device;
      ++c.launches;
      ++c.operators["copy on the device"];
    } else if (there) {
      ++c.to_device;
      c.bytes_to_device += bytes;
    } else {
      ++c.to_host;
      c.bytes_to_host += bytes;
    }
  });
  return to;
}
at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  if (is_ours(to) && to.sizes() != from.sizes()) grow(to, from.sizes());
  return copy_from(from, to, false);
}
at::Scalar scalar(const at::Tensor& t) {
  count([](Counts& c) { ++c.scalars; });
  return at::_local_scalar_dense(host_view(t));
}
const at::Tensor& resize(const at::Tensor& t, c10::IntArrayRef sizes, std::optional<c10::MemoryFormat>) {
  grow(t, sizes);
  return t;
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("_copy_from", copy_from);
  m.impl("_copy_from_and_resize", copy_from_and_resize);
  m.impl("_local_scalar_dense", scalar);
  m.impl("resize_", resize);
}
TORCH_LIBRARY_IMPL(_, PrivateUse1, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&launch>());
}

void on_fault(int signal, siginfo_t* info, void*) {
  if (arena().owns(info->si_addr)) {
    char text[160];
    const int n = std::snprintf(text, sizeof text, "fake device: the host touched device memory at +%zu\n",
                                static_cast<std::size_t>(static_cast<char*>(info->si_addr) - arena().device));
    [[maybe_unused]] auto written = ::write(2, text, static_cast<std::size_t>(n));
    void* frames[24];
    ::backtrace_symbols_fd(frames, ::backtrace(frames, 24), 2);
    ::_exit(99);
  }
  ::signal(signal, SIG_DFL);
}

/// One line on stderr where FAKE_DEVICE_REPORT is set.
void report() {
  const Counts c = counts();
  std::fprintf(stderr,
               "fake device: %ld launches, %ld views, %ld allocations; copies: %ld to device (%.1f MB), %ld "
               "to host (%.1f MB), "
               "%ld on it; %ld scalars read; peak %.1f MB\n",
               c.launches, c.views, c.allocations, c.to_device, c.bytes_to_device / 1e6, c.to_host,
               c.bytes_to_host / 1e6, c.on_device, c.scalars, c.peak_bytes / 1e6);
}

const bool begun = [] {
  static Hooks hooks;
  c10::register_privateuse1_backend("fake");
  at::RegisterPrivateUse1HooksInterface(&hooks);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &action, nullptr);
  ::sigaction(SIGBUS, &action, nullptr);
  if (std::getenv("FAKE_DEVICE_REPORT") != nullptr) std::atexit(report);
  return true;
}();

}  // namespace

Counts counts() {
  const std::lock_guard lock(arena().mutex);
  return arena().counts;
}
void reset() {
  const std::lock_guard lock(arena().mutex);
  const std::int64_t live = arena().counts.live_bytes;
  arena().counts = {};
  arena().counts.live_bytes = arena().counts.peak_bytes = live;
}

}  // namespace orrery::test::fake_device
