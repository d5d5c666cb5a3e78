#pragma once

#include "orrery/archive/layout.hpp"
#include "orrery/model/description.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/run/context.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace orrery::run {

/// Root attributes of every run's file: program, machine and options (`config`, INI text).
std::vector<archive::Attribute> run_attributes(const std::string& config, const Context& context);
/// Of the model in `folder`, and the formats that it runs in.
std::vector<archive::Attribute> model_attributes(const std::filesystem::path& folder,
                                                 const model::Description& model,
                                                 const model::NumberFormats& formats);
}  // namespace orrery::run
