"""Adapter of rule fold for `kinema.crossval.folds.write_fold`.

By hand: python workflow/scripts/fold.py job.yaml   (keys: input, output, params, log)
"""

import json
from pathlib import Path

from kinema.crossval.folds import write_fold
from kinema.experiment.data_sections import Clip, CrossValidation
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        settings = json.loads(job.params["settings"])
        write_fold(
            clips_path=Path(job.input["clips"]),
            fold=int(job.params["fold"]),
            dealing=CrossValidation.model_validate(settings["crossval"]),
            clip=Clip.model_validate(settings["clip"]),
            out=Path(job.output["clips"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
