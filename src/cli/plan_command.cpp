#include "plan_command.hpp"

#include "console.hpp"
#include "orrery/cli/commands.hpp"
#include "orrery/cli/option_set.hpp"
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

run::PlannedRanks planned_for(const AskedRanks& asked, const run::MachineOptions& options) {
  if (asked.ranks < 1 || asked.a_node < 0) {
    throw core::usage_error("--ranks and --ranks-a-node count ranks",
                            concat(asked.ranks, " and ", asked.a_node), "give 1 or more");
  }
  return run::planned_here(options, asked.ranks, asked.a_node == 0 ? asked.ranks : asked.a_node);
}

int plan_trace(const Words& words) {
  trace::TraceOptions options;
  TalkOptions talk;
  AskedRanks asked;
  OptionSet set("plan trace", "trace", command_text("plan trace").usage);
  set.add(option_table(asked));
  set.add(trace::option_table(options));
  set.add(option_table(talk));
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  if (options.out.empty()) options.out = "run.h5";
  options.validate();
  const run::PlannedRanks planned = planned_for(asked, options.machine);
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
  OptionSet set("plan perturb", "perturb", command_text("plan perturb").usage);
  set.add(option_table(asked));
  set.add(sweep::option_table(options));
  set.add(option_table(talk));
  if (set.parse(words)) {
    print(set.help());
    return 0;
  }
  if (options.out.empty()) options.out = "sweep.h5";
  const run::PlannedRanks planned = planned_for(asked, options.machine);
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
    print(command_text("plan").usage + "\n");
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
