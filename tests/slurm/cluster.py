"""A cluster of one node on loopback: the daemons of Debian's SLURM, with a configuration and keys of their own.

Cores are made up, so a job gets what it asks for without there being as much.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
PROGRAMS = (*DAEMONS, "sbatch", "squeue", "srun", "scontrol")
PACKAGES = "slurmctld slurmd slurm-client munge"
SYSTEM_FOLDER = Path("/etc/slurm")  # where jobs look: the executor takes SLURM_CONF away from them
PORTS = (26817, 26818)
# a job that went back to the queue waits as long as credentials live; checks of time limits come every half minute
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
ReturnToService=2
KillWait=10
MinJobAge=600
SlurmdParameters=config_overrides
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs=64 RealMemory=256000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE PriorityTier=1 State=UP
PartitionName=urgent Nodes={host} MaxTime=INFINITE PriorityTier=9 PreemptMode=OFF State=UP
"""


@dataclass
class Cluster:
    """The folder of its files, and the name of its node."""

    folder: Path
    host: str

    def start(self) -> None:
        """Start the daemons, and wait until the node is idle."""
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        configuration = self.folder / "slurm.conf"
        configuration.write_text(CONFIGURATION.format(host=self.host, ports=PORTS, folder=self.folder))
        SYSTEM_FOLDER.mkdir(exist_ok=True)
        (SYSTEM_FOLDER / "slurm.conf").symlink_to(configuration)
        files = {"key-file": key, "socket": self.folder / "munge/socket", "pid-file": self.folder / "munged.pid"}
        files |= {"log-file": self.folder / "munged.log", "seed-file": self.folder / "munge/seed"}
        run("munged", "--force", *(f"--{name}={path}" for name, path in files.items()))
        run("slurmctld", "-c")
        run("slurmd", "-c")
        wait_for(lambda: run("sinfo", "--noheader", "--format", "%T").split()[:1] == ["idle"], seconds=60)

    def stop(self) -> None:
        """End all jobs, and the daemons that were started here."""
        subprocess.run(["scancel", "--me"], check=False)
        for _ in range(60):  # their processes would stay behind
            if not subprocess.run(["squeue", "--noheader"], capture_output=True, text=True).stdout:
                break
            time.sleep(0.5)
        for name in reversed(DAEMONS):
            file = self.folder / f"{name}.pid"
            if file.exists():
                os.kill(int(file.read_text()), signal.SIGTERM)
        (SYSTEM_FOLDER / "slurm.conf").unlink(missing_ok=True)

    def jobs(self, rule: str = "") -> dict[str, str]:
        """States of the jobs in the queue by number, of this rule alone where one is named."""
        lines = run("squeue", "--noheader", "--format", "%A|%T|%k").splitlines()
        rows = [line.split("|") for line in lines]
        return {number: state for number, state, comment in rows if f"rule_{rule}" in comment}

    def minutes(self, job: str) -> int:
        """Whole minutes that a job has run since it was last started."""
        found = re.search(r"RunTime=(?:(\d+)-)?(\d+):(\d+):\d+", run("scontrol", "show", "job", job))
        assert found, f"no time of job {job}"
        days, hours, minutes = (int(part or 0) for part in found.groups())
        return (24 * days + hours) * 60 + minutes

    def kill(self, job: str) -> None:
        """End all processes of a job at once, as the failure of its node does."""
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):  # of one that has ended meanwhile
                if f"SLURM_JOB_ID={job}".encode() in environment.read_bytes().split(b"\0"):
                    os.kill(int(environment.parent.name), signal.SIGKILL)


def missing() -> str | None:
    """Why no cluster can be started here."""
    if os.geteuid() != 0:
        return "the daemons of SLURM need root"
    if lacking := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"no {', '.join(lacking)}: apt-get install {PACKAGES}"
    if os.path.lexists(SYSTEM_FOLDER / "slurm.conf"):
        return f"{SYSTEM_FOLDER}/slurm.conf is there: this machine is part of a cluster"
    return None


def here(folder: Path) -> Cluster:
    """A cluster of this machine whose files are in a folder."""
    return Cluster(folder, socket.gethostname().split(".")[0])


def run(*command: str) -> str:
    """What a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def wait_for(happened, *, seconds: float, process: subprocess.Popen | None = None, what: str = "it"):
    """What `happened` gives, once it is true. A command that the cluster does not answer is given again."""
    until, unanswered = time.monotonic() + seconds, ""
    while True:
        try:
            if found := happened():
                return found
        except (AssertionError, subprocess.TimeoutExpired) as error:
            unanswered = f"; last: {error}"
        assert process is None or process.poll() is None, f"Snakemake ended before {what} happened{unanswered}"
        assert time.monotonic() < until, f"{what} did not happen in {seconds} s{unanswered}"
        time.sleep(0.3)
