"""A job -> the processes and the GPUs that its resources ask for.

    gpu                 GPUs in all, each with a process of its own
    nodes, tasks        machines, and processes on all of them together, each with `threads` cores: in an allocation of
                        SLURM `srun` starts the job's script once for each
    neither             this process, which on one machine starts those beside it itself (`kinema.training.world`)

`torchrun` starts the script as often as it is told to, whatever the resources say.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from kinema import slurm
from kinema.gpus import sole_gpus
from kinema.input_error import InputError
from kinema.job import Interrupted
from kinema.processes import TASK, TORCHRUN, is_first_process

# from the end of the first process to that of the others, of which one may still be writing the model
GRACE_SECONDS = 300
UNTIL_KILLED_SECONDS = 120


def start(run: Callable[[Any], None], job: Any) -> None:
    """Run an adapter's `run` on a job, here or in several processes of an allocation.

    A job of SLURM that gets a signal to end, as it does before its time is over, puts itself back into the queue where
    it came further than before.
    """
    resources: Mapping[str, Any] = getattr(job, "resources", {})
    if _is_spread(resources) and TASK not in os.environ:
        _srun(resources, threads=job.threads)
        return
    if TASK in os.environ:
        _take_rank()
    with sole_gpus(resources.get("gpu")):
        try:
            run(job)
        except Interrupted as error:
            if error.is_further and is_first_process() and slurm.requeue():
                time.sleep(UNTIL_KILLED_SECONDS)  # an end of its own would count as a failure
            raise


def _is_spread(resources: Mapping[str, Any]) -> bool:
    """Whether several processes are to be started by srun; InputError where they would be and cannot."""
    nodes, tasks = resources.get("nodes") or 1, resources.get("tasks") or 1
    if TORCHRUN in os.environ:
        return False
    if nodes > 1 and slurm.JOB_ID not in os.environ:
        raise InputError(
            f"resources: nodes is {nodes}, but this is no job of SLURM. Use profiles/slurm, or start the job's script "
            "on every machine with torchrun: docs/cluster.md."
        )
    return max(nodes, tasks) > 1 and slurm.JOB_ID in os.environ


def _srun(resources: Mapping[str, Any], *, threads: int) -> None:
    """Run this script once for each task of the allocation; SystemExit where one fails."""
    nodes, tasks = resources.get("nodes") or 1, resources.get("tasks") or resources.get("gpu") or 1
    if tasks % nodes:
        raise InputError(f"resources: {tasks} tasks on {nodes} nodes; ask for as many on each")
    command = ["srun", f"--nodes={nodes}", f"--ntasks={tasks}", f"--ntasks-per-node={tasks // nodes}"]
    command += [f"--cpus-per-task={threads}", "--cpu-bind=none", f"--wait={GRACE_SECONDS}"]
    if resources.get("gpu"):
        command += ["--gpu-bind=none"]  # a process takes that of its rank out of all GPUs of its node
    port = os.environ.get("MASTER_PORT", str(_free_port()))
    address = os.environ.get("MASTER_ADDR", socket.gethostname())  # the first task runs beside this script
    environment = {**os.environ, TASK: "1", "MASTER_ADDR": address, "MASTER_PORT": port}
    running = subprocess.Popen([*command, sys.executable, *sys.argv], env=environment)

    def forward(number: int, frame: FrameType | None) -> None:
        running.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        code = running.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code:
        raise SystemExit(code)


def _take_rank() -> None:
    """Say in PyTorch's words which task this is."""
    os.environ |= {"LOCAL_RANK": os.environ["SLURM_LOCALID"], "NODE_RANK": os.environ["SLURM_NODEID"]}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        return found.getsockname()[1]
