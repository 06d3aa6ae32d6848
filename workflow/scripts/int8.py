"""Adapter of rule int8 for `kinema.deployment.int8.export_int8`.

By hand: python workflow/scripts/int8.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.deployment.about import ModelFiles
from kinema.deployment.int8 import Int8Files, export_int8
from kinema.deployment.verify import ConvertedFiles
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running

MODEL = ("model", "evaluation", "predictions", "calibration")


def run(job):
    with running(job):
        export_int8(
            converted=ConvertedFiles(*(Path(job.input[name]) for name in ("onnx", "converted", "parity"))),
            model=ModelFiles(*(Path(job.input[name]) for name in MODEL)),
            clips_path=Path(job.input["clips"]),
            settings=Settings.model_validate_json(job.params["settings"]),
            shipped=Int8Files(Path(job.output["xml"]), Path(job.params["record"])),
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
