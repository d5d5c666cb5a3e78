"""Every place that a run reaches, on each rank, with each kind of fault: it ends in order, and goes on.

Takes about half an hour. A run that went wrong is gone on with by the next one, which goes wrong at the next place: so
a work that was broken again and again still ends in the right bits.
"""

from __future__ import annotations

import time
import unittest

from faulty_runs import (
    INTERNAL,
    NO_STORE,
    PART,
    RESOURCES,
    WORKS,
    Fault,
    FaultTest,
    Work,
    has_its_name,
    places,
    set_up,
    tear_down,
)

CODES = {"exception": INTERNAL, "allocation": RESOURCES, "kill": None}
#: What has the places of another work, and ends there in the same way.
LEFT_OUT = {(NO_STORE.name, "exception"), (NO_STORE.name, "allocation"), (PART.name, "allocation")}
#: So many faults, and it must come to its end.
CHAIN = 12


def setUpModule() -> None:
    set_up()


def tearDownModule() -> None:
    tear_down()


class Matrix(FaultTest):
    """One work and one kind of fault a test."""

    def break_everywhere(self, work: Work, kind: str) -> None:
        start, broken = time.monotonic(), 0
        for number, (place, rank) in enumerate(places(work)):
            with self.subTest(work=work.name, place=place, rank=rank, kind=kind):
                if number % CHAIN == 0:
                    self.begin(work)
                self.break_at(work, Fault(f"{place}@{rank}={kind}"), CODES[kind], place, rank)
                broken += 1
            if number % CHAIN == CHAIN - 1 or number + 1 == len(places(work)):
                with self.subTest(work=work.name, before=place, kind=kind):
                    self.assert_goes_on(work, ranks=1 + number % 3)
        print(f"{work.name}, {kind}: {broken} places, {time.monotonic() - start:.0f} s", flush=True)

    def break_at(self, work: Work, fault: Fault, code: int | None, place: str, rank: int) -> None:
        outcome = self.work(work, "--resume", fault=fault)
        if outcome.code == 0:  # what was done before left nothing to do there
            self.assert_whole(work)
            self.begin(work)
            outcome = self.work(work, fault=fault)
        if code is None:
            self.assertNotEqual(outcome.code, 0, str(outcome))
            self.assertEqual(outcome.messages, [], str(outcome))
            if not has_its_name(place, rank):
                self.assert_clean(work)
        else:
            self.assert_broken(work, outcome, code, f"rank {rank}", published=has_its_name(place, rank))


def add_tests() -> None:
    for work in WORKS:
        for kind in CODES:
            if (work.name, kind) in LEFT_OUT:
                continue

            def test(self: Matrix, work: Work = work, kind: str = kind) -> None:
                self.break_everywhere(work, kind)

            setattr(Matrix, f"test_{work.name.replace(' ', '_')}_{kind}", test)


add_tests()


if __name__ == "__main__":
    unittest.main()
