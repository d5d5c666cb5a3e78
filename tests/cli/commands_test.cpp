#include "orrery/cli/commands.hpp"

#include "orrery/cli/option_set.hpp"
#include "tests/archive/expect_error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace orrery::cli {
namespace {

using core::ExitCode;
using test::expect_error;
using Words = std::vector<std::string>;

trace::TraceOptions trace_of(const Words& words) {
  trace::TraceOptions options;
  TalkOptions talk;
  OptionSet set("trace", "trace", "orrery trace");
  set.add(trace::option_table(options));
  set.add(option_table(talk));
  set.parse(words);
  return options;
}

sweep::PerturbOptions perturb_of(const Words& words) {
  sweep::PerturbOptions options;
  OptionSet set("perturb", "perturb", "orrery perturb");
  set.add(sweep::option_table(options));
  set.parse(words);
  return options;
}

/// Of what a run of trace needs.
Words with_files(Words more) {
  Words words = {"--model", "m", "--corpus", "c", "--out", "o"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(TraceArguments, DefaultsAreThoseOfTheOptions) {
  const trace::TraceOptions given = trace_of({}), plain;
  EXPECT_EQ(given.selection.samples, plain.selection.samples);
  EXPECT_EQ(given.tokens, plain.tokens);
  EXPECT_EQ(given.bos, plain.bos);
  EXPECT_EQ(given.weights, plain.weights);
  EXPECT_EQ(given.dtype, plain.dtype);
  EXPECT_EQ(given.residual, plain.residual);
  EXPECT_EQ(given.moments, plain.moments);
  EXPECT_EQ(given.store, plain.store);
  EXPECT_EQ(given.existing, plain.existing);
  EXPECT_EQ(given.machine.device, plain.machine.device);
  EXPECT_EQ(given.machine.order, plain.machine.order);
  EXPECT_EQ(given.machine.checkpoint_seconds, plain.machine.checkpoint_seconds);
}

TEST(TraceArguments, AreWhatTheirWordsSay) {
  const trace::TraceOptions o =
      trace_of(with_files({"--samples", "0",         "--min-chars", "5",        "--max-chars",
                           "50",        "--tokens",  "all",         "--bos",    "none",
                           "--weights", "random",    "--dtype",     "bfloat16", "--residual",
                           "float64",   "--moments", "streaming",   "--store",  "none",
                           "--order",   "layers",    "--device",    "cpu",      "--checkpoint-every",
                           "2h",        "--threads", "3",           "--seed",   "9223372036854775807",
                           "--resume"}));
  EXPECT_EQ(o.model, "m");
  EXPECT_EQ(o.corpus, "c");
  EXPECT_EQ(o.out, "o");
  EXPECT_EQ(o.selection.samples, 0);
  EXPECT_EQ(o.selection.min_chars, 5);
  EXPECT_EQ(o.selection.max_chars, 50);
  EXPECT_EQ(o.tokens, trace::Tokens::all);
  EXPECT_EQ(o.bos, text::Bos::none);
  EXPECT_EQ(o.weights, trace::WeightChoice::random);
  EXPECT_EQ(o.dtype, model::DType::bfloat16);
  EXPECT_EQ(o.residual, model::DType::float64);
  EXPECT_EQ(o.moments, trace::MomentsChoice::streaming);
  EXPECT_EQ(o.store, trace::Store::none);
  EXPECT_EQ(o.machine.order, run::OrderChoice::layers);
  EXPECT_EQ(o.machine.device, run::DeviceChoice::cpu);
  EXPECT_EQ(o.machine.checkpoint_seconds, 7200);
  EXPECT_EQ(o.machine.threads, 3);
  EXPECT_EQ(o.seed, 9223372036854775807);
  EXPECT_EQ(o.existing, archive::Existing::resume);
  EXPECT_NO_THROW(o.validate());
}

TEST(TraceArguments, RefuseWhatNoRunCanHave) {
  for (const Words& words : {Words{"--tokens", "every"},
                             Words{"--dtype", "float16"},
                             Words{"--residual", "half"},
                             Words{"--moments", "kept"},
                             Words{"--store", "all"},
                             Words{"--order", "rows"},
                             Words{"--device", "tpu"},
                             Words{"--weights", "none"},
                             Words{"--bos", "yes"},
                             Words{"--checkpoint-every", "soon"},
                             Words{"--progress", "dots"},
                             Words{"--log-level", "loud"},
                             Words{"--seed", "9223372036854775808"},
                             Words{"--samples=-1"},
                             Words{"--tile-tokens", "0"},
                             Words{"--components", "0"},
                             Words{"--permutations", "0"},
                             Words{"--permutations", "1000001"},
                             Words{"--seed=-1"},
                             Words{"--threads=-1"}}) {
    const std::string option = words.front().substr(0, words.front().find('='));
    expect_error(ExitCode::usage, option, [&] { trace_of(with_files(words)).validate(); });
  }
  EXPECT_NO_THROW(trace_of(with_files({"--permutations", "1000000"})).validate());
  EXPECT_NO_THROW(trace_of(with_files({"--permutations", "1"})).validate());
  expect_error(ExitCode::usage, "--overwrite and --resume", [] { trace_of({"--overwrite", "--resume"}); });
  expect_error(ExitCode::usage, "10 and 11", [] {
    trace_of(with_files({"--min-chars", "10", "--max-chars", "11"})).validate();
  });
  expect_error(ExitCode::usage, "--tokens all", [] {
    trace_of(with_files({"--tokens", "all", "--moments", "rows"})).validate();
  });
}

TEST(TraceArguments, NeedTheirFiles) {
  for (const char* missing : {"--model", "--corpus", "--out"}) {
    Words words = with_files({});
    const auto at = std::ranges::find(words, missing);
    words.erase(at, at + 2);
    expect_error(ExitCode::usage, std::string(missing) + " is missing", [&] { trace_of(words).validate(); });
  }
}

TEST(PerturbArguments, DefaultsAreThoseOfTheOptions) {
  const sweep::PerturbOptions given = perturb_of({}), plain;
  EXPECT_EQ(sweep::text_of(given.kinds), sweep::text_of(plain.kinds));
  EXPECT_EQ(given.mode, plain.mode);
  EXPECT_EQ(given.range, plain.range);
  EXPECT_EQ(given.control, plain.control);
  EXPECT_EQ(given.epsilons, plain.epsilons);
  EXPECT_EQ(given.ablation, plain.ablation);
  EXPECT_EQ(given.ablated_layers, plain.ablated_layers);
  EXPECT_EQ(given.layers, plain.layers);
  EXPECT_EQ(given.weights, plain.weights);
  EXPECT_EQ(given.store, plain.store);
  EXPECT_EQ(given.state_points, plain.state_points);
  EXPECT_EQ(given.score_components, plain.score_components);
}

TEST(PerturbArguments, AreWhatTheirWordsSay) {
  const sweep::PerturbOptions o = perturb_of({"--trace", "t", "--out", "o", "--kinds", "ablate", "--ablate",
                                              "mean", "--part", "1/3", "--epsilon", "0.5,2", "--controls",
                                              "none", "--mode", "shift", "--range", "layer", "--overwrite"});
  EXPECT_EQ(o.trace, "t");
  EXPECT_FALSE(o.kinds.teleport || o.kinds.noise);
  EXPECT_TRUE(o.kinds.ablate);
  EXPECT_EQ(o.ablation, sweep::Ablation::mean);
  ASSERT_TRUE(o.part.has_value());
  EXPECT_EQ(o.part->number, 1);
  EXPECT_EQ(o.part->count, 3);
  EXPECT_EQ(o.epsilons, (std::vector<double>{0.5, 2}));
  EXPECT_EQ(o.control, sweep::Control::none);
  EXPECT_EQ(o.mode, sweep::TeleportMode::shift);
  EXPECT_EQ(o.range, sweep::GridRange::layer);
  EXPECT_EQ(o.existing, archive::Existing::overwrite);
}

TEST(PerturbArguments, RefuseWhatNoSweepCanHave) {
  for (const Words& words : {Words{"--kinds", "teleports"}, Words{"--ablate", "half"}, Words{"--part", "3/3"},
                             Words{"--part", "1"}, Words{"--mode", "jump"}, Words{"--range", "all"},
                             Words{"--controls", "some"}, Words{"--weights", "none"}, Words{"--grid", "0"},
                             Words{"--batch-rows", "0"}, Words{"--score-components", "0"}}) {
    Words all = {"--trace", "t", "--out", "o"};
    all.insert(all.end(), words.begin(), words.end());
    expect_error(ExitCode::usage, words.front(), [&] { perturb_of(all).validate(); });
  }
}

}  // namespace
}  // namespace orrery::cli
