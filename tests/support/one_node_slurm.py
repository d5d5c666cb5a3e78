"""A Slurm of one node, this machine, for tests: its controller and its daemon on loopback, from unpacked packages.

It believes in eight processors and four GPUs, whatever there is. All that it writes lies in a folder that the test
gives, and nothing that it starts outlives the test, also where that is killed: a keeper waits for its end.
"""

from __future__ import annotations

import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from orrery_program import ROOT, environment

UNPACKED = ROOT / "build" / "slurm" / "root"
PROCESSORS, GPUS = 8, 4
#: Of a job that is over.
LAST_STATES = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}

CONFIGURATION = """\
ClusterName=orrery
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
PluginDir={plugins}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
TmpFS={folder}/tmp
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
AuthType=auth/none
CredType=cred/none
# A requeued job waits until its old credential has expired: 2 minutes by default.
AuthInfo=cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={processors} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count: int) -> list[int]:
    """That nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def processes_of(configuration: Path) -> list[int]:
    """Daemons, batch scripts, ranks: all that have this SLURM_CONF in their environment."""
    sign = f"SLURM_CONF={configuration}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and sign in folder.joinpath("environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
    return found


def kill_all(configuration: Path) -> None:
    """Until none is left: one that dies may have started another."""
    end = time.monotonic() + 20
    while pids := processes_of(configuration):
        if time.monotonic() > end:
            raise AssertionError(f"processes that can't be killed: {pids}")
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


class OneNodeSlurm:
    """Starts on entry of a `with`, ends on its exit."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made."""
        self.folder = folder
        self.configuration = folder / "slurm.conf"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._daemons: list[subprocess.Popen[bytes]] = []

    @property
    def path(self) -> str:
        """Where programs are found, its commands first."""
        return f"{UNPACKED}/usr/bin:{os.environ['PATH']}"

    def __enter__(self) -> OneNodeSlurm:
        if not (UNPACKED / "usr/sbin/slurmctld").is_file():
            raise AssertionError(
                f"Slurm is missing (looked in {UNPACKED}): `bash cmake/bootstrap.sh slurm` unpacks Debian's packages"
                " there, as `bash tests/run.sh` does"
            )
        self._configure()
        self._keeper = subprocess.Popen([sys.executable, __file__, str(self.configuration)], stdin=subprocess.PIPE)
        self._keeper.wait()  # it goes on as nobody's child, which those who kill a test with its children don't find
        try:
            self._start("slurmctld", "-D")
            self._wait(lambda: "UP" in self.run("scontrol", "ping").stdout, "its controller")
            self._start("slurmd", "-D", "-d", str(UNPACKED / "usr/sbin/slurmstepd"))
            self._wait(lambda: "idle" in self.run("sinfo", "--noheader", "--format=%t").stdout, "its node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        kill_all(self.configuration)
        for daemon in self._daemons:
            daemon.wait()
        if self._keeper and self._keeper.stdin:
            self._keeper.stdin.close()

    def run(
        self, *words: str | Path, extra: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command as a user of this Slurm types it."""
        return subprocess.run(
            list(map(str, words)), env=environment(self._environment() | dict(extra or {})), cwd=folder,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def submit(self, *words: str | Path, extra: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
        """The id of the job of `sbatch words…`, whose logs lie in the folder of this Slurm if nowhere else."""
        done = self.run("sbatch", "--parsable", *words, extra=extra, folder=folder or self.folder)
        if done.returncode != 0:
            raise AssertionError(f"sbatch {words}: {done.stderr}")
        return done.stdout.strip()

    def job(self, name: str) -> dict[str, str]:
        """What the controller knows of a job, or of a task ID_TASK of an array, by its own names (JobState, …)."""
        text = self.run("scontrol", "--oneliner", "show", "job", name).stdout
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def wait_for(
        self, name: str, is_so: Callable[[dict[str, str]], bool], what: str, seconds: float = 60, pause: float = 0.1
    ) -> None:
        """Until the job is so; fails where it is over before."""
        end = time.monotonic() + seconds
        while not is_so(job := self.job(name)):
            if time.monotonic() > end or job.get("JobState") in LAST_STATES:
                raise AssertionError(f"waited for {what} of job {name}: {job}\n{self.said(job)}\n{self.logs()}")
            time.sleep(pause)

    def end_of(self, name: str, seconds: float = 90) -> dict[str, str]:
        """The job when it is over, whatever became of it."""
        self.wait_for(name, lambda job: job.get("JobState") in LAST_STATES, "the end", seconds)
        return self.job(name)

    def cancel_all(self) -> None:
        """What a test that failed has left."""
        self.run("scancel", "--partition=all")
        self._wait(lambda: self.run("squeue", "--noheader").stdout == "", "the end of all jobs")

    def said(self, job: Mapping[str, str]) -> str:
        """What a job has written so far."""
        path = Path(job.get("StdOut", ""))
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def logs(self) -> str:
        """The ends of what the daemons wrote."""
        return "".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("slurm*.log")))

    def _environment(self) -> dict[str, str]:
        return {
            "SLURM_CONF": str(self.configuration),
            "PATH": self.path,
            "LD_LIBRARY_PATH": str(self._plugins()),
        }

    def _plugins(self) -> Path:
        """With the library that all of its programs share."""
        return next(UNPACKED.glob("usr/lib/*/slurm-wlm"))

    def _configure(self) -> None:
        controller, daemon = free_ports(2)
        for name in ("state", "spool", "tmp"):
            (self.folder / name).mkdir(parents=True)
        # A GPU is a device file with a number behind its name; nothing opens these.
        for number in range(GPUS):
            (self.folder / f"gpu{number}").symlink_to("/dev/null")
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # version 2 is started, 1 left alone
        self.configuration.write_text(
            CONFIGURATION.format(
                host=re.sub(r"\..*", "", socket.gethostname()), user=pwd.getpwuid(os.getuid()).pw_name,
                controller=controller, daemon=daemon, plugins=self._plugins(), folder=self.folder,
                processors=PROCESSORS, gpus=GPUS,
            )  # fmt: skip
        )

    def _start(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}-output.log").open("wb") as log:
            command = [str(UNPACKED / "usr/sbin" / name), *words]
            self._daemons.append(
                subprocess.Popen(command, env=environment(self._environment()), stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log)
            )  # fmt: skip

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not is_so():
            if time.monotonic() > end or any(daemon.poll() is not None for daemon in self._daemons):
                raise AssertionError(f"waited for {what}:\n{self.logs()}")
            time.sleep(0.1)


def keep(configuration: Path) -> None:
    """Until the test closes our standard input, or dies; then nothing of its Slurm goes on."""
    if os.fork() != 0:
        return
    os.setsid()
    sys.stdin.buffer.read()
    kill_all(configuration)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
