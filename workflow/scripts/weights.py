"""Adapter of rule weights for `kinema.models.loading.download.download_weights`.

By hand: python workflow/scripts/weights.py job.yaml   (keys: output, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.models.loading.download import download_weights


def run(job):
    with running(job):
        download_weights(Path(job.output["weights"]), Path(job.output["record"]))


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
