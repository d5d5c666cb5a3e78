// The input is a tokenizer.json.
#include "tests/fuzz/tokenizer_texts.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  test::write_scratch("tokenizer.json", test::text_of(data, size));
  test::expect_order(test::encode_texts);
  return 0;
}
