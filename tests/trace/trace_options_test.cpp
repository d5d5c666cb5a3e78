#include "orrery/trace/trace_options.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace orrery::trace {
namespace {

TEST(TraceOptions, RecordWhatRepeatsTheRun) {
  TraceOptions options;
  options.model = "/m";
  options.corpus = "/c/../d";
  options.out = "/o.h5";
  options.dtype = model::DType::bfloat16;
  options.existing = archive::Existing::resume;
  EXPECT_EQ(
      to_ini(options),
      "[trace]\nmodel = /m\ncorpus = /d\nout = /o.h5\nsamples = 1000\nmin-chars = 100\nmax-chars = 500\n"
      "tokens = last\nbos = template\nweights = file\ndtype = bfloat16\nresidual = float32\ndevice = auto\n"
      "threads = 0\norder = auto\ncheckpoint-every = 600s\nstall-minutes = 30\ntile-tokens = 512\n"
      "moments = auto\ncomponents = 64\npermutations = 1000\nseed = 0\nstore = rows\n");
}

TEST(TraceOptions, KnowWhichCantChangeANumber) {
  EXPECT_EQ(free_options(),
            (std::set<std::string>{"checkpoint-every", "config", "corpus", "model", "order", "out",
                                   "overwrite", "resume", "stall-minutes", "threads"}));
}

}  // namespace
}  // namespace orrery::trace
