"""Processes: which of those that run one job together this is, and whether one that left a note still lives.

Notes lie in folders that several machines and containers may share; a number is given to many processes in turn.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PROC = Path("/proc")
MACHINE_ID = Path("/etc/machine-id")
ENDED = "ended"
# set in processes of a job that srun started, and torchrun
TASK, TORCHRUN = "KINEMA_TASK", "TORCHELASTIC_RUN_ID"


@dataclass(frozen=True, kw_only=True)
class Process:
    """What tells a process from every other, here and elsewhere; "" where the system does not say.

    A note that a process leaves is a subclass with more fields.
    """

    host: str
    machine: str
    boot: str  # another one each time that the machine is started
    namespace: str  # in which its number counts: containers have their own
    pid: int
    started: str  # in the kernel's ticks

    @classmethod
    def this(cls, **more: Any) -> Self:
        """The process that asks; `more` are the fields of a note."""
        pid = os.getpid()
        return cls(
            host=socket.gethostname(),
            machine=_text(MACHINE_ID),
            boot=_text(PROC / "sys/kernel/random/boot_id"),
            namespace=_namespace(),
            pid=pid,
            started=_started(pid),
            **more,
        )

    def is_alive(self) -> bool | None:
        """Whether it still runs; None where that cannot be told from here."""
        here = Process.this()
        # names alone are no proof: hosts may share theirs, and machines made from one image their id
        if (self.host, self.machine) != (here.host, here.machine):
            return None
        if self.boot != here.boot:
            # this machine, before it was started anew; without an id it may be another one of that name
            return False if self.machine and self.boot and here.boot else None
        if self.namespace != here.namespace:
            return None
        # read before the question that follows, which a process that ends in between answers
        started = _started(self.pid)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # somebody else's
        if self.started and not started:
            return None  # systems may hide the processes of others
        # the same number may have been given to another process since
        return self.started == started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def is_first_process() -> bool:
    """False in the processes that run the job's script beside it: they leave files to the first one."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK"))


def _namespace() -> str:
    try:
        return str((PROC / "self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started; ENDED of one that only waits to be forgotten."""
    fields = _text(PROC / str(pid) / "stat").rpartition(")")[2].split()
    if not fields:
        return ""
    return ENDED if fields[0] in "ZX" else fields[19]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()  # a process may have any name
    except OSError:
        return ""
