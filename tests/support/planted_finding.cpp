// planted_finding leak|overrun|overflow: the last rank does what a sanitizer must find; the program itself
// ends well.
#include "orrery/parallel/communicator.hpp"
#include "orrery/parallel/environment.hpp"

#include <limits>
#include <string>
#include <vector>

namespace {

[[gnu::noinline]] void plant(const std::string& kind, int given) {
  volatile int length = given;
  if (kind == "leak") {
    [[maybe_unused]] int* volatile lost = new int[static_cast<std::size_t>(length)];
    lost = nullptr;
  }
  if (kind == "overrun") {
    std::vector<int> values(static_cast<std::size_t>(length));
    const volatile int behind = values.data()[length];
    static_cast<void>(behind);
  }
  if (kind == "overflow") length = std::numeric_limits<int>::max() - length + 2 * length;
}

}  // namespace

int main(int argc, char** argv) {
  const orrery::parallel::Environment environment(argc, argv);
  const auto ranks = orrery::parallel::Communicator::world();
  if (argc > 1 && ranks.rank() == ranks.size() - 1) plant(argv[1], 25);
  return 0;
}
