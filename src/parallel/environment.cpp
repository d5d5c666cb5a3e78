#include "orrery/parallel/environment.hpp"

#include "orrery/core/error.hpp"

#include <mpi.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace orrery::parallel {

bool srun_without_pmix() {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  if (tasks == nullptr || std::atoi(tasks) <= 1) return false;
  return std::getenv("PMIX_RANK") == nullptr && std::getenv("OMPI_COMM_WORLD_RANK") == nullptr;
}

namespace {

/// Whether no launcher started this process.
bool is_alone() {
  for (const char* name :
       {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMIX_NAMESPACE", "PMI_RANK", "FLUX_JOB_ID"}) {
    if (std::getenv(name) != nullptr) return false;
  }
  return true;
}

/// Settings of Open MPI, before it starts; what the user has set stays.
void prepare_library() {
  const auto set = [](const char* name, const char* value) { ::setenv(name, value, /*overwrite=*/0); };
  // OMPIO reports success for a collective write to a full disk; ROMIO reports the error. srun takes no
  // --mca.
  set("OMPI_MCA_io", "^ompio");
  if (!is_alone()) return;
  // Otherwise it starts a daemon in case more processes follow, which never happens here. The daemon needs
  // orted, ssh or rsh and a folder for their sockets, any of which a container may lack; and all lone
  // processes of a user would share that folder's name.
  set("OMPI_MCA_ess_singleton_isolated", "1");
  set("OMPI_MCA_orte_create_session_dirs", "0");
}

}  // namespace

Environment::Environment(int& argument_count, char**& arguments) {
  if (srun_without_pmix()) {
    throw core::usage_error(
        "srun started several tasks that don't know of each other",
        std::string("SLURM_STEP_NUM_TASKS is ") + std::getenv("SLURM_STEP_NUM_TASKS") + " without PMIx",
        "start orrery with `srun --mpi=pmix`, or with mpirun");
  }
  prepare_library();
  int provided = 0;
  if (MPI_Init_thread(&argument_count, &arguments, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
      provided < MPI_THREAD_FUNNELED) {
    throw core::internal_error("MPI does not start with threads", thread_level(),
                               "use an MPI built with thread support");
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
}

Environment::~Environment() {
  int started = 0;
  int ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  if (started != 0 && ended == 0 && std::uncaught_exceptions() == 0) MPI_Finalize();
}

std::string Environment::thread_level() {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  switch (level) {
    case MPI_THREAD_FUNNELED:
      return "funneled";
    case MPI_THREAD_SERIALIZED:
      return "serialized";
    case MPI_THREAD_MULTIPLE:
      return "multiple";
    default:
      return "single";
  }
}

std::string Environment::library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string whole(text.data());
  return whole.substr(0, whole.find_first_of(",\n\r"));
}

void Environment::abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

void Environment::leave(int code) {
  std::fflush(nullptr);
  std::_Exit(code);
}

}  // namespace orrery::parallel
