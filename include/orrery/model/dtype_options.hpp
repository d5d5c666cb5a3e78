#pragma once

#include "orrery/core/option_table.hpp"
#include "orrery/model/dtype.hpp"

#include <optional>
#include <string>

namespace orrery::model {

/// An option that is a number format.
core::Option& add_dtype_option(core::OptionTable& table, const std::string& name, DType& into,
                               const std::string& help);
/// The same, which depends on the run where it isn't given: `help` says how.
core::Option& add_dtype_option(core::OptionTable& table, const std::string& name, std::optional<DType>& into,
                               const std::string& help);

}  // namespace orrery::model
