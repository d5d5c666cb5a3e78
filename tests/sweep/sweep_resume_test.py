"""Sweeps that were stopped go on: killed at any moment, or done in parts, they end in the same bits."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
import unittest
from pathlib import Path

import h5py
import numpy as np
from orrery_program import run
from safetensors_file import read_header
from stopped_sweeps import (
    BAD_INPUT,
    BAD_USAGE,
    LONG,
    PROMPTS,
    SHORT,
    Made,
    ResumeTest,
    committed,
    content,
    make_trace,
    set_up,
    tear_down,
    timing,
    whole,
    work_of,
)
from tiny_models import tiny
from trace_file import datasets, differences

KILLS = 10
#: Of when what is killed; give it again to repeat a run, as far as a machine repeats itself.
SEED = int(os.environ.get("ORRERY_TEST_SEED") or time.time_ns() % 2**32)


def setUpModule() -> None:
    print(f"seed {SEED}: ORRERY_TEST_SEED={SEED} repeats it", flush=True)
    set_up()


def tearDownModule() -> None:
    tear_down()


class Killed(ResumeTest):
    """At a random moment, a random rank."""

    def setUp(self) -> None:
        super().setUp()
        self.chance = random.Random(SEED)
        self.blocks = 0  # of the sweep
        self.done = 0  # those that the sweep on its way has committed
        self.found: list[int] = []  # how many blocks those who resumed found done, where they were more than before

    def test_ten_kills(self) -> None:
        """Two a sweep, where it lives as long, and each time with another number of ranks."""
        kills = rounds = 0
        # Which moments it gets is the machine's, too: as many more as it takes for half of them to be in the middle.
        while kills < KILLS or self.inside() < KILLS // 2:
            self.assertLess(kills, 4 * KILLS, f"found done: {self.found}")
            self.done = 0
            for attempt in range(2):
                died = self.run_and_kill(1 + (kills + attempt) % 3, resumes=attempt > 0 or self.chance.random() < 0.5)
                kills += died
                if not died:
                    break
            if not self.out.exists():
                self.check_end(ranks=1 + rounds % 3)
            self.assert_whole(LONG)
            self.out.unlink()
            rounds += 1
        print(f"{kills} kills of {rounds} sweeps of {self.blocks} blocks; found done: {self.found}", flush=True)
        self.assertGreater(self.blocks, 20)

    def inside(self) -> int:
        """How many of those who resumed found some blocks done, and some not."""
        return sum(0 < found < self.blocks for found in self.found)

    def run_and_kill(self, ranks: int, resumes: bool) -> bool:
        """Whether it was killed before it was through."""
        with self.start(LONG, *["--resume"] * resumes, ranks=ranks) as begun:
            begun.wait_for(lambda: " blocks, " in begun.errors, "its blocks")
            self.blocks = self.blocks or int(re.search(r" in (\d+) blocks, ", begun.errors)[1])
            self.check_found(begun.errors)
            self.assertEqual(sorted(begun.pids()), list(range(begun.ranks)), str(begun))
            if ranks > 1:
                self.assertTrue(list(Made.shared_memory.iterdir()), "shared memory lies elsewhere")
            # A moment of its progress: how fast that is, is the machine's.
            target = self.chance.randrange(min(self.done, self.blocks - 1), self.blocks)
            moment, rank = self.chance.random() * 0.1, self.chance.randrange(ranks)

            def has_come() -> bool:
                if committed(work_of(self.out) / "checkpoint") < target:
                    return False
                time.sleep(moment)
                return True

            died = begun.kill(rank, when=has_come)
            if self.out.exists():  # too late
                self.assert_done(self.perturb(LONG, "--resume"))
                return False
            self.assertTrue(died, str(begun))
        now = committed(work_of(self.out) / "checkpoint")
        self.assertGreaterEqual(now, self.done)
        if now > self.done or now == 0:
            self.found.append(now)
        self.done = now
        return True

    def check_found(self, errors: str) -> None:
        """That a run goes on with what the one before has committed, and with nothing else."""
        said = re.search(r"(\d+) of (\d+) blocks are done already", errors)
        self.assertEqual(int(said[1]) if said else 0, self.done, errors)
        self.assertIn(f" in {self.blocks - self.done} blocks, ", errors)
        self.assertNotIn("warning", errors)

    def check_end(self, ranks: int) -> None:
        outcome = self.assert_done(self.perturb(LONG, "--resume", ranks=ranks))
        self.check_found(outcome.errors)
        self.assertEqual(timing(self.out, "resumed_tiles"), self.done)


class AfterAKill(ResumeTest):
    """What may go on, what not, and how it is said."""

    def test_refused(self) -> None:
        done = self.killed(SHORT, blocks=5)
        work = str(work_of(self.out))
        self.refuse(BAD_USAGE, SHORT, named=(work, "--resume", "--overwrite"))
        self.refuse(BAD_USAGE, SHORT, "--resume", "--grid", "5", named=("grid", "4 in", "5 now"))
        self.refuse(BAD_USAGE, SHORT, "--resume", "--seed", "9", named=("seed", "0 in", "9 now"))
        self.refuse(BAD_USAGE, SHORT, "--resume", "--overwrite", named=("--resume", "--overwrite"))
        self.refuse(BAD_USAGE, SHORT, "--resume", "--part", "0/3", named=(work,))
        self.refuse(BAD_USAGE, SHORT, "--overwrite", "--part", "0/3", named=(work,))
        other = make_trace("other.h5", tiny("llama31"), PROMPTS - 1)
        self.refuse(BAD_INPUT, SHORT, "--resume", "--trace", other, named=("trace",), ranks=2)
        # What may differ: ranks, threads, order, how often it is stopped.
        free = ("--threads", "2", "--order", "layers", "--checkpoint-every", "1m")
        self.assert_done(self.perturb(SHORT, "--resume", *free, ranks=2))
        self.assert_whole(SHORT)
        self.assertEqual(timing(self.out, "resumed_tiles"), done)

    def test_damaged_checkpoint(self) -> None:
        done = self.killed(SHORT, blocks=5)
        checkpoint = work_of(self.out) / "checkpoint"
        text = checkpoint.read_text()
        program = json.loads(text)["identity"]["program"]
        for ranks, damaged in (
            (2, text[: len(text) // 2]),
            (0, ""),
            (0, text.replace('"hash":"', '"hash":"x')),
            (0, text.replace("orrery-checkpoint", "orrery-trace")),
        ):
            checkpoint.write_text(damaged)
            self.refuse(BAD_INPUT, SHORT, "--resume", named=(str(checkpoint), "--overwrite"), ranks=ranks)
        checkpoint.write_text(text.replace(program, program[::-1]))
        self.refuse(BAD_USAGE, SHORT, "--resume", named=(program, program[::-1]))
        # A block that is not what its hash says, and one that the sweep has not.
        described = json.loads(text)
        described["blocks"][1]["hash"] = "0123456789abcdef"
        described["blocks"].append({"block": PROMPTS, "hash": "0123456789abcdef"})
        checkpoint.write_text(json.dumps(described))
        outcome = self.assert_done(self.perturb(SHORT, "--resume", ranks=2))
        numbers = {str(described["blocks"][1]["block"]), str(PROMPTS)}
        self.assertEqual(set(re.findall(r"warning: block (\d+) is not in the file", outcome.errors)), numbers)
        self.assert_whole(SHORT)
        self.assertEqual(timing(self.out, "resumed_tiles"), done - 1)

    def test_damaged_blocks(self) -> None:
        """An entry of each dataset, each in another prompt, and with that in another block."""
        prompts = datasets(whole(SHORT))["prompt"]
        with h5py.File(whole(SHORT)) as file:
            names: list[str] = []
            file.visititems(lambda name, item: names.append(name) if is_written(name, item, len(prompts)) else None)
        done = self.killed(SHORT, blocks=len(names))
        with h5py.File(whole(SHORT)) as sound, h5py.File(work_of(self.out) / "data.h5", "r+") as file:
            # Rows of blocks that nobody wrote are zeros.
            written = [p for p in range(len(prompts)) if (file["baseline/norm"][p] == sound["baseline/norm"][p]).all()]
            self.assertGreaterEqual(len(written), len(names))
            for name, prompt in zip(names, written, strict=False):
                row = file[name][prompt]
                flat = np.atleast_1d(row).reshape(-1).view(np.uint8)
                flat[len(flat) // 2] ^= 1
                file[name][prompt] = row if np.ndim(row) else flat.view(np.asarray(row).dtype)[0]
        outcome = self.assert_done(self.perturb(SHORT, "--resume", ranks=3))
        self.assert_whole(SHORT)
        again = len(re.findall(r"warning: block \d+ is not in the file", outcome.errors))
        print(f"{len(names)} datasets damaged: {again} of {done} blocks done again", flush=True)
        # The last one written may not have been committed.
        self.assertIn(again, (len(names) - 1, len(names)))
        self.assertEqual(timing(self.out, "resumed_tiles"), done - again)

    def test_complete(self) -> None:
        shutil.copy(whole(SHORT), self.out)
        before = (self.out.stat(), content(self.out))
        outcome = self.assert_done(self.perturb(SHORT, "--resume", "--threads", "2", ranks=2))
        self.assertEqual(outcome.output.count("complete already"), 1, str(outcome))
        self.refuse(BAD_USAGE, SHORT, "--resume", "--epsilon", "0.1", named=("epsilon", "0.1,1 in", "0.1 now"))
        self.refuse(BAD_INPUT, SHORT, "--resume", "--trace", make_trace("more.h5", tiny("llama31"), PROMPTS - 2),
                    named=("trace",))  # fmt: skip
        self.refuse(BAD_USAGE, SHORT, "--resume", "--overwrite", named=("--resume", "--overwrite"))
        self.assertEqual((self.out.stat().st_mtime_ns, self.out.stat().st_ino), (before[0].st_mtime_ns, before[0].st_ino))
        self.assertTrue(content(self.out) == before[1])
        # Killed when it had its name, but before the rest was cleared away.
        work_of(self.out).mkdir()
        work_of(self.out).joinpath("checkpoint").write_text("{}")
        self.assert_done(self.perturb(SHORT, "--resume", ranks=2))
        self.assert_whole(SHORT)
        work_of(self.out).mkdir()
        self.assert_done(self.perturb(SHORT, "--resume"))
        self.assert_whole(SHORT)

    def test_killed_at_its_end(self) -> None:
        """While the last attributes are written: whatever stands of them is undone, and no block is lost."""
        chance = random.Random(SEED)
        data, metadata = work_of(self.out) / "data.h5", work_of(self.out) / "metadata"
        kills = 0
        for attempt in range(20):
            goes_on = data.exists()
            with self.start(SHORT, *["--resume"] * goes_on, ranks=1 + attempt % 2) as begun:
                begun.wait_for(lambda: " blocks, " in begun.errors, "its blocks")
                self.assertIn(f" in {0 if goes_on else PROMPTS} blocks, ", begun.errors)
                begun.kill(0, when=metadata.exists)
            kills += metadata.exists()
            if kills == 3:
                break
            if self.out.exists():  # too late
                self.assert_whole(SHORT)
                self.out.unlink()
        print(f"{kills} killed while they were finished, of {attempt + 1}", flush=True)
        self.assertEqual(kills, 3)
        sound = content(work_of(self.out))
        with data.open("r+b") as file:
            file.write(bytes(96))
        bits = bytearray(sound["metadata"])
        bits[chance.randrange(len(bits))] ^= 1
        metadata.write_bytes(bits)
        self.refuse(BAD_INPUT, SHORT, "--resume", named=(str(metadata), "--overwrite"))
        metadata.unlink()
        self.refuse(BAD_INPUT, SHORT, "--resume", named=(str(data), "--overwrite"))
        metadata.write_bytes(sound["metadata"])
        self.assert_done(self.perturb(SHORT, "--resume", ranks=2))
        self.assert_whole(SHORT)
        self.assertEqual(timing(self.out, "resumed_tiles"), PROMPTS)

    def test_overwrite(self) -> None:
        """It drops the work; the old output stays until the new one is whole, also when that is killed."""
        other = (*SHORT, "--seed", "1")
        self.killed(other, blocks=5)
        self.assert_done(self.perturb(other, "--overwrite"))
        self.assertEqual(timing(self.out, "resumed_tiles"), 0)
        old = content(self.out)
        done = self.killed(SHORT, "--overwrite", blocks=5)
        self.assertTrue(content(self.out) == old)
        self.refuse(BAD_USAGE, SHORT, named=(str(self.out),))
        self.assert_done(self.perturb(SHORT, "--resume", ranks=2))
        self.assert_whole(SHORT)
        self.assertEqual(timing(self.out, "resumed_tiles"), done)


def is_written(name: str, item: h5py.Dataset | h5py.Group, prompts: int) -> bool:
    """Whether blocks write the dataset: what comes in rows by prompt, but for facts of the trace."""
    return isinstance(item, h5py.Dataset) and "/" in name and not name.startswith("prompts/") and item.shape[0] == prompts


class Parts(ResumeTest):
    """Jobs that do a share each, and one that joins what they have made."""

    def test_parts(self) -> None:
        work = work_of(self.out)
        blocks = 0
        with self.start(LONG, "--part", "0/3", ranks=1) as first, self.start(LONG, "--part", "1/3", ranks=2) as second:
            first.wait_for(lambda: committed(work / "0-of-3.checkpoint") >= 1, "a block of part 0")
            first.send(signal.SIGSTOP)
            second.wait_for(lambda: committed(work / "1-of-3.checkpoint") >= 2, "two blocks of part 1")
            self.assertTrue(second.kill(1), str(second))
            self.assert_fails(self.perturb(LONG, "--part", "0/3", "--resume"), BAD_USAGE, "another run is writing")
            self.assert_fails(self.perturb(LONG, "--join"), BAD_INPUT, str(work))
            first.send(signal.SIGCONT)
            self.assertEqual(first.wait(), 0, str(first))
        done = committed(work / "1-of-3.checkpoint")
        self.refuse(BAD_INPUT, LONG, "--join", named=(" 1/3, 2/3",))
        self.refuse(BAD_USAGE, LONG, "--part", "1/3", named=("1-of-3", "--resume"))
        self.refuse(BAD_USAGE, LONG, "--part", "1/2", "--resume", named=("3 parts",))
        self.refuse(BAD_USAGE, LONG, "--resume", named=("in parts",))
        self.assert_done(self.perturb(LONG, "--part", "1/3", "--resume", ranks=3))
        self.assertEqual(timing(work / "1-of-3.h5", "resumed_tiles"), done)
        self.refuse(BAD_INPUT, LONG, "--join", named=(" 2/3",))
        self.assert_done(self.perturb((*SHORT, "--batch-tokens", "150"), "--part", "2/3"))
        self.refuse(BAD_USAGE, LONG, "--join", named=("2-of-3.h5", "grid", "4 in", "14 now"), ranks=2)
        self.assert_done(self.perturb(LONG, "--part", "2/3", "--overwrite", ranks=2))
        again = self.assert_done(self.perturb(LONG, "--part", "2/3", "--resume"))
        self.assertIn("complete already", again.output)
        self.refuse(BAD_USAGE, LONG, "--join", "--grid", "15", named=("grid", "14 in", "15 now"))
        for number in range(3):
            blocks += len(datasets(work / f"{number}-of-3.h5")["prompt"])
        self.assertEqual(blocks, PROMPTS)
        self.assert_done(self.perturb(LONG, "--join", ranks=2))
        self.assert_whole(LONG)

    def test_refused(self) -> None:
        for ranks, part, named in (
            (2, "3/3", "3/3"),
            (0, "-1/3", "-1/3"),
            (0, "0/0", "0/0"),
            (2, f"0/{PROMPTS + 1}", f"{PROMPTS} blocks"),
            (0, f"{PROMPTS}/{PROMPTS + 1}", f"{PROMPTS} blocks"),
        ):
            self.refuse(BAD_USAGE, SHORT, "--part", part, named=(named,), ranks=ranks)
        self.refuse(BAD_USAGE, SHORT, "--part", "0/3", "--join", named=("--part", "--join"))
        self.refuse(BAD_INPUT, SHORT, "--join", named=(str(work_of(self.out)),))


class OtherWeights(ResumeTest):
    """Of a model that was changed since the trace. Its hash is known some time after blocks run."""

    def setUp(self) -> None:
        super().setUp()
        self.model = self.folder / "model"
        shutil.copytree(tiny("llama31"), self.model)
        for path in (self.model, *self.model.iterdir()):
            path.chmod(0o755)

    def change(self, tensor: str) -> None:
        """Flips a bit in the middle of a tensor, as a bad disk does."""
        weights = self.model / "model.safetensors"
        header, begin = read_header(weights)
        place = begin + sum(header[tensor]["data_offsets"]) // 2 | 1
        data = bytearray(weights.read_bytes()[place : place + 1])
        with weights.open("r+b") as file:
            file.seek(place)
            file.write(bytes([data[0] ^ 0x10]))

    def make_slow(self, mebibytes: int) -> None:
        """Adds a tensor of zeros that no model reads, but whoever takes the hash."""
        weights = self.model / "model.safetensors"
        header, begin = read_header(weights)
        numbers = weights.read_bytes()[begin:]
        end = max(entry["data_offsets"][1] for entry in header.values())
        size = mebibytes << 20
        header["rotary.inv_freq"] = {"dtype": "F64", "shape": [size // 8], "data_offsets": [end, end + size]}
        text = json.dumps(header).encode()
        with weights.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text + numbers)
            file.truncate(file.tell() + size)

    def test_changed(self) -> None:
        self.change("model.layers.1.mlp.up_proj.weight")
        for ranks in (0, 2):
            self.refuse(BAD_INPUT, SHORT, "--model", self.model, named=("not that of the trace", str(self.model)),
                        ranks=ranks)  # fmt: skip

    def test_known_late(self) -> None:
        """Blocks that ran before the hash was known are of no use, whether the run ends or is killed."""
        self.make_slow(mebibytes=512)
        trace = make_trace("slow.h5", self.model, PROMPTS)
        self.assert_done(self.perturb(SHORT, "--trace", trace, out=self.folder / "sound.h5"))
        sound = self.folder / "sound" / "model"  # its name is in the file
        sound.parent.mkdir()
        self.model.rename(sound)
        shutil.copytree(sound, self.model)
        self.change("model.layers.1.mlp.up_proj.weight")
        words = ("--trace", trace, "--model", self.model)
        self.refuse(BAD_INPUT, SHORT, *words, named=("not that of the trace",), ranks=2)
        with self.start(SHORT, *words, ranks=1) as begun:
            begun.wait_for(lambda: " blocks, " in begun.errors, "its blocks")
            time.sleep(0.3)
            self.assertTrue(begun.kill(0), str(begun))
        self.assert_done(self.perturb(SHORT, "--trace", trace, "--model", sound, "--resume"))
        self.assertEqual(differences(self.folder / "sound.h5", self.out), [])


if __name__ == "__main__":
    unittest.main()
