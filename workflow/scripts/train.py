"""Adapter of rule train for `kinema.training.run.train`.

Frames are copied to a disk of this machine first where that is asked for (`kinema.clips.local_copy`).

By hand: python workflow/scripts/train.py job.yaml   (keys: input, output, params, resources, threads, log)
"""

from dataclasses import replace
from pathlib import Path

from kinema.clips.local_copy import local_copy
from kinema.job import job_from_argv, running
from kinema.launch import start
from kinema.models.model_name import modality_of
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
        with local_copy(clips, inputs.copies_place, modality=modality_of(inputs.model_name)) as copies:
            train(replace(inputs, copies=copies), outputs, watch=TrainingWatch(outputs), threads=job.threads)


if __name__ == "__main__":
    start(run, globals().get("snakemake") or job_from_argv())
