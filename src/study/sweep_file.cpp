#include "sweep_file.hpp"

#include "orrery/archive/checksum.hpp"
#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/archive/skeleton.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/parallel/agreement.hpp"
#include "provenance.hpp"
#include "sweep_summary.hpp"
#include "sweep_writer.hpp"

#include <map>
#include <utility>

namespace orrery::study {

SweepFile::SweepFile(const parallel::Communicator& ranks, const Sweep& sweep,
                     const std::vector<std::int64_t>& prompts, std::vector<archive::Attribute> attributes)
    : ranks_(ranks), layout_(layout_of(sweep, prompts)) {
  for (archive::Attribute& attribute : attributes) layout_.attributes.push_back(std::move(attribute));
}

bool SweepFile::take(const std::function<archive::Output()>& make) {
  bool goes_on = false;
  try {
    parallel::agree(ranks_, "making the output file", [&] {
      if (!ranks_.is_root()) return;
      output_.emplace(make());
      goes_on = output_->goes_on();
      if (goes_on) return;
      archive::build_file(output_->file(), layout_);
      output_->reserve(core::narrow<std::int64_t>(std::filesystem::file_size(output_->file())));
    });
  } catch (const parallel::AgreedError&) {
    if (output_ && !goes_on) output_->discard();
    output_.reset();
    throw;
  }
  return ranks_.max(std::int64_t{goes_on}) != 0;
}

void SweepFile::recover() const {
  if (std::filesystem::exists(output_->skeleton())) {
    archive::restore_skeleton(output_->file(), output_->skeleton());
    std::filesystem::remove(output_->skeleton());
  }
  try {
    archive::checksum_of_attributes(
        archive::Reader(output_->file(), archive::Incomplete::accept, archive::Origin::own));
  } catch (const core::Error& error) {
    throw core::bad_input("the file of the work in progress is damaged", error.what(),
                          "begin anew with --overwrite");
  }
}

void SweepFile::open() {
  const std::string path = ranks_.broadcast(output_ ? output_->file().string() : std::string());
  shared_.emplace(ranks_, path, layout_);
}

void SweepFile::close_and_read_back() {
  shared_->close();
  shared_->read_back();
  shared_.reset();
}

/// Rank 0 alone reads and writes: there is a number for each case and start layer.
void SweepFile::write_summary() {
  std::map<std::string, std::vector<double>> summary;
  parallel::agree(ranks_, "the summary", [&] {
    if (!ranks_.is_root()) return;
    summary =
        sweep_summary(archive::Reader(output_->file(), archive::Incomplete::accept, archive::Origin::own));
  });
  open();
  parallel::agree(ranks_, "writing the summary", [&] {
    for (const auto& [path, values] : summary) {
      const std::vector<std::int64_t> shape =
          archive::shape_of(layout_, archive::dataset_named(layout_, path));
      shared_->write(path, {std::vector<std::int64_t>(shape.size()), shape}, std::span<const double>(values));
    }
  });
  close_and_read_back();
}

void SweepFile::finish(const std::function<std::vector<archive::Attribute>()>& last) {
  close_and_read_back();
  write_summary();
  parallel::agree(ranks_, "finishing the file", [&] {
    if (!ranks_.is_root()) return;
    archive::keep_skeleton(output_->file(), output_->skeleton());
    archive::set_attributes(output_->file(), last());
  });
  archive::write_checksums(ranks_, output_ ? output_->file() : "");
  parallel::agree(ranks_, "publishing the file", [&] {
    if (!ranks_.is_root()) return;
    archive::mark_complete(output_->file());
    output_->publish();
  });
}

void SweepFile::abandon(bool worth_keeping, core::ExitCode reason) {
  // After a failed write the file stays open (SharedFile); after any other error all ranks are here.
  if (shared_ && shared_->is_open() && reason != core::ExitCode::io) shared_->close();
  if (!output_) return;
  if (worth_keeping) {
    output_->leave();
  } else {
    output_->discard();
  }
}

std::vector<archive::Attribute> sweep_attributes(const Sweep& sweep, const model::LlamaConfig& config,
                                                 const Resources& resources, const std::string& command,
                                                 std::int64_t ranks) {
  const PerturbOptions& options = sweep.options;
  std::vector<archive::Attribute> all = run_attributes(to_ini(options), resources, command, ranks);
  for (archive::Attribute& one : model_attributes(options.model, config, *options.dtype, *options.residual))
    all.push_back(std::move(one));
  const auto add = [&](const char* name, archive::AttributeValue value) {
    all.push_back({"/", name, std::move(value)});
  };
  add("seed", options.seed);
  add("trace_checksum", sweep.trace.checksum);
  add("model_sha256", sweep.trace.model_sha256);
  add("tokenizer_sha256", sweep.trace.tokenizer_sha256);
  add("corpus_sha256", sweep.trace.corpus_sha256);
  add("corpus_name", sweep.trace.corpus_name);
  return all;
}

}  // namespace orrery::study
