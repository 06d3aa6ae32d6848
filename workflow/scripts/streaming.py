"""Adapter of rule streaming for `kinema.deployment.streaming.export_streaming`.

By hand: python workflow/scripts/streaming.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.deployment.about import ModelFiles
from kinema.deployment.streaming import StreamingFiles, export_streaming
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running

MODEL = ("model", "evaluation", "predictions", "calibration")
MADE = ("encoder", "decoder", "labels", "verification")


def run(job):
    with running(job):
        export_streaming(
            model=ModelFiles(*(Path(job.input[name]) for name in MODEL)),
            clips_path=Path(job.input["clips"]),
            settings=Settings.model_validate_json(job.params["settings"]),
            shipped=StreamingFiles(*(Path(job.output[name]) for name in MADE)),
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
