// resumed_file PATH [WORD ROUND]: a file made in blocks with a checkpoint after each round, gone on with
// where a checkpoint is there. It kills itself in that round (from 0): WORD is `write`, behind its writes,
// `flush`, before the checkpoint, or `checkpoint`, behind it. The last line on stdout is the number of blocks
// that were there already. A block that is not what its checkpoint says ends it with 65.
#include "orrery/archive/checkpoint.hpp"
#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/output.hpp"
#include "orrery/archive/shared_file.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/parallel/environment.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace {

using namespace orrery;

constexpr std::int64_t blocks = 24;
constexpr std::int64_t width = 3000;  // entries of a block: over a page

archive::Layout layout() {
  archive::Layout made{.format = "orrery-sweep"};
  made.scales = {{.name = "block", .length = blocks, .long_name = "block"},
                 {.name = "entry", .length = width, .long_name = "entry"}};
  made.datasets = {{.path = "/all/value", .dimensions = {"block", "entry"}, .long_name = "value"}};
  return made;
}

archive::Slab slab_of(std::int64_t block) {
  return {{block, 0}, {1, width}};
}

std::vector<double> values_of(std::int64_t block) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < width; ++i) values.push_back(1.0 / static_cast<double>(1 + block * width + i));
  return values;
}

struct Death {
  std::string_view word;
  std::int64_t round = -1;
  void at(std::string_view here, std::int64_t now) const {
    if (here == word && now == round) ::kill(::getpid(), SIGKILL);
  }
};

/// One run; its members are what the ranks know.
class Run {
 public:
  Run(const parallel::Communicator& ranks, std::string out, Death death)
      : ranks_(ranks), out_(std::move(out)), death_(death) {}

  void run() {
    prepare();
    if (path_.empty()) return say(blocks);
    file_.emplace(ranks_, path_, layout());
    check_what_is_there();
    say(std::ssize(checkpoint_.blocks));
    for (std::int64_t round = 0; round * ranks_.size() < blocks; ++round) do_round(round);
    file_->close();
    file_->read_back();
    parallel::agree(ranks_, "publishing", [&] {
      if (!output_) return;
      archive::mark_complete(output_->file());
      output_->publish();
    });
  }

 private:
  void say(std::int64_t there) const {
    if (ranks_.is_root()) std::printf("%lld\n", static_cast<long long>(there));
    std::fflush(stdout);
  }

  /// Leaves the path empty where there is nothing to do.
  void prepare() {
    parallel::agree(ranks_, "making the output", [&] {
      if (!ranks_.is_root()) return;
      output_.emplace(out_, archive::Existing::resume);
      if (!output_->is_done() && !output_->goes_on()) archive::build_file(output_->file(), layout());
    });
    path_ = ranks_.broadcast(output_ && !output_->is_done() ? output_->file().string() : "");
    const std::string checkpoint =
        ranks_.broadcast(output_ && output_->goes_on() ? output_->checkpoint().string() : "");
    if (!checkpoint.empty()) checkpoint_ = archive::read_checkpoint(checkpoint);
  }

  bool is_ours(std::int64_t block) const { return block % ranks_.size() == ranks_.rank(); }

  void check_what_is_there() {
    parallel::agree(ranks_, "checking blocks", [&] {
      for (const auto& [block, hash] : checkpoint_.blocks) {
        if (!is_ours(block) || file_->hash_of("/all/value", slab_of(block)) == hash) continue;
        throw core::bad_input("a block is not what was written", core::concat(block), "begin anew");
      }
    });
  }

  void do_round(std::int64_t round) {
    std::array<std::int64_t, 2> made{-1, 0};
    parallel::agree(ranks_, "writing", [&] {
      const std::int64_t block = round * ranks_.size() + ranks_.rank();
      if (block >= blocks || checkpoint_.blocks.contains(block)) return;
      made = {block, std::bit_cast<std::int64_t>(file_->write("/all/value", slab_of(block),
                                                              std::span<const double>(values_of(block))))};
      ::usleep(2000);
    });
    death_.at("write", round);
    file_->flush();
    for (const auto& one : ranks_.gather_values(std::span<const std::int64_t>(made))) {
      if (one[0] >= 0) checkpoint_.blocks[one[0]] = std::bit_cast<std::uint64_t>(one[1]);
    }
    death_.at("flush", round);
    if (output_) archive::write_checkpoint(output_->checkpoint(), checkpoint_);
    ranks_.barrier();
    death_.at("checkpoint", round);
  }

  const parallel::Communicator& ranks_;
  std::string out_;
  Death death_;
  std::string path_;
  std::optional<archive::Output> output_;  // on rank 0
  std::optional<archive::SharedFile> file_;
  archive::Checkpoint checkpoint_;  // whole on rank 0
};

}  // namespace

int main(int argc, char** argv) {
  parallel::Environment environment(argc, argv);
  const parallel::Communicator ranks = parallel::Communicator::world();
  try {
    Run(ranks, argv[1], argc > 3 ? Death{argv[2], std::atoll(argv[3])} : Death{}).run();
  } catch (const core::Error& error) {
    if (ranks.is_root()) std::fprintf(stderr, "orrery: %s\n", error.what());
    // All ranks know, but the file may be open.
    ranks.barrier();
    parallel::Environment::abort(static_cast<int>(error.code()));
  }
  return 0;
}
