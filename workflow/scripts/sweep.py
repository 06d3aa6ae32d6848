"""Adapter of rule sweep for `kinema.sweep.summary.write_sweep`.

By hand: python workflow/scripts/sweep.py job.yaml   (keys: output, params, log)
"""

import json
from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.sweep.summary import write_sweep


def run(job):
    with running(job):
        write_sweep(
            folder=Path(job.params["folder"]),
            model_name=job.params["model"],
            sweep=job.params["sweep"],
            points=dict(json.loads(job.params["points"])),
            choose_on=job.params["choose_on"],
            csv_path=Path(job.output["table"]),
            markdown_path=Path(job.output["readable"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
