#include "orrery/core/error.hpp"
#include "orrery/model/llama_config.hpp"

#include <cstdio>

/// Prints how many points the residual stream of the model in a folder has.
int main(int /*count*/, char** arguments) {
  try {
    std::printf("%lld\n", static_cast<long long>(orrery::model::read_llama_config(arguments[1]).points()));
  } catch (const orrery::core::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
