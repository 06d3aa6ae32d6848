"""What Snakemake itself takes while jobs wait for cores: at its default rate of starts, and as the Snakefile has it.

    python benchmarks/scheduler.py [--jobs 60 240] [--side-by-side 4]

Jobs sleep for a second, so that nearly all processor time is Snakemake's own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SNAKEFILE = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from kinema.scheduler import lift_default_rate

onstart:
    if config["lifted"]:
        lift_default_rate(workflow.scheduler)

rule all:
    input: expand("done/{{number}}", number=range(config["jobs"]))

rule one:
    output: touch("done/{{number}}")
    shell: "sleep 1"
"""


def measured(num_jobs: int, *, side_by_side: int, is_lifted: bool) -> tuple[float, float]:
    """Seconds of wall and processor time of a run."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(side_by_side), "--scheduler", "greedy", "--quiet"]
    command += ["all", "--config", f"jobs={num_jobs}", f"lifted={is_lifted}"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Snakefile").write_text(SNAKEFILE)
        started_at = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started_at
    if status:
        raise SystemExit("snakemake failed")
    return seconds, usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, nargs="+", default=[60, 240])
    parser.add_argument("--side-by-side", type=int, default=4)
    arguments = parser.parse_args()
    for num_jobs in arguments.jobs:
        default, lifted = (
            measured(num_jobs, side_by_side=arguments.side_by_side, is_lifted=is_lifted) for is_lifted in (False, True)
        )
        wall, processor = (f"{mine:.1f} s against {its:.1f} s" for mine, its in zip(lifted, default, strict=True))
        print(f"{num_jobs} jobs: processor {processor}, ratio {lifted[1] / default[1]:.2f}; wall {wall}", flush=True)


if __name__ == "__main__":
    main()
