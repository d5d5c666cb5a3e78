// The input is a config.json; of one that is good, sizes are computed that a plan needs.
#include "orrery/model/llama_config.hpp"
#include "orrery/model/random_weights.hpp"
#include "orrery/model/weights.hpp"
#include "tests/fuzz/target.hpp"

namespace {

void use(const orrery::model::LlamaConfig& config) {
  using namespace orrery::model;
  config.parameters();
  config.points();
  for (const DType dtype : {DType::bfloat16, DType::float64}) {
    layer_bytes(config, dtype);
    outer_bytes(config, dtype, Head::logits);
  }
  config.rope.frequency(0, config.head_dim);
  config.rope.frequency(config.head_dim / 2 - 1, config.head_dim);
  RandomWeights(0, config.initializer_range);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  test::write_scratch("config.json", test::text_of(data, size));
  test::expect_order([] { use(model::read_llama_config(test::scratch())); });
  return 0;
}
