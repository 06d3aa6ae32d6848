"""Adapter of rule verify for `kinema.deployment.verify.verify`.

By hand: python workflow/scripts/verify.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.config import Settings
from kinema.deployment.verify import verify
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        verify(
            converted=Path(job.input["converted"]),
            parity=Path(job.input["parity"]),
            checkpoint=Path(job.input["model"]),
            clips=Path(job.input["clips"]),
            evaluation=Path(job.input["evaluation"]),
            predictions=Path(job.input["predictions"]),
            settings=Settings.model_validate_json(job.params["settings"]),
            xml=Path(job.output["xml"]),
            labels=Path(job.output["labels"]),
            verification=Path(job.output["verification"]),
            threads=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
