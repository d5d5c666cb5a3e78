#pragma once

#include "orrery/statistics/recovery.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace orrery::sweep {

/// What was measured of the n rows of a prompt at one start. On the CPU, float64 where nothing else is said,
/// NaN before the start's point.
struct RowsResult {
  at::Tensor distance;  ///< (n, P)
  at::Tensor cosine;    ///< (n, P)
  at::Tensor score;     ///< (n, P, c) in the leading pooled components
  at::Tensor kl;        ///< (n)
  at::Tensor same_top;  ///< (n) 1 or 0
  at::Tensor states;    ///< (n, state points, D) float32 or float64; undefined where they are not stored
  // The unperturbed stream that ran beside them.
  at::Tensor own_score;   ///< (P, c)
  at::Tensor own_states;  ///< (state points, D), as `states`
  // Of ablations: by how much a row differs from it.
  at::Tensor norm;         ///< (n, P) of the stream
  at::Tensor velocity;     ///< (n, P − 1) of the steps' lengths
  at::Tensor step_cosine;  ///< (n, P − 1) of the cosines of successive streams
};

/// All of a prompt.
struct PromptResult {
  std::int64_t prompt = 0;  ///< its place in the sweep
  at::Tensor score;         ///< (P, c) unperturbed
  at::Tensor norm;          ///< (P)
  at::Tensor states;        ///< (state points, D); undefined where they are not stored
  std::int64_t next_token = 0;
  std::vector<RowsResult> starts;                             ///< as Sweep::starts
  std::vector<std::vector<statistics::Recovery>> recoveries;  ///< [start layer][case]
};

}  // namespace orrery::sweep
