// The input is an INI file for --config, of a trace and of a sweep.
#include "orrery/cli/arguments.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace orrery;

template <class Options>
void parse(const std::string& command, const std::string& path, void (*add)(cli::OptionSet&, Options&)) {
  Options options;
  cli::TalkOptions talk;
  cli::OptionSet set(command, command, "");
  add(set, options);
  cli::add_talk_options(set, talk);
  set.parse({"--config", path});
  options.validate();
  to_ini(options);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = test::write_scratch("options.ini", test::text_of(data, size)).string();
  test::expect_order([&] { parse<trace::TraceOptions>("trace", path, cli::add_trace_options); });
  test::expect_order([&] { parse<sweep::PerturbOptions>("perturb", path, cli::add_perturb_options); });
  return 0;
}
