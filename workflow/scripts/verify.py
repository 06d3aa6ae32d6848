"""Adapter of rule verify for `kinema.deployment.verify.verify`.

By hand: python workflow/scripts/verify.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.deployment.about import ModelFiles
from kinema.deployment.verify import ConvertedFiles, ShippedFiles, verify
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running

MODEL = ("model", "evaluation", "predictions", "calibration")
MADE = ("onnx", "xml", "labels", "verification")


def run(job):
    with running(job):
        verify(
            converted=ConvertedFiles(*(Path(job.input[name]) for name in ("onnx", "converted", "parity"))),
            model=ModelFiles(*(Path(job.input[name]) for name in MODEL)),
            clips_path=Path(job.input["clips"]),
            settings=Settings.model_validate_json(job.params["settings"]),
            shipped=ShippedFiles(*(Path(job.output[name]) for name in MADE)),
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
