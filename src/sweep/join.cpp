#include "orrery/sweep/join.hpp"

#include "orrery/archive/checksum.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/parallel/agreement.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/model_input.hpp"
#include "orrery/run/provenance.hpp"
#include "orrery/run/stopwatch.hpp"
#include "sweep_file.hpp"
#include "sweep_writer.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::sweep {
namespace {

using archive::DatasetInfo;
using archive::Reader;
using core::concat;

/// Writes bytes as the numbers that they are.
void write_bytes(archive::SharedFile& file, const DatasetInfo& info, const archive::Slab& slab,
                 const std::vector<std::byte>& bytes) {
  const auto as = [&]<class T>(T) {
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    file.write(info.path, slab, std::span<const T>(values));
  };
  switch (info.type) {
    case archive::ElementType::float32:
      return as(float{});
    case archive::ElementType::float64:
      return as(double{});
    case archive::ElementType::int32:
      return as(std::int32_t{});
    case archive::ElementType::int64:
      return as(std::int64_t{});
    default:
      return as(std::uint8_t{});
  }
}

/// Where each of a part's coordinates stands in the whole.
std::vector<std::int64_t> places_in(const std::vector<std::int64_t>& whole,
                                    const std::vector<std::int64_t>& part, const std::string& seen) {
  std::vector<std::int64_t> places;
  for (const std::int64_t number : part) {
    const auto found = std::ranges::lower_bound(whole, number);
    if (found == whole.end() || *found != number)
      throw core::bad_input("a part has a prompt that the sweep has not", concat(seen, ": ", number),
                            "run that part again");
    places.push_back(found - whole.begin());
  }
  return places;
}

/// Copies what a part's file holds of each prompt.
void copy_part(const Reader& part, const std::string& name, const archive::SweepExtent& whole,
               archive::SharedFile& file) {
  for (const auto& [scale, numbers] :
       {std::pair{"prompt", &whole.prompts}, std::pair{"state_prompt", &whole.state_prompts}}) {
    const std::string path = std::string("/") + scale;
    if (!part.has(path)) continue;
    const std::vector<std::int64_t> places = places_in(*numbers, part.read_integers(path), name);
    for (const DatasetInfo& info : part.datasets()) {
      if (info.is_scale || info.dimensions.empty() || info.dimensions.front() != scale ||
          info.path.starts_with("/prompts/"))
        continue;
      for (std::size_t i = 0; i < places.size(); ++i) {
        archive::Slab slab{std::vector<std::int64_t>(info.shape.size()), info.shape};
        slab.offset[0] = places[i];
        slab.count[0] = 1;
        write_bytes(file, info, slab, part.read_bytes(info.path, static_cast<std::int64_t>(i), 1));
      }
    }
  }
}

/// The devices that the parts ran on, as of Resources.
std::vector<std::string> devices_of(const archive::FinishedParts& parts) {
  constexpr std::string_view between = ", ";
  std::vector<std::string> devices;
  for (const std::filesystem::path& path : parts.files) {
    const std::string text = Reader(path, archive::Incomplete::refuse, archive::Origin::own).text("devices");
    for (std::size_t begin = 0, end = 0; end != text.npos; begin = end + between.size()) {
      end = text.find(between, begin);
      devices.push_back(text.substr(begin, end - begin));
    }
  }
  return devices;
}

std::vector<std::int64_t> all_places(const Sweep& sweep) {
  std::vector<std::int64_t> places(sweep.prompts.size());
  std::iota(places.begin(), places.end(), std::int64_t{0});
  return places;
}

}  // namespace

void require_parts(const Sweep& sweep) {
  const archive::FinishedParts parts = archive::finished_parts(sweep.options.out);
  std::size_t prompts = 0;
  for (const std::filesystem::path& path : parts.files) {
    const Reader file(path);
    run::require_same(identity_of_sweep(file), identity_of(sweep), path.string());
    for (const DatasetInfo& info : file.datasets()) {
      if (archive::has_checksum(info)) archive::require_sound(file, info.path);
    }
    const std::vector<std::int64_t> numbers = file.read_integers("/prompt");
    places_in(sweep.extent(all_places(sweep)).prompts, numbers, path.string());
    prompts += numbers.size();
  }
  if (prompts == sweep.prompts.size()) return;
  throw core::bad_input(
      "the parts do not make the whole sweep",
      concat(prompts, " prompts in ", parts.count, " parts, ", sweep.prompts.size(), " in the sweep"),
      "run the parts again");
}

void join_parts(const Sweep& sweep, run::Context& context) {
  const parallel::Communicator& ranks = context.ranks;
  const std::vector<std::int64_t> prompts = all_places(sweep);
  run::Stopwatch watch;
  archive::FinishedParts parts;
  std::optional<run::ResultFile> file;
  parallel::agree(ranks, "finding the parts", [&] {
    parts = archive::finished_parts(sweep.options.out);
    if (ranks.is_root()) run::warn_of_mixed_kernels(devices_of(parts));
    const run::ModelInput model =
        run::read_model(sweep.options.model, sweep.trace.seed);  // its configuration alone
    archive::Layout layout = layout_of(sweep, prompts);
    for (const auto& attributes :
         {run::run_attributes(to_ini(sweep.options), context), input_attributes(sweep, *model.model)})
      layout.attributes.insert(layout.attributes.end(), attributes.begin(), attributes.end());
    file.emplace(ranks, std::move(layout));
  });
  try {
    file->take([&] { return archive::Output::for_join(sweep.options.out, sweep.options.existing); },
               context.watchdog);
    file->open();
    context.progress.begin({"joining", parts.count, "parts", std::ssize(prompts), "prompts"});
    parallel::agree(ranks, "joining the parts", [&] {
      const archive::SweepExtent whole = sweep.extent(prompts);
      for (std::int64_t part = ranks.rank(); part < parts.count; part += ranks.size()) {
        const std::filesystem::path& path = parts.files[static_cast<std::size_t>(part)];
        copy_part(Reader(path, archive::Incomplete::refuse, archive::Origin::own), path.string(), whole,
                  file->shared());
        context.progress.advance(static_cast<double>(part + 1) / static_cast<double>(parts.count));
      }
    });
    context.progress.end();
    file->close_and_read_back();
    write_summary(ranks, *file);
    file->publish([&] {
      return run::Appendix{{{"/timing", "total_seconds", watch.seconds()}, {"/timing", "parts", parts.count}},
                           {}};
    });
  } catch (const parallel::AgreedError& error) {
    throw file->abandon(/*worth_keeping=*/false, error);
  }
}

}  // namespace orrery::sweep
