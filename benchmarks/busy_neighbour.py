"""How long a training step takes beside another busy process, by what threads do while they wait for each other.

    python benchmarks/busy_neighbour.py [--rounds 3]

The bare PyTorch step of `train_step.py` (efficientnet_lite0_vtn, eight clips of eight frames at 64 pixels) with as many
threads as there are cores, in a process of its own for each setting: OpenMP's own, jobs of kinema
(`kinema.job.wait_asleep`), and threads that never wait awake. All settings take turns, alone and beside one process
that computes all the time; prints milliseconds a step, medians over the rounds.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from kinema.job import SPIN_COUNT

SETTINGS = {
    "OpenMP's own": {},
    "jobs of kinema": {"GOMP_SPINCOUNT": SPIN_COUNT},
    "never": {"OMP_WAIT_POLICY": "passive"},
}
STEPS = 5


def measure() -> None:
    """Print milliseconds a step, in this process."""
    import torch
    from train_step import bare_step, network, random_batch

    step = bare_step(network("efficientnet_lite0_vtn", 64, torch.channels_last), random_batch(64))
    step()
    started_at = time.perf_counter()
    for _ in range(STEPS):
        step()
    print(1000 * (time.perf_counter() - started_at) / STEPS)


def milliseconds(setting: dict[str, str]) -> float:
    command = [sys.executable, __file__, "--measure"]
    plain = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run(command, env=plain | setting, stdout=subprocess.PIPE, check=True, text=True)
    return float(done.stdout)


@contextlib.contextmanager
def neighbour(wanted: bool) -> Iterator[None]:
    """A process that computes all the time, if one is wanted."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if wanted else None
    try:
        yield
    finally:
        if process:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure()
        return
    print("| threads wait awake as long as | alone | beside a busy process |\n|---|---|---|")
    found: dict[tuple[str, bool], list[float]] = {(name, busy): [] for busy in (False, True) for name in SETTINGS}
    for _ in range(arguments.rounds):
        for name, busy in found:
            with neighbour(busy):
                found[name, busy].append(milliseconds(SETTINGS[name]))
    for name in SETTINGS:
        alone, busy = (statistics.median(found[name, busy]) for busy in (False, True))
        print(f"| {name} | {alone:.0f} ms | {busy:.0f} ms |")


if __name__ == "__main__":
    main()
