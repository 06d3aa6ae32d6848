"""Adapter of rule train for `kinema.training.run.train`.

By hand: python workflow/scripts/train.py job.yaml   (keys: input, output, params, threads, log)
"""

import json
from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.params import from_json
from kinema.training.run import train
from kinema.watching.training import TrainingWatch


def run(job):
    with running(job):
        train(
            clips=Path(job.input["clips"]),
            model=job.params["model"],
            settings=from_json(job.params["settings"], job.resources.get("untracked", "{}")),
            starts=json.loads(job.params["starts"]),
            data=json.loads(job.params["data"]),
            out=Path(job.output["model"]),
            work=Path(job.params["work"]),
            code=job.params["code"],
            threads=job.threads,
            watch=TrainingWatch(Path(job.output["history"]), Path(job.output["record"]), logs=Path(job.params["logs"])),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
