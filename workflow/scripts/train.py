"""Adapter of rule train for `kinema.training.run.train`.

By hand: python workflow/scripts/train.py job.yaml   (keys: input, output, params, resources, threads, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.training.run import TrainingInputs, TrainingOutputs, train
from kinema.watching.training import TrainingWatch


def run(job):
    with running(job):
        clips, resources = Path(job.input["clips"]), job.resources
        outputs = TrainingOutputs(
            model_path=Path(job.output["model"]),
            history_path=Path(job.output["history"]),
            record_path=Path(job.output["record"]),
            work_folder=Path(job.params["work"]),
            curves_folder=Path(job.params["logs"]),
        )
        inputs = TrainingInputs.from_params(job.params, resources, clips_path=clips)
        train(inputs, outputs, watch=TrainingWatch(outputs), threads=job.threads)


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
