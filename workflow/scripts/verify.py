"""Adapter of rule verify for `kinema.deployment.verify.verify`.

By hand: python workflow/scripts/verify.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.deployment.pytorch_scores import ScoreFiles
from kinema.deployment.verify import ShippedFiles, verify
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        verify(
            converted_path=Path(job.input["converted"]),
            parity_path=Path(job.input["parity"]),
            checkpoint_path=Path(job.input["model"]),
            clips_path=Path(job.input["clips"]),
            scores=ScoreFiles(Path(job.input["evaluation"]), Path(job.input["predictions"])),
            settings=Settings.model_validate_json(job.params["settings"]),
            shipped=ShippedFiles(Path(job.output["xml"]), Path(job.output["labels"]), Path(job.output["verification"])),
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
