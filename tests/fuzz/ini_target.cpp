// The input is an INI file for --config, of a trace and of a sweep.
#include "orrery/cli/commands.hpp"
#include "orrery/cli/option_set.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace orrery;

template <class Options>
void parse(const std::string& command, const std::string& path) {
  Options options;
  cli::TalkOptions talk;
  cli::OptionSet set(command, command, "");
  set.add(option_table(options));
  set.add(cli::option_table(talk));
  set.parse({"--config", path});
  options.validate();
  to_ini(options);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = test::write_scratch("options.ini", test::text_of(data, size)).string();
  test::expect_order([&] { parse<trace::TraceOptions>("trace", path); });
  test::expect_order([&] { parse<sweep::PerturbOptions>("perturb", path); });
  return 0;
}
