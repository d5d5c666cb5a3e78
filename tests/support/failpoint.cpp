// What core/failpoint.cpp leaves empty: things that go wrong where a test asks for it. Linked into
// orrery_faulty, which is the program itself but for this and failing_io.cpp.
//
//   ORRERY_FAULT="PLACE@RANK=KIND[;…]"   RANK a number or *; "PLACE#3@1=…": only the third time
//     exception, allocation, stall, kill, stop (SIGUSR1), delay:MILLISECONDS; of numbers in memory: nan, flip
//   ORRERY_PLACES=FILE                   a line "RANK PLACE" for each place that was reached, once
#include "orrery/core/failpoint.hpp"

#include <bit>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

struct Fault {
  std::string place;
  std::string rank;
  std::string kind;
  std::int64_t time = 0;  // the time on which it happens; 0: each
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string rank() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK"}) {
    if (!variable(name).empty()) return variable(name);
  }
  return "0";
}

std::vector<Fault> read_faults() {
  std::vector<Fault> faults;
  std::istringstream list(variable("ORRERY_FAULT"));
  for (std::string one; std::getline(list, one, ';');) {
    const std::size_t at = one.rfind('@');
    const std::size_t is = one.find('=', at);
    if (at == std::string::npos || is == std::string::npos) {
      std::fprintf(stderr, "ORRERY_FAULT is not PLACE@RANK=KIND: %s\n", one.c_str());
      std::_Exit(99);
    }
    Fault fault{one.substr(0, at), one.substr(at + 1, is - at - 1), one.substr(is + 1)};
    if (const std::size_t number = fault.place.rfind('#'); number != std::string::npos) {
      fault.time = std::atoll(fault.place.c_str() + number + 1);
      fault.place.resize(number);
    }
    faults.push_back(fault);
  }
  return faults;
}

void change(const std::string& kind, std::span<std::byte> memory) {
  // NaN as a double, and as two floats.
  if (kind == "nan" && memory.size() >= sizeof(double)) {
    constexpr std::uint64_t nan = 0x7ff8'0000'7fc0'0000;
    std::memcpy(memory.data() + memory.size() / 2 / sizeof(double) * sizeof(double), &nan, sizeof nan);
  }
  // Bit 44 of a word: far above rounding, far below the sign.
  if (kind == "flip" && memory.size() >= sizeof(std::uint64_t)) {
    memory[memory.size() / 2 / sizeof(std::uint64_t) * sizeof(std::uint64_t) + 5] ^= std::byte{0x10};
  }
}

void happen(const std::string& kind, std::span<std::byte> memory) {
  if (kind == "exception") throw std::runtime_error("a fault that a test injected");
  if (kind == "allocation") throw std::bad_alloc();
  if (kind == "kill") ::raise(SIGKILL);
  if (kind == "stop") ::raise(SIGUSR1);
  if (kind.starts_with("delay:")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atoll(kind.c_str() + 6)));
  }
  while (kind == "stall") std::this_thread::sleep_for(std::chrono::seconds(1));
  change(kind, memory);
}

void reach(std::string_view name, std::span<std::byte> memory) {
  static const std::vector<Fault> faults = read_faults();
  static const std::string own = rank();
  static const std::string places = variable("ORRERY_PLACES");
  static std::mutex mutex;
  static std::map<std::string, std::int64_t> times;
  if (faults.empty() && places.empty()) return;
  std::int64_t time = 0;
  {
    const std::lock_guard lock(mutex);
    time = ++times[std::string(name)];
    if (time == 1 && !places.empty()) {
      std::FILE* file = std::fopen(places.c_str(), "a");
      std::fprintf(file, "%s %.*s\n", own.c_str(), static_cast<int>(name.size()), name.data());
      std::fclose(file);
    }
  }
  for (const Fault& fault : faults) {
    if (fault.place != name || (fault.rank != "*" && fault.rank != own)) continue;
    if (fault.time == 0 || fault.time == time) happen(fault.kind, memory);
  }
}

}  // namespace

namespace orrery::core {

void failpoint(std::string_view name) {
  reach(name, {});
}
void failpoint(std::string_view name, std::span<std::byte> memory) {
  reach(name, memory);
}

}  // namespace orrery::core
