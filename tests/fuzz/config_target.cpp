// The input is a config.json; of one that is good, sizes are computed that a plan needs.
#include "orrery/model/families.hpp"
#include "orrery/model/llama_description.hpp"
#include "orrery/model/random_weights.hpp"
#include "tests/fuzz/target.hpp"

namespace {

void use(const orrery::model::LlamaConfig& config) {
  using namespace orrery::model;
  const LlamaDescription model(config);
  for (const DType dtype : {DType::bfloat16, DType::float64}) {
    model.layer_bytes(dtype);
    model.outer_bytes(dtype, Head::logits);
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
  test::expect_order([] { model::read_description(test::scratch()); });
  return 0;
}
