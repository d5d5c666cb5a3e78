#pragma once

#include "orrery/archive/output.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/statistics/streamed_statistics.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery::trace {

/// Collective: writes what a pass has added up to files in the folder of work in progress (`output`, rank
/// 0's), numbered `number`, and returns their names: what all ranks know, then what each has of its own. They
/// are on disk when this returns.
std::vector<std::string> save_sums(const parallel::Communicator& ranks, const archive::Output* output,
                                   std::int64_t number, statistics::StreamedStatistics& streamed);

/// Collective: restores a pass from such files, `names` being rank 0's, whatever the number of ranks that
/// wrote them. Throws bad_input on all ranks where one is missing or damaged.
void restore_sums(const parallel::Communicator& ranks, const archive::Output* output,
                  const std::vector<std::string>& names, statistics::StreamedStatistics& streamed);

/// The number behind those of all files named.
std::int64_t next_number(const std::vector<std::vector<std::string>>& passes);

}  // namespace orrery::trace
