#include "orrery/archive/output_options.hpp"

namespace orrery::archive {

void add_config_option(core::OptionTable& table) {
  table.add(
      "config", "PATH", [](const std::string&) {},
      core::concat("INI file with options in a section [", table.section(), "]; the command line wins"));
}

// They are told in this order, by name.
void add_existing_options(core::OptionTable& table, Existing& existing) {
  table.add(
      "overwrite", "", [&existing] { existing = Existing::overwrite; },
      "replace an --out that is there, once the new one is complete");
  table.add(
      "resume", "",
      [&existing] {
        if (existing == Existing::overwrite) {
          throw core::usage_error("--overwrite and --resume exclude each other", "both given",
                                  "give one of them");
        }
        existing = Existing::resume;
      },
      "go on where an earlier run stopped, on any number of ranks and threads, to the same bits; with "
      "nothing "
      "there, begin; with all there, say so. Other options, inputs or another binary are refused");
}

}  // namespace orrery::archive
