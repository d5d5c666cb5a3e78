// main() of every test that runs under MPI: a failure on any rank fails the test, and too few ranks do too.
#include "orrery/parallel/environment.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  orrery::parallel::Environment environment(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const char* wanted = std::getenv("ORRERY_TEST_RANKS");
  if (wanted != nullptr && std::atoi(wanted) != ranks) {
    std::fprintf(stderr, "the test needs %s ranks and got %d\n", wanted, ranks);
    return 1;
  }
  const int mine = RUN_ALL_TESTS();
  int worst = 0;
  MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return worst;
}
