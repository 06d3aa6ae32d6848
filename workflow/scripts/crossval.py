"""Adapter of rule crossval for `kinema.crossval.summary.write_summary`.

By hand: python workflow/scripts/crossval.py job.yaml   (keys: output, params, log)
"""

import json
from pathlib import Path

from kinema.crossval.summary import SummaryFiles, write_summary
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        write_summary(
            folder=Path(job.params["folder"]),
            names=json.loads(job.params["folds"]),
            annotated=json.loads(job.params["listed"]),
            out=SummaryFiles(
                record_path=Path(job.output["summary"]),
                markdown_path=Path(job.output["readable"]),
                predictions_path=Path(job.output["predictions"]),
            ),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
