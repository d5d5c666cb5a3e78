"""killed_write.py LAUNCHER... PROGRAM: work that is killed again and again goes on, and ends in the same bytes."""

import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAUNCHED, ALONE = sys.argv[1:], sys.argv[-1:]
BLOCKS = 24
PATIENCE = float(os.environ.get("ORRERY_TEST_PATIENCE", "1"))


def run(command: list[str], *words: object) -> tuple[int, int, str]:
    """The exit code, how many blocks were there already (or −1), and what was said on stderr."""
    done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=60 * PATIENCE)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done.returncode, int(done.stdout.split()[-1]) if done.stdout.split() else -1, done.stderr


def finish(folder: str, command: list[str], least: int) -> bytes:
    """The bytes of the finished file, when at least so many blocks were there before."""
    out = Path(folder, "run.h5")
    code, there, words = run(command, out)
    assert code == 0 and there >= least, (code, there, words)
    assert [path.name for path in Path(folder).iterdir()] == ["run.h5"], list(Path(folder).iterdir())
    return out.read_bytes()


def kill_itself(folder: str, command: list[str], word: str, at: int, there_before: int) -> None:
    code, there, words = run(command, Path(folder, "run.h5"), word, at)
    assert code != 0 and there == there_before, (code, there, words)


def check_stages(whole: bytes) -> None:
    """Killed behind a write, behind a flush and behind a checkpoint, by one process and by two."""
    with tempfile.TemporaryDirectory() as folder:
        kill_itself(folder, LAUNCHED, "write", 0, 0)  # no checkpoint yet: begun anew
        kill_itself(folder, LAUNCHED, "write", 3, 0)
        kill_itself(folder, LAUNCHED, "flush", 5, 6)
        kill_itself(folder, ALONE, "checkpoint", 12, 10)
        kill_itself(folder, LAUNCHED, "flush", 8, 13)
        assert finish(folder, LAUNCHED, 16) == whole


def check_any_moment(whole: bytes) -> None:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        kills = 0
        for _ in range(12):
            process = subprocess.Popen([*ALONE, str(Path(folder, "run.h5"))], stdout=subprocess.PIPE)
            process.stdout.readline()  # it writes from here on
            time.sleep(chance.random() * 0.025)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert process.returncode in (0, -signal.SIGKILL), process.returncode
            kills += process.returncode != 0
        assert kills > 1, kills
        assert finish(folder, LAUNCHED, 0) == whole
        assert finish(folder, LAUNCHED, BLOCKS) == whole  # it is done, and says so


def check_damage() -> None:
    """A block that changed in the file is noticed, by the rank that reads it."""
    with tempfile.TemporaryDirectory() as folder:
        kill_itself(folder, LAUNCHED, "checkpoint", 3, 0)
        data = Path(folder, "run.h5.part", "data.h5")
        content = bytearray(data.read_bytes())
        # Entries of block 5 are 1/(15001 + i).
        place = content.find(struct.pack("<2d", 1 / 15101, 1 / 15102))
        assert place > 0
        content[place] ^= 1
        data.write_bytes(content)
        code, _, words = run(LAUNCHED, Path(folder, "run.h5"))
        assert code == 65 and "a block is not what was written (5)" in words, (code, words)


with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as shared:
    # Killed ranks leave the memory that they shared.
    os.environ["OMPI_MCA_btl_vader_backing_directory"] = shared
    bytes_of_all = finish(first, ALONE, 0)
    check_stages(bytes_of_all)
    check_any_moment(bytes_of_all)
    check_damage()
