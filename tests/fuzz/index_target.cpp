// The input is a model.safetensors.index.json beside two shards of one tensor each.
#include "orrery/model/safetensors.hpp"
#include "tests/fuzz/target.hpp"

namespace {

void write_shard(const std::string& name, const std::string& tensor) {
  const std::string header = "{\"" + tensor + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  orrery::test::write_scratch(name, file + header + "01234567");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  static const bool is_made = (write_shard("one", "a"), write_shard("two", "b"), true);
  static_cast<void>(is_made);
  test::write_scratch("model.safetensors.index.json", test::text_of(data, size));
  test::expect_order([] {
    const model::Checkpoint checkpoint(test::scratch());
    for (const char* name : {"a", "b"}) {
      if (checkpoint.has(name)) checkpoint.number_format(name);
    }
  });
  return 0;
}
