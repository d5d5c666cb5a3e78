#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::core {

/// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// 64 hexadecimal digits, lower case. Ends the hash: call it once.
  std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-256 of a file's bytes, as `sha256sum` prints it. Throws as ReadFile does, and internal_error soon
/// after it is asked to stop.
std::string sha256_of_file(const std::filesystem::path& path, const std::stop_token& stop = {});

/// SHA-256 of the lines that `sha256sum NAME …` prints in `folder` for `names` sorted bytewise: one hash for
/// several files, which `(cd folder && sha256sum NAME … | sha256sum)` repeats.
std::string sha256_of_files(const std::filesystem::path& folder, std::vector<std::string> names,
                            const std::stop_token& stop = {});

}  // namespace orrery::core
