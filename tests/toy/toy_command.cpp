// A command that the product does not know: it adds up squares by the run engine, and writes a file of its
// own format.
#include "tests/run/toy_command.hpp"

#include "orrery/archive/output_options.hpp"
#include "orrery/cli/commands.hpp"
#include "orrery/cli/program.hpp"

namespace orrery::test {
namespace {

struct ToyOptions {
  std::filesystem::path out;
  std::int64_t units = 11;
  archive::Existing existing = archive::Existing::refuse;
};

core::OptionTable option_table(ToyOptions& o) {
  core::OptionTable table("toy");
  table.group("Files").free();
  table.path("out", o.out, "toy", archive::out_help);
  archive::add_existing_options(table, o.existing);
  table.group("Squares").fixing();
  table.whole("units", o.units, 1, 1000, "numbers whose squares are taken");
  return table;
}

std::vector<core::OptionTable> documented() {
  static ToyOptions any;
  return {option_table(any)};
}

int run_toy(int& count, char**& arguments, const std::vector<std::string>& words) {
  ToyOptions options;
  cli::OptionSet set("toy", "toy", cli::command_text("toy").usage);
  const core::OptionTable table = option_table(options);
  set.add(table);
  if (const auto code = cli::parse_on_ranks(count, arguments, set, words, [&] { table.validate(); }))
    return *code;
  return cli::run_on_ranks(count, arguments, [&](const parallel::Communicator& ranks) {
    ToyCommand command{ranks, options.out, options.existing};
    command.config = table.to_ini();
    command.units = options.units;
    command.run();
    return 0;
  });
}

const cli::AddedCommand toy({"toy", "squares numbers", "orrery toy --out FILE\nSquares numbers."}, documented,
                            run_toy,
                            /*runs_on_ranks=*/true);

}  // namespace
}  // namespace orrery::test
