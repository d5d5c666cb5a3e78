#include "orrery/run/done_blocks.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/heartbeat.hpp"
#include "orrery/core/log.hpp"
#include "orrery/parallel/agreement.hpp"

#include <algorithm>

namespace orrery::run {

std::vector<std::int64_t> sound_blocks(const parallel::Communicator& ranks, archive::Checkpoint& checkpoint,
                                       std::span<const std::int64_t> known, const char* what,
                                       const std::function<std::uint64_t(std::int64_t)>& hash_of) {
  std::vector<DoneBlock> committed;
  for (const auto& [block, hash] : checkpoint.blocks) committed.push_back({block, hash});
  std::int64_t count = std::ssize(committed);
  ranks.broadcast(std::as_writable_bytes(std::span(&count, 1)));
  committed.resize(static_cast<std::size_t>(count));
  ranks.broadcast(std::as_writable_bytes(std::span(committed)));
  std::vector<std::int64_t> sound(committed.size(), 0);
  parallel::agree(ranks, "checking what is done", [&] {
    for (std::size_t i = static_cast<std::size_t>(ranks.rank()); i < committed.size();
         i += static_cast<std::size_t>(ranks.size())) {
      const auto [block, hash] = committed[i];
      sound[i] = std::ranges::binary_search(known, block) && hash_of(block) == hash ? 1 : 0;
      core::beat();
    }
  });
  ranks.sum(std::span(sound));
  std::vector<std::int64_t> done;
  for (std::size_t i = 0; i < committed.size(); ++i) {
    const std::int64_t block = committed[i].block;
    if (sound[i] == 1) {
      done.push_back(block);
    } else if (ranks.is_root()) {
      checkpoint.blocks.erase(block);
      core::log_warn(
          core::concat(what, " ", block, " is not in the file as it was committed: it is done again"));
    }
  }
  return done;
}

}  // namespace orrery::run
