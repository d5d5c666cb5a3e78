#pragma once

#include <string>

namespace orrery::parallel {

/// Owns MPI from start to end: one object, in `main`. The only collective in its destructor is MPI_Finalize,
/// and only where no exception is in flight (an unagreed error aborts instead).
class Environment {
 public:
  /// Starts MPI with MPI_THREAD_FUNNELED, all calls from the main thread, and ROMIO for its files unless
  /// OMPI_MCA_io says otherwise; a process that no launcher started asks nothing of Open MPI's daemon. Throws
  /// usage_error, before MPI starts, where srun started several tasks without PMIx, so that each would run
  /// alone and write the same file.
  Environment(int& argument_count, char**& arguments);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  /// "single", "funneled", "serialized" or "multiple": what MPI provides.
  static std::string thread_level();
  /// "Open MPI v4.1.4": the library's version string, up to the first comma.
  static std::string library_version();
  /// Aborts all ranks with exit code `code`: for errors that the other ranks don't know of.
  [[noreturn]] static void abort(int code);
  /// Ends this process without MPI_Finalize, output flushed: for all ranks after an error whose ending is
  /// `at_once`.
  [[noreturn]] static void leave(int code);
};

/// True in a process that srun (or mpirun) should have told its rank, but that MPI would count as alone.
/// Reads the environment only: SLURM_STEP_NUM_TASKS > 1 with neither PMIX_RANK nor OMPI_COMM_WORLD_RANK.
bool srun_without_pmix();

}  // namespace orrery::parallel
