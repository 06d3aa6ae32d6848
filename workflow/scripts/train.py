"""Adapter of rule train for `kinema.training.run.train`.

By hand: python workflow/scripts/train.py job.yaml   (keys: input, output, params, threads, log)
"""

import json
from pathlib import Path

from kinema.config import Settings
from kinema.job import job_from_argv, job_log
from kinema.training.run import train


def run(job):
    with job_log(job.log):
        train(
            clips=Path(job.input["clips"]),
            model=job.params["model"],
            settings=Settings.model_validate_json(job.params["settings"]),
            starts=json.loads(job.params["starts"]),
            out=Path(job.output["model"]),
            history=Path(job.output["history"]),
            record=Path(job.output["record"]),
            work=Path(job.params["work"]),
            code=job.params["code"],
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
