"""Adapter of rule crossval_table for `kinema.crossval.table.write_table`.

By hand: python workflow/scripts/crossval_table.py job.yaml   (keys: output, params, log)
"""

import json
from pathlib import Path

from kinema.crossval.table import write_table
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        write_table(
            folder=Path(job.params["folder"]),
            model_names=json.loads(job.params["models"]),
            csv_path=Path(job.output["table"]),
            markdown_path=Path(job.output["readable"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
