"""Adapter of rule annotations for `kinema.annotations.table.convert_table`.

By hand: python workflow/scripts/annotations.py job.yaml   (keys: input, output, log)
"""

from pathlib import Path

from kinema.annotations.table import convert_table
from kinema.job import job_from_argv, job_log


def run(job):
    with job_log(job.log):
        convert_table(
            table=Path(job.input["table"]),
            out=Path(job.output["annotation"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
