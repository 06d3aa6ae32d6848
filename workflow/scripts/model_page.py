"""Adapter of rule model_page for `kinema.report.model_page.write_model_page`.

By hand: python workflow/scripts/model_page.py job.yaml   (keys: input, output, params, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.report.model_page import write_model_page
from kinema.report.model_pictures import PictureFiles


def run(job):
    with running(job):
        write_model_page(
            folder=Path(job.input["evaluation"]).parent,
            files=PictureFiles(
                checkpoint_path=Path(job.input["model"]),
                clips_path=Path(job.input["clips"]),
                annotation_path=Path(job.input["annotation"]),
                report_path=Path(job.input["report"]),
                table_paths=[Path(path) for path in job.input["shards"]],
            ),
            settings=job.params["settings"],
            own_settings=job.params["own_settings"],
            failed=job.params["failed"],
            page_path=Path(job.output["page"]),
            card_path=Path(job.output["card"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
