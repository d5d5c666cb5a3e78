"""Each kind of fault once, at a place, on a rank and with an error that the seed draws: the run ends in order, with one
message and the right exit code, and --resume on other ranks gives the bits of a run that nothing disturbed."""

from __future__ import annotations

import json
import shutil
import unittest
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from faulty_runs import (
    BAD_INPUT,
    INTERNAL,
    IO,
    JOIN,
    NO_STORE,
    OTHER_PART,
    PART,
    RESOURCES,
    ROWS,
    STREAMING,
    WHOLE_SWEEP,
    WORKS,
    Fault,
    FaultTest,
    Made,
    Work,
    has_its_name,
    part_of,
    places,
    set_up,
    tear_down,
)
from safetensors_file import read_header

RANKS = 2
NO_ROOM = ("ENOSPC", "EDQUOT", "EIO", "short")
REFUSED = ("EACCES", "EIO")
FAILED = ("EIO",)


def setUpModule() -> None:
    set_up()


def tearDownModule() -> None:
    tear_down()


def add_zeros(weights: Path, gibibytes: int) -> None:
    """Adds a tensor that no model reads, but whoever takes the hash; it takes no room on the disk."""
    header, begin = read_header(weights)
    numbers = weights.read_bytes()[begin:]
    end = max(entry["data_offsets"][1] for entry in header.values())
    size = gibibytes << 30
    header["rotary.inv_freq"] = {"dtype": "F64", "shape": [size // 8], "data_offsets": [end, end + size]}
    text = json.dumps(header).encode()
    with weights.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + numbers)
        file.truncate(file.tell() + size)


class Places(FaultTest):
    """Faults of our own making, wherever a run comes."""

    def break_anywhere(self, work: Work, kind: str, code: int) -> None:
        place, rank = self.chance.choice(places(work))
        print(f"{work.name}: {kind} in “{place}” on rank {rank}", flush=True)
        self.begin(work)
        outcome = self.work(work, fault=Fault(f"{place}@{rank}={kind}"))
        self.assert_broken(work, outcome, code, f"rank {rank}", published=has_its_name(place, rank))
        self.assert_goes_on(work, ranks=self.chance.choice((1, 3)))

    def test_exception(self) -> None:
        for work in WORKS:
            with self.subTest(work=work.name):
                self.break_anywhere(work, "exception", INTERNAL)

    def test_allocation(self) -> None:
        for command in ("trace", "perturb"):
            work = self.chance.choice([work for work in WORKS if work.command == command])
            with self.subTest(work=work.name):
                self.break_anywhere(work, "allocation", RESOURCES)

    def test_nan(self) -> None:
        """In what the model gives: the model's fault, and said with where it was."""
        for work in (ROWS, STREAMING, WHOLE_SWEEP):
            with self.subTest(work=work.name):
                time, rank = self.chance.randint(1, 3), self.chance.randrange(RANKS)
                self.begin(work)
                outcome = self.work(work, fault=Fault(f"activations#{time}@{rank}=nan"))
                self.assert_broken(work, outcome, BAD_INPUT, "sample ", "finite")
                self.assert_goes_on(work, ranks=3)

    def test_long_hash(self) -> None:
        """Of a model for which that takes minutes: a run that fails does not wait for it."""
        model = Made.folder / "large"
        shutil.copytree(Made.model, model)
        add_zeros(model / "model.safetensors", gibibytes=256)
        for work, place in ((ROWS, "writing rows"), (WHOLE_SWEEP, "writing a round")):
            with self.subTest(work=work.name), mock.patch.object(Made, "model", model):
                self.begin(work)
                more = ("--model", str(model)) if work is WHOLE_SWEEP else ()
                outcome = self.work(work, *more, fault=Fault(f"{place}@1=exception"))
                self.assert_broken(work, outcome, INTERNAL, place)
                self.assert_nothing_at(self.out)

    def test_flipped_bit(self) -> None:
        """In exact sums, before they are saved or reduced."""
        time, rank = self.chance.randint(1, 20), self.chance.randrange(RANKS)
        outcome = self.work(STREAMING, fault=Fault(f"exact sums in memory#{time}@{rank}=flip"))
        self.assert_broken(STREAMING, outcome, INTERNAL, "checksums")
        self.assert_goes_on(STREAMING, ranks=1)


@dataclass(frozen=True)
class IoFault:
    """A system call that fails on a file, from one of the first so many times on."""

    call: str
    file: str
    errors: tuple[str, ...]
    ranks: tuple[int, ...] = (0,)
    first: int = 1
    last: int = 1


SHARED, ALONE = (0, 1), (0,)
#: How often there is a checkpoint at least: at first, and at the end; between only once the model's hash is known.
CHECKPOINTS = 2
#: What is written in common, by all ranks, and what rank 0 writes by itself.
WRITES = {
    ROWS: (
        IoFault("write", "data.h5", NO_ROOM, SHARED, last=4),
        IoFault("open", "data.h5", REFUSED, SHARED, last=3),
        IoFault("allocate", "data.h5", ("ENOSPC", "EDQUOT"), ALONE, last=2),
        IoFault("write", "checkpoint", NO_ROOM, ALONE, last=CHECKPOINTS),
        IoFault("rename", "checkpoint", REFUSED, ALONE, last=CHECKPOINTS),
        IoFault("write", "metadata", NO_ROOM),
        IoFault("rename", "data.h5", REFUSED),
    ),
    NO_STORE: (
        IoFault("write", "rows.h5", NO_ROOM, SHARED, last=4),
        IoFault("sync", "rows.h5", FAILED, SHARED, last=3),
    ),
    STREAMING: (
        IoFault("write", ".part/state-", NO_ROOM, SHARED, last=8),
        IoFault("sync", ".part/state-", FAILED, SHARED, last=4),
        IoFault("write", "data.h5", NO_ROOM, (1,), last=2),
    ),
    WHOLE_SWEEP: (
        IoFault("sync", "data.h5", FAILED, SHARED, last=3),
        IoFault("sync", "checkpoint", FAILED, ALONE, last=CHECKPOINTS),
    ),
    PART: (IoFault("write", "data.h5", NO_ROOM, (1,), last=5), IoFault("rename", "1-of-2.h5", REFUSED)),
    JOIN: (IoFault("write", "data.h5", NO_ROOM, (1,), last=5),),
}


class Writes(FaultTest):
    """A disk that is full, or fails."""

    def break_call(self, work: Work, fault: IoFault) -> None:
        first, rank = self.chance.randint(fault.first, fault.last), self.chance.choice(fault.ranks)
        drawn = Fault(io=f"{fault.call}#{first}@{rank}={self.chance.choice(fault.errors)}:{fault.file}")
        print(f"{work.name}: {drawn}", flush=True)
        self.begin(work)
        outcome = self.work(work, fault=drawn)
        self.assert_broken(work, outcome, IO, str(part_of(self.out)) if fault.call != "rename" else str(self.out))
        self.assert_goes_on(work, ranks=self.chance.choice((1, 3)))


def test_of(work: Work, fault: IoFault):
    return lambda self: self.break_call(work, fault)


for work, faults in WRITES.items():
    for fault in faults:
        file = "".join(letter for letter in fault.file if letter.isalnum())
        setattr(Writes, f"test_{work.name.replace(' ', '_')}_{fault.call}_{file}", test_of(work, fault))


class Reads(FaultTest):
    """What is read fails: a broken disk is 74, a file that can't be opened is the wrong input, 65."""

    def refuse(self, work: Work, io: str, code: int, *named: str, more: tuple[str, ...] = ()) -> None:
        """On any rank that reads it, before anything is made."""
        with self.subTest(work=work.name, fault=io):
            self.begin(work)
            self.assert_broken(work, self.work(work, *more, fault=Fault(io=io)), code, *named)
            if work is not JOIN:
                self.assert_nothing_at(self.out)

    def test_model(self) -> None:
        rank = self.chance.randrange(RANKS)
        self.refuse(ROWS, f"read@{rank}=EIO:model.safetensors", IO, "model.safetensors")
        self.refuse(STREAMING, f"read@{rank}=EIO:config.json", IO, "config.json")
        self.refuse(WHOLE_SWEEP, f"open@{rank}=EACCES:config.json", BAD_INPUT, "config.json", "Permission denied")
        self.refuse(ROWS, f"open@{rank}=EIO:model.safetensors", IO, "model.safetensors")

    def test_options(self) -> None:
        """Which each rank reads before they know of each other."""
        options = Made.folder / "options.ini"
        options.write_text("[trace]\n[perturb]\n")
        for work in (ROWS, WHOLE_SWEEP):
            rank = self.chance.randrange(RANKS)
            self.refuse(work, f"read@{rank}=EIO:{options}", IO, str(options), more=("--config", str(options)))

    def test_corpus_and_tokenizer(self) -> None:
        self.refuse(ROWS, "read@0=EIO:corpus.txt", IO, "corpus.txt")
        self.refuse(ROWS, "open@0=EACCES:corpus.txt", BAD_INPUT, "corpus.txt", "Permission denied")
        self.refuse(STREAMING, "read@0=EIO:tokenizer", IO, "tokenizer")
        self.refuse(WHOLE_SWEEP, "read@0=EIO:tokenizer", IO, "tokenizer")

    def test_trace(self) -> None:
        """Of which each rank reads what it needs before they know of each other."""
        trace, rank = str(Made.trace), self.chance.randrange(RANKS)
        self.refuse(WHOLE_SWEEP, f"read@{rank}=EIO:{trace}", IO, trace)
        self.refuse(PART, f"open@{rank}=EACCES:{trace}", BAD_INPUT, trace)

    def test_parts(self) -> None:
        for number, part in enumerate((OTHER_PART, PART)):
            self.refuse(JOIN, f"read@{number}=EIO:{part.part}h5", IO, f"{part.part}h5")

    def test_result(self) -> None:
        """That all ranks open together: the others do not wait for what rank 0 can't read."""
        self.refuse(WHOLE_SWEEP, f"read#{self.chance.randint(1, 40)}@0=EIO:.part/data.h5", IO, "data.h5")

    def test_work_in_progress(self) -> None:
        """That fails is no reason to lose it."""
        for work, place, io, named in (
            (STREAMING, "means of units", "read@1=EIO:.part/state-", "state-"),
            (ROWS, "statistics of units", "read@0=EIO:.part/checkpoint", "checkpoint"),
            (NO_STORE, "statistics of units", "read@1=EIO:rows.h5", "rows.h5"),
            (WHOLE_SWEEP, "the summary", "read@0=EIO:.part/data.h5", "data.h5"),
        ):
            with self.subTest(work=work.name, fault=io):
                self.begin(work)
                self.assert_broken(work, self.work(work, fault=Fault(f"{place}@0=exception")), INTERNAL)
                outcome = self.work(work, "--resume", fault=Fault(io=io))
                self.assert_broken(work, outcome, IO, named)
                self.assertTrue(work.is_begun(self.out), f"the checkpoint is gone: {outcome}")
                self.assert_goes_on(work, ranks=3)


if __name__ == "__main__":
    unittest.main()
