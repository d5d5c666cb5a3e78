#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/archive/reader.hpp"
#include "orrery/model/description.hpp"
#include "orrery/parallel/communicator.hpp"
#include "orrery/run/identity.hpp"
#include "orrery/run/result_file.hpp"
#include "orrery/sweep/sweep.hpp"

#include <vector>

namespace orrery::sweep {

/// Collective: once all blocks are written and the file is closed, adds the summary that follows from them.
void write_summary(const parallel::Communicator& ranks, run::ResultFile& file);

/// A sweep's inputs; with the options that fix numbers; and what a sweep file says of both.
run::Identity inputs_of(const Sweep& sweep);
run::Identity identity_of(const Sweep& sweep);
run::Identity identity_of_sweep(const archive::Reader& file);

/// Root attributes that model and trace give.
std::vector<archive::Attribute> input_attributes(const Sweep& sweep, const model::Description& model);

}  // namespace orrery::sweep
