#include "orrery/parallel/agreement.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

namespace orrery::parallel {
namespace {

/// What `agree` throws where `work` fails; fails the test where it throws nothing.
AgreedError agreed(const Communicator& ranks, const std::function<void()>& work) {
  try {
    agree(ranks, "trying", work);
  } catch (const AgreedError& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown on rank " << ranks.rank();
  return {core::ExitCode::done, ""};
}

TEST(Agree, IsSilentWhereAllGoesWell) {
  const auto ranks = Communicator::world();
  int calls = 0;
  agree(ranks, "trying", [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(Agree, ThrowsTheLowestRanksErrorOnAllRanks) {
  const auto ranks = Communicator::world();
  const int first = ranks.size() / 2;
  const auto error = agreed(ranks, [&] {
    if (ranks.rank() >= first)
      throw core::bad_input("a file", "rank " + std::to_string(ranks.rank()), "mend it");
  });
  EXPECT_EQ(error.code(), core::ExitCode::bad_input);
  EXPECT_EQ(error.what(), "a file (rank " + std::to_string(first) + "): mend it");
}

TEST(Agree, TellsMemoryFromOtherFaults) {
  const auto ranks = Communicator::world();
  const int last = ranks.size() - 1;
  const auto memory = agreed(ranks, [&] {
    if (ranks.rank() == last) throw std::bad_alloc();
  });
  EXPECT_EQ(memory.code(), core::ExitCode::resources);
  const auto fault = agreed(ranks, [&] {
    if (ranks.rank() == last) throw std::runtime_error("a shape\nand a stack");
  });
  EXPECT_EQ(fault.code(), core::ExitCode::internal);
  const std::string text = fault.what();
  EXPECT_NE(text.find("trying, rank " + std::to_string(last) + ": a shape)"), std::string::npos) << text;
}

TEST(Agree, GoesOnAfterAnError) {
  const auto ranks = Communicator::world();
  agreed(ranks, [] { throw core::io_error("a", "b", "c"); });
  EXPECT_EQ(ranks.sum(1), ranks.size());
}

TEST(AgreedError, SaysWhetherTheRanksMayEndInOrder) {
  const AgreedError plain(core::ExitCode::bad_input, "no such model");
  EXPECT_EQ(plain.ending(), Ending::in_order);
  EXPECT_EQ(AgreedError(core::ExitCode::io, "the disk is full").ending(), Ending::at_once);
  const AgreedError left_open = plain.with_open_file();
  EXPECT_EQ(left_open.ending(), Ending::at_once);
  EXPECT_EQ(left_open.code(), core::ExitCode::bad_input);
  EXPECT_STREQ(left_open.what(), "no such model");
}

}  // namespace
}  // namespace orrery::parallel
