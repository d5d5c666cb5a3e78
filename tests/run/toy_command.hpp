#pragma once

#include "orrery/archive/reader.hpp"
#include "orrery/core/error.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/context.hpp"
#include "orrery/run/work.hpp"
#include "tests/archive/scratch_folder.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::test {

/// A folder that rank 0 makes, and in which all ranks see the same output.
class SharedFolder {
 public:
  explicit SharedFolder(const parallel::Communicator& ranks) : ranks_(ranks) {
    if (ranks.is_root()) folder_.emplace();
    out_ = ranks.broadcast(ranks.is_root() ? (*folder_ / "out.h5").string() : std::string());
  }
  ~SharedFolder() { ranks_.barrier(); }

  const std::filesystem::path& out() const { return out_; }
  std::filesystem::path part() const { return out_.string() + ".part"; }

 private:
  const parallel::Communicator& ranks_;
  std::optional<ScratchFolder> folder_;
  std::filesystem::path out_;
};

/// Adds the squares of the units up.
class SumOfSquares final : public run::Sums {
 public:
  void add(std::int64_t unit) { mine_ += unit * unit; }
  std::int64_t mine() const { return mine_; }

  void gather() override {}
  void save_common(core::StateWriter& state) const override { state.put(std::int64_t{7}); }
  void save_own(core::StateWriter& state) override { state.put(mine_); }
  void restore_common(core::StateReader& state) override { mine_ = state.take<std::int64_t>() == 7 ? 0 : -1; }
  void add_saved(core::StateReader& state) override { mine_ += state.take<std::int64_t>(); }

 private:
  std::int64_t mine_ = 0;
};

/// Its files are read, verified and inspected like any.
inline const archive::AddedFormat toy_format("orrery-toy", 1);

/// The smallest command: of each unit u its square is written to the file. What can go wrong, tests choose.
struct ToyCommand {
  const parallel::Communicator& ranks;
  std::filesystem::path out;
  archive::Existing existing = archive::Existing::refuse;
  std::string config = "[toy]\nseed = 1\n";
  std::string input_hash = "ab";
  std::string model_hash = "cd";
  std::function<void()> before_model_hash = [] {};  ///< on rank 0, in the thread that takes it
  std::int64_t units = 11;
  std::int64_t round = 2;
  std::int64_t cut_to = 1000;             ///< a round does no more of its units
  std::optional<std::int64_t> lost = {};  ///< a unit whose number is not found in the file again
  bool sums = false;
  bool keeps_rows = false;
  std::int64_t group_choice = 3;
  /// Called at the beginning of a round, on all ranks, in a phase of which they agree.
  std::function<void(std::int64_t round)> at_round = [](std::int64_t) {};
  double checkpoint_seconds = 0;

  // What it saw:
  std::vector<std::int64_t> ran = {};    ///< this rank's units
  std::int64_t rounds = 0;               ///< that this rank ran
  std::vector<std::int64_t> found = {};  ///< done by an earlier run
  std::int64_t chosen = 0;
  std::int64_t total = 0;  ///< of all ranks, where there are sums

  static archive::Layout layout(const char* path, std::int64_t units) {
    archive::Layout made{.format = "orrery-toy"};
    made.scales = {{.name = "unit", .length = units, .long_name = "unit"}};
    made.datasets = {{.path = path, .dimensions = {"unit"}, .long_name = "square"}};
    return made;
  }

  run::Job job() const {
    run::Job made;
    made.unit = "toy";
    made.units.resize(static_cast<std::size_t>(units));
    std::iota(made.units.begin(), made.units.end(), std::int64_t{0});
    made.layout = layout("/toy/square", units);
    if (keeps_rows) made.rows_layout = layout("/toy/kept", units);
    made.config = config;
    made.attributes = {{"/", "corpus_name", "none"}};
    made.make_output = [this] { return archive::Output(out, existing); };
    made.inputs = [this] { return run::Identity{{run::input_name("corpus"), input_hash}}; };
    return made;
  }

  const char* path() const { return keeps_rows ? "/toy/kept" : "/toy/square"; }

  std::vector<run::DoneUnit> run_round(run::Work& work, SumOfSquares& sum,
                                       const std::vector<std::int64_t>& mine) {
    std::vector<run::DoneUnit> done;
    parallel::agree(ranks, "a round of toys", [&] {
      at_round(rounds);
      for (const std::int64_t unit : mine) {
        if (std::ssize(done) == cut_to) break;
        const std::array<double, 1> square = {static_cast<double>(unit * unit)};
        done.push_back({unit, work.rows_file().write(path(), {{unit}, {1}}, square)});
        sum.add(unit);
        ran.push_back(unit);
      }
    });
    ++rounds;
    return done;
  }

  /// Collective: all of it.
  void run() {
    run::MachineOptions machine;
    machine.device = run::DeviceChoice::cpu;
    machine.threads = 1;
    machine.checkpoint_seconds = checkpoint_seconds;
    machine.stall_minutes = 0;
    core::SilentProgress silent;
    run::Context context(ranks, "orrery toy", machine, silent, [](const core::Error&) {});
    run::Work work(context, {"toys"});
    SumOfSquares sum;
    work.attempt([&] {
      work.take(job());
      chosen = work.choose("groups", group_choice);
      work.open();
      work.find_done([&](std::int64_t unit) {
        return lost == unit ? 0 : work.rows_file().hash_of(path(), {{unit}, {1}});
      });
      found = work.done();
      if (sums) {
        for (std::int64_t pass = 0; pass < work.saved_passes(); ++pass) work.restore(pass, sum);
        work.keep_sums(&sum);
      }
      work.hash_model([this](const std::stop_token&) {
        before_model_hash();
        return model_hash;
      });
      const std::vector<double> costs(static_cast<std::size_t>(units), 1);
      work.run_rounds(
          {"toys", units, "toys", units, "squares"}, work.share_of(work.left(), costs),
          {[this](std::span<const std::int64_t> left) { return std::min(round, std::ssize(left)); },
           [&](const std::vector<std::int64_t>& mine, core::ProgressSink&) {
             return run_round(work, sum, mine);
           }});
      total = ranks.sum(sum.mine());
      work.close();
      work.publish([&] {
        return run::Appendix{{{"/", "model_sha256", work.identity().at(run::input_name("model"))}}, {}};
      });
    });
  }

  std::int64_t ran_by_all() const { return ranks.sum(std::ssize(ran)); }
};

}  // namespace orrery::test
