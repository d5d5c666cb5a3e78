#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace orrery::core {

/// Serialises an object's numbers, for a later process on the same kind of machine.
class StateWriter {
 public:
  virtual ~StateWriter() = default;
  virtual void write(std::span<const std::byte> bytes) = 0;

  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    write(std::as_bytes(std::span(&value, 1)));
  }
  /// The reader must know how many to expect.
  template <class T>
  void put_all(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    write(std::as_bytes(values));
  }
};

/// Reads the numbers in the order in which they were written. Throws where none are left.
class StateReader {
 public:
  virtual ~StateReader() = default;
  virtual void read(std::span<std::byte> bytes) = 0;

  template <class T>
  T take() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    read(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  template <class T>
  void take_all(std::span<T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    read(std::as_writable_bytes(values));
  }
};

}  // namespace orrery::core
