"""Adapter of rule model_page for `kinema.report.model_page.write_model_page`.

By hand: python workflow/scripts/model_page.py job.yaml   (keys: output, params, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.report.model_page import write_model_page


def run(job):
    with running(job):
        write_model_page(
            folder=Path(job.params["folder"]),
            settings=job.params["settings"],
            failed=job.params["failed"],
            page_path=Path(job.output["page"]),
            card_path=Path(job.output["card"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
