"""Adapter of rule evaluate for `kinema.evaluation.evaluate.evaluate`.

By hand: python workflow/scripts/evaluate.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.evaluation.evaluate import EvaluationFiles, evaluate
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running
from kinema.launch import start


def run(job):
    with running(job):
        evaluate(
            checkpoint_path=Path(job.input["model"]),
            clips_path=Path(job.input["clips"]),
            settings=Settings.model_validate_json(job.params["settings"]),
            accelerator=job.resources.get("accelerator", "auto"),
            out=EvaluationFiles(
                evaluation_path=Path(job.output["evaluation"]),
                predictions_path=Path(job.output["predictions"]),
                calibration_path=Path(job.output["calibration"]),
                confusion_path=Path(job.output["confusion"]),
            ),
            threads=job.threads,
        )


if __name__ == "__main__":
    start(run, globals().get("snakemake") or job_from_argv())
