"""Adapter of rule serving for `kinema.deployment.serving.export_serving`.

By hand: python workflow/scripts/serving.py job.yaml   (keys: input, output, params, log)
"""

from pathlib import Path

from kinema.deployment.serving import ServedFiles, export_serving
from kinema.job import job_from_argv, running

MADE = ("config", "xml", "verification")


def run(job):
    with running(job):
        export_serving(
            xml_path=Path(job.input["xml"]),
            verification_path=Path(job.input["verification"]),
            served=ServedFiles(*(Path(job.output[name]) for name in MADE)),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
