"""Adapter of rule train for `kinema.training.run.train`.

By hand: python workflow/scripts/train.py job.yaml   (keys: input, output, params, threads, log)
"""

import json
from pathlib import Path

from kinema.experiments import from_json
from kinema.job import job_from_argv, job_log
from kinema.training.run import train


def run(job):
    with job_log(job.log):
        train(
            clips=Path(job.input["clips"]),
            model=job.params["model"],
            settings=from_json(job.params["settings"], job.resources.get("untracked", "{}")),
            starts=json.loads(job.params["starts"]),
            out=Path(job.output["model"]),
            history=Path(job.output["history"]),
            record=Path(job.output["record"]),
            work=Path(job.params["work"]),
            logs=Path(job.params["logs"]),
            code=job.params["code"],
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
