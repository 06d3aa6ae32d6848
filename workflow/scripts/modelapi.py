"""Adapter of rule modelapi for `kinema.deployment.modelapi.export_modelapi`.

By hand: python workflow/scripts/modelapi.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.deployment.about import ModelFiles
from kinema.deployment.modelapi import ModelApiFiles, export_modelapi
from kinema.deployment.verify import ConvertedFiles
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running

MODEL = ("model", "evaluation", "predictions", "calibration")
MADE = ("xml", "verification")


def run(job):
    with running(job):
        export_modelapi(
            converted=ConvertedFiles(*(Path(job.input[name]) for name in ("onnx", "converted", "parity"))),
            model=ModelFiles(*(Path(job.input[name]) for name in MODEL)),
            clips_path=Path(job.input["clips"]),
            settings=Settings.model_validate_json(job.params["settings"]),
            shipped=ModelApiFiles(*(Path(job.output[name]) for name in MADE)),
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
