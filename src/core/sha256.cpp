#include "orrery/core/sha256.hpp"

#include "orrery/core/error.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/hex.hpp"
#include "orrery/core/read_file.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace orrery::core {

struct Sha256::Context {
  EVP_MD_CTX* handle = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(handle); }
};

namespace {
void check(int ok) {
  if (ok != 1) throw internal_error("OpenSSL refused SHA-256", "EVP call failed", "check its configuration");
}
}  // namespace

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(EVP_DigestInit_ex(context_->handle, EVP_sha256(), nullptr));
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()));
}

void Sha256::update(std::string_view text) {
  update(std::as_bytes(std::span(text)));
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(context_->handle, digest.data(), &size));
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += core::hex(digest[i], 2);
  return text;
}

std::string sha256_of_file(const std::filesystem::path& path, const std::stop_token& stop) {
  const ReadFile file(path);
  Sha256 hash;
  std::vector<std::byte> block(std::size_t{8} << 20);
  for (std::int64_t offset = 0; offset < file.size(); offset += std::ssize(block)) {
    const auto piece = std::span(block).first(
        static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(block), file.size() - offset)));
    file.read(offset, piece);
    hash.update(piece);
    if (stop.stop_requested()) {
      throw internal_error("a file's hash was given up", path.string(), "it is not needed any more");
    }
    beat();
  }
  return hash.hex();
}

std::string sha256_of_files(const std::filesystem::path& folder, std::vector<std::string> names,
                            const std::stop_token& stop) {
  std::sort(names.begin(), names.end());
  Sha256 hash;
  for (const std::string& name : names) hash.update(sha256_of_file(folder / name, stop) + "  " + name + "\n");
  return hash.hex();
}

}  // namespace orrery::core
