// A corpus: its first byte chooses which rows are taken, the rest is the file.
#include "orrery/text/corpus.hpp"
#include "tests/fuzz/target.hpp"

#include <array>

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orrery;
  static constexpr std::array<text::CorpusSelection, 4> selections = {{
      {.samples = 0, .min_chars = 0, .max_chars = 1'000'000},
      {.samples = 2, .min_chars = 0, .max_chars = 10},
      {.samples = 1, .min_chars = 3, .max_chars = 5},
      {},
  }};
  const text::CorpusSelection& selection = selections[size > 0 ? data[0] % selections.size() : 0];
  const auto path = test::write_scratch("corpus.txt", test::text_of(data, size).substr(size > 0 ? 1 : 0));
  test::expect_order([&] { text::read_corpus(path, selection); });
  return 0;
}
