// The input is a safetensors file; where it begins with a brace it is the header alone, and gets its length
// and some numbers: a fuzzer would seldom hit upon a length that fits.
#include "orrery/model/safetensors.hpp"
#include "tests/fuzz/target.hpp"

#include <span>

namespace {

constexpr std::size_t data_bytes = 256;

std::string whole_file(std::string_view bytes) {
  if (!bytes.starts_with('{')) return std::string(bytes);
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(bytes.size() >> (8 * i));
  return file.append(bytes).append(data_bytes, '\x3f');
}

/// Reads each tensor as one who believes the header.
void read_all(const std::filesystem::path& path) {
  using namespace orrery;
  const auto header = model::read_safetensors_header(path);
  const model::Checkpoint checkpoint(path.parent_path());
  std::vector<std::byte> room;
  for (const auto& tensor : header) {
    const model::TensorEntry& entry = tensor.second;
    if (entry.shape.empty() || entry.bytes == 0) continue;
    test::expect_order([&] { checkpoint.read(tensor.first, entry.shape, 2, room, [](auto, auto, auto) {}); });
  }
  test::expect_order([&] { checkpoint.require("model.norm.weight", std::vector<std::int64_t>{16}); });
  checkpoint.bytes();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  const auto path = test::write_scratch("model.safetensors", whole_file(test::text_of(data, size)));
  test::expect_order([&] { read_all(path); });
  return 0;
}
