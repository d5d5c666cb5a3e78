"""failed_write.py LAUNCHER...: a write that one rank is refused ends all ranks with one message and 74, and soon."""

import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "run.h5")
    patience = float(os.environ.get("ORRERY_TEST_PATIENCE", "1"))
    run = subprocess.run([*sys.argv[1:], path, "fail"], stderr=subprocess.PIPE, text=True, timeout=60 * patience)
    lines = [line for line in run.stderr.splitlines() if line.startswith("orrery:")]
    assert run.returncode == 74, (run.returncode, run.stderr)
    assert len(lines) == 1, run.stderr
    assert "writing the output failed" in lines[0] and "rank 1" in lines[0] and "HDF5 says" in lines[0], lines[0]
    assert not os.path.exists(path)
    print(lines[0])
