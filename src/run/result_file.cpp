#include "orrery/run/result_file.hpp"

#include "orrery/archive/checksum.hpp"
#include "orrery/archive/file_builder.hpp"
#include "orrery/archive/finish.hpp"
#include "orrery/archive/metadata_backup.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/narrow.hpp"
#include "orrery/parallel/agreement.hpp"

#include <utility>

namespace orrery::run {

ResultFile::ResultFile(const parallel::Communicator& ranks, archive::Layout layout)
    : ranks_(ranks), layout_(std::move(layout)) {}

bool ResultFile::take(const std::function<archive::Output()>& make, Watchdog& watchdog) {
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
    if (output_) goes_on ? output_->leave() : output_->discard();
    output_.reset();
    throw;
  }
  watchdog.watch(output_ ? output_->heartbeat() : std::filesystem::path());
  return ranks_.max(std::int64_t{goes_on}) != 0;
}

void ResultFile::recover() const {
  if (std::filesystem::exists(output_->metadata())) {
    archive::restore_metadata(output_->file(), output_->metadata());
    std::filesystem::remove(output_->metadata());
  }
  try {
    archive::checksum_of_attributes(
        archive::Reader(output_->file(), archive::Incomplete::accept, archive::Origin::own));
  } catch (const core::Error& error) {
    if (error.code() == core::ExitCode::io) throw;
    throw core::bad_input("the file of the work in progress is damaged", error.what(),
                          "begin anew with --overwrite");
  }
}

void ResultFile::open() {
  const std::string path = ranks_.broadcast(output_ ? output_->file().string() : std::string());
  shared_.emplace(ranks_, path, layout_);
}

void ResultFile::close_and_read_back() {
  shared_->close();
  shared_->read_back();
  shared_.reset();
}

void ResultFile::publish(const std::function<Appendix()>& appendix) {
  parallel::agree(ranks_, "finishing the file", [&] {
    if (!ranks_.is_root()) return;
    const Appendix last = appendix();
    archive::save_metadata(output_->file(), output_->metadata());
    if (last.datasets) archive::append_to_file(output_->file(), *last.datasets);
    archive::set_attributes(output_->file(), last.attributes);
  });
  archive::write_checksums(ranks_, output_ ? output_->file() : "");
  parallel::agree(ranks_, "publishing the file", [&] {
    if (!ranks_.is_root()) return;
    archive::mark_complete(output_->file());
    output_->publish();
  });
}

parallel::AgreedError ResultFile::abandon(bool worth_keeping, const parallel::AgreedError& reason) {
  const parallel::AgreedError error = shared_ ? shared_->give_up(reason) : reason;
  if (output_) worth_keeping || output_->goes_on() ? output_->leave() : output_->discard();
  return error;
}

}  // namespace orrery::run
