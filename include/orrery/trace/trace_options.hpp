#pragma once

#include "orrery/archive/output.hpp"
#include "orrery/core/option_table.hpp"
#include "orrery/model/dtype.hpp"
#include "orrery/run/machine_options.hpp"
#include "orrery/text/corpus.hpp"
#include "orrery/text/special_tokens.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace orrery::trace {

/// Which tokens are rows: one of each sample, its text's last or one at a seeded place, or all of its text.
enum class Tokens { last, random, all };
/// Where the weights come from; `random`: an untrained model of the same configuration.
enum class WeightChoice { file, random };
enum class MomentsChoice { automatic, rows, streaming };
/// Whether the file keeps x[n, s, d].
enum class Store { rows, none };

/// What `orrery trace` is asked for; defaults as `--help` lists them.
struct TraceOptions {
  std::filesystem::path model;
  std::filesystem::path corpus;
  std::filesystem::path out;
  text::CorpusSelection selection;
  Tokens tokens = Tokens::last;
  text::Bos bos = text::Bos::as_template;
  WeightChoice weights = WeightChoice::file;
  std::optional<model::DType> dtype;  ///< bfloat16 on a GPU, float32 on a CPU where not given
  model::DType residual = model::DType::float32;
  run::MachineOptions machine;
  std::int64_t tile_tokens = 512;
  MomentsChoice moments = MomentsChoice::automatic;
  std::int64_t components = 64;
  std::int64_t permutations = 1000;  ///< draws of each null
  std::int64_t seed = 0;             ///< of every random number
  Store store = Store::rows;
  archive::Existing existing = archive::Existing::refuse;

  /// Throws usage_error on a value that no run can have.
  void validate() const;
};

/// All of them: a table whose values are those of `options`, which must outlive it.
core::OptionTable option_table(TraceOptions& options);
/// The options as an INI file with a section [trace] that repeats the run: `--overwrite` left out.
std::string to_ini(const TraceOptions& options);
/// The names of those that can't change a number of the result.
std::set<std::string> free_options();

const char* name_of(Tokens tokens);
const char* name_of(text::Bos bos);
const char* name_of(WeightChoice choice);
const char* name_of(MomentsChoice choice);
const char* name_of(Store store);

}  // namespace orrery::trace
