"""Ranks that come late, ranks that have nothing to do, and shares that don't come out even: no run hangs, and each gives
the same bits. Where one takes longer than a minute, the failure names the last place that each rank came to."""

from __future__ import annotations

import unittest

from faulty_runs import (
    JOIN,
    NO_STORE,
    ROWS,
    SAMPLES,
    STREAMING,
    WHOLE_SWEEP,
    WORKS,
    Fault,
    FaultTest,
    Work,
    places,
    set_up,
    tear_down,
)

#: More than tiles, prompts, and nearly as many as capture points.
MANY = SAMPLES + 1


def setUpModule() -> None:
    set_up()


def tearDownModule() -> None:
    tear_down()


class LateRanks(FaultTest):
    def same_bits(self, work: Work, ranks: int, fault: Fault | None = None) -> None:
        with self.subTest(work=work.name, ranks=ranks, fault=str(fault)):
            self.begin(work)
            self.assert_done(self.work(work, ranks=ranks, fault=fault))
            self.assert_whole(work)

    def test_joins_late(self) -> None:
        """Before the ranks have agreed on anything, and anywhere else."""
        late = self.chance.randrange(3)
        self.same_bits(ROWS, 3, Fault(f"beginning@{late}=delay:4000"))
        self.same_bits(WHOLE_SWEEP, 3, Fault(f"beginning@{late}=delay:4000"))
        for work in (STREAMING, JOIN):
            place, rank = self.chance.choice(places(work))
            self.same_bits(work, 3, Fault(f"{place}#1@{rank}=delay:4000"))

    def test_uneven_shares(self) -> None:
        """Seven tiles, six prompts and two parts on four ranks and on five."""
        for number, work in enumerate(WORKS):
            self.same_bits(work, 4 + number % 2)

    def test_idle_ranks(self) -> None:
        """More ranks than tiles or prompts, so that some have no row at all."""
        for work in (ROWS, NO_STORE, STREAMING, WHOLE_SWEEP):
            self.same_bits(work, MANY)

    def test_idle_rank_fails(self) -> None:
        """One that has no tile: the others hear of it all the same."""
        for work in (ROWS, WHOLE_SWEEP):
            with self.subTest(work=work.name):
                self.begin(work)
                outcome = self.work(work, ranks=MANY, fault=Fault(f"the forward pass@{MANY - 1}=exception"))
                self.assert_broken(work, outcome, 70, f"rank {MANY - 1}")


if __name__ == "__main__":
    unittest.main()
