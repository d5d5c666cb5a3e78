#include "orrery/run/plan_tools.hpp"

#include "orrery/core/concat.hpp"
#include "orrery/core/error.hpp"
#include "orrery/model/linear.hpp"
#include "orrery/schedule/workers.hpp"

#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <sstream>

namespace orrery::run {

std::string bytes_text(std::int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(bytes < (std::int64_t{10} << 30) ? 1 : 0);
  if (bytes < (std::int64_t{1} << 30)) {
    out << static_cast<double>(bytes) / (1 << 20) << " MiB";
  } else {
    out << static_cast<double>(bytes) / (1 << 30) << " GiB";
  }
  return out.str();
}

std::string quantity_text(double value, const char* unit) {
  std::ostringstream out;
  out << std::setprecision(3) << value << ' ' << unit;
  return out.str();
}

std::string shape_text(const model::Shape& shape) {
  return core::concat(shape.layers(), " layers, ", shape.width, " units, ", shape.heads, " heads, ",
                      shape.kv_heads, " key-value heads, ",
                      quantity_text(static_cast<double>(shape.parameters) / 1e6, "M weights"));
}

std::string rate_text(double rate, bool untrained) {
  return core::concat("at ", quantity_text(rate / 1e9, "GFLOP/s"), " a thread as measured here",
                      untrained ? ", besides drawing the weights" : "");
}

double measure_products(const model::Shape& shape, model::DType dtype, std::int64_t rows) {
  double best = 0;
  schedule::parallel_for(1, 1, [&](std::int64_t) {
    const c10::InferenceMode inference;
    const auto type = at::TensorOptions().dtype(model::scalar_type(dtype));
    const std::int64_t width = std::min<std::int64_t>(shape.mlp_width, 4096);
    const at::Tensor x = at::randn({model::padded_rows(rows), shape.width}, type);
    const at::Tensor weight = at::randn({width, shape.width}, type);
    const double flop = 2.0 * static_cast<double>(x.size(0) * width * shape.width);
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0; round < 20; ++round) {
      const auto before = std::chrono::steady_clock::now();
      model::linear(x, weight, {});
      const auto after = std::chrono::steady_clock::now();
      best = std::max(best, flop / std::chrono::duration<double>(after - before).count());
      if (after - start > std::chrono::milliseconds(500)) break;
    }
  });
  return best;
}

void require_node_memory(std::int64_t node_bytes, const PlannedRanks& ranks, const std::string& advice) {
  if (ranks.available_bytes == 0 || node_bytes <= ranks.available_bytes) return;
  throw core::resource_error("the run needs more memory than a node has",
                             core::concat(bytes_text(node_bytes), " for ", ranks.ranks_a_node, " ranks, ",
                                          bytes_text(ranks.available_bytes), " available"),
                             advice);
}

}  // namespace orrery::run
