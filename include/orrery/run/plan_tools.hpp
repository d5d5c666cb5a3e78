#pragma once

#include "orrery/model/description.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/run/resources.hpp"

#include <cstdint>
#include <string>

namespace orrery::run {

/// "12.3 MiB", "1.5 GiB"
std::string bytes_text(std::int64_t bytes);
/// Three digits and a unit.
std::string quantity_text(double value, const char* unit);

/// "30 layers, 576 units, …": what a plan says of a model.
std::string shape_text(const model::Shape& shape);

/// What an estimated time rests on: `rate` FLOP/s. Drawing random weights is not in it.
std::string rate_text(double rate, bool untrained);

/// FLOP/s of one thread in products of the MLP's shape, `rows` rows; takes half a second.
double measure_products(const model::Shape& shape, model::DType dtype, std::int64_t rows);

/// Throws resource_error where a node would need more than is available; `advice` says what needs less.
void require_node_memory(std::int64_t node_bytes, const PlannedRanks& ranks, const std::string& advice);

}  // namespace orrery::run
