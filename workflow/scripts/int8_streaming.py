"""Adapter of rule int8_streaming for `kinema.deployment.int8_streaming.export_int8_streaming`.

By hand: python workflow/scripts/int8_streaming.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.deployment.about import ModelFiles
from kinema.deployment.int8_streaming import Int8StreamingFiles, export_int8_streaming
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running

MODEL = ("model", "evaluation", "predictions", "calibration")
MADE = ("encoder", "decoder", "labels")


def run(job):
    with running(job):
        export_int8_streaming(
            model=ModelFiles(*(Path(job.input[name]) for name in MODEL)),
            clips_path=Path(job.input["clips"]),
            settings=Settings.model_validate_json(job.params["settings"]),
            shipped=Int8StreamingFiles(*(Path(job.output[name]) for name in MADE), Path(job.params["record"])),
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
