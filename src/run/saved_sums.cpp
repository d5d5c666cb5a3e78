#include "orrery/run/saved_sums.hpp"

#include "orrery/archive/state_file.hpp"
#include "orrery/core/concat.hpp"
#include "orrery/parallel/agreement.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

namespace orrery::run {

std::vector<std::string> save_sums(const parallel::Communicator& ranks, const archive::Output* output,
                                   std::int64_t number, Sums& sums) {
  sums.gather();
  const std::filesystem::path path =
      ranks.broadcast(output != nullptr ? output->state(number).string() : std::string());
  parallel::agree(ranks, "saving sums", [&] {
    archive::StateFileWriter own(core::concat(path.string(), "-", ranks.rank()));
    sums.save_own(own);
    own.finish();
    if (!ranks.is_root()) return;
    archive::StateFileWriter common(path);
    sums.save_common(common);
    common.finish();
  });
  const std::string name = path.filename().string();
  std::vector<std::string> names = {name};
  for (int rank = 0; rank < ranks.size(); ++rank) names.push_back(core::concat(name, "-", rank));
  return names;
}

void restore_sums(const parallel::Communicator& ranks, const archive::Output* output,
                  const std::vector<std::string>& names, Sums& sums) {
  std::string lines = output != nullptr ? output->folder().string() + "\n" : "";
  for (const std::string& name : names) lines += name + "\n";
  std::istringstream list(ranks.broadcast(lines));
  std::string folder;
  std::getline(list, folder);
  std::vector<std::filesystem::path> files;
  for (std::string name; std::getline(list, name);) files.push_back(std::filesystem::path(folder) / name);
  parallel::agree(ranks, "restoring sums", [&] {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const bool is_common = i == 0;
      if (!is_common &&
          (i - 1) % static_cast<std::size_t>(ranks.size()) != static_cast<std::size_t>(ranks.rank()))
        continue;
      archive::StateFileReader file(files[i]);
      is_common ? sums.restore_common(file) : sums.add_saved(file);
      file.finish();
    }
  });
}

std::int64_t next_number(const std::vector<std::vector<std::string>>& passes) {
  std::int64_t next = 1;
  for (const auto& names : passes) {
    for (const std::string& name : names) {
      const std::size_t begin = name.rfind("state-") + std::string_view("state-").size();
      std::int64_t number = 0;
      std::from_chars(name.data() + begin, name.data() + name.size(), number);
      next = std::max(next, number + 1);
    }
  }
  return next;
}

}  // namespace orrery::run
