#include "plan_command.hpp"

#include "console.hpp"
#include "orrery/cli/arguments.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/families.hpp"
#include "orrery/run/resources.hpp"
#include "orrery/sweep/sweep_input.hpp"
#include "orrery/sweep/sweep_plan.hpp"
#include "orrery/trace/plan.hpp"

namespace orrery::cli {
namespace {

using core::concat;
using Words = std::vector<std::string>;

/// The ranks that a plan is made for.
struct AskedRanks {
  int ranks = 1;
  int a_node = 0;

  void add_to(OptionSet& set) {
    auto add = set.group("Plan").add_options();
    add("ranks", boost::program_options::value(&ranks)->default_value(1)->value_name("N"), "MPI ranks");
    add("ranks-a-node", boost::program_options::value(&a_node)->default_value(0)->value_name("N"),
        "0: all on one node");
  }
  run::PlannedRanks planned(const run::MachineOptions& options) const {
    if (ranks < 1 || a_node < 0) {
      throw core::usage_error("--ranks and --ranks-a-node count ranks", concat(ranks, " and ", a_node),
                              "give 1 or more");
    }
    return run::planned_here(options, ranks, a_node == 0 ? ranks : a_node);
  }
};

int plan_trace(const Words& words) {
  trace::TraceOptions options;
  TalkOptions talk;
  AskedRanks asked;
  OptionSet set("plan trace", "trace",
                "orrery plan trace …options of orrery trace… [--ranks R]\n"
                "Prints what the run would take; runs nothing.");
  asked.add_to(set);
  add_trace_options(set, options);
  add_talk_options(set, talk);
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  if (options.out.empty()) options.out = "run.h5";
  options.validate();
  const run::PlannedRanks planned = asked.planned(options.machine);
  set_talk(talk, true);
  const trace::TraceInput input = trace::read_trace_input(options);
  if (!options.dtype) options.dtype = planned.gpu ? model::DType::bfloat16 : model::DType::float32;
  const trace::TracePlan made = trace::plan_trace(input, options, planned);
  print(trace::plan_text(made, trace::estimate_time(made, input, options, planned), input, options, planned));
  trace::require_memory(made, planned);
  return 0;
}

int plan_perturb(const Words& words) {
  sweep::PerturbOptions options;
  TalkOptions talk;
  AskedRanks asked;
  OptionSet set("plan perturb", "perturb",
                "orrery plan perturb …options of orrery perturb… [--ranks R]\n"
                "Prints what the sweep, or its --part, would take; runs nothing.");
  asked.add_to(set);
  add_perturb_options(set, options);
  add_talk_options(set, talk);
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  if (options.out.empty()) options.out = "sweep.h5";
  const run::PlannedRanks planned = asked.planned(options.machine);
  set_talk(talk, true);
  const sweep::Sweep sweep = sweep::read_sweep(options);
  const std::unique_ptr<model::Description> model = model::read_description(sweep.options.model);
  sweep::require_model(sweep, model->shape());
  const sweep::SweepPlan made = sweep::plan_sweep(sweep, *model, planned);
  print(sweep::plan_text(made, sweep, *model, planned));
  sweep::require_memory(made, planned);
  return 0;
}

}  // namespace

int run_plan(const Words& words) {
  const std::string command = words.empty() ? "" : words.front();
  if (command == "--help" || command == "-h") {
    print("orrery plan trace|perturb …options of the command… [--ranks R]\n");
    return 0;
  }
  if (command != "trace" && command != "perturb") {
    throw core::usage_error("orrery plan needs the command to plan",
                            words.empty() ? "nothing given" : command,
                            "`orrery plan trace …` or `orrery plan perturb …`, with that command's options");
  }
  const Words options(words.begin() + 1, words.end());
  return command == "trace" ? plan_trace(options) : plan_perturb(options);
}

}  // namespace orrery::cli
