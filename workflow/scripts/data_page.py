"""Adapter of rule data_page for `kinema.report.data_page.write_data_page`.

By hand: python workflow/scripts/data_page.py job.yaml   (keys: input, output, params, log)
"""

from pathlib import Path

from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running
from kinema.report.data_page import write_data_page


def run(job):
    with running(job):
        write_data_page(
            report_path=Path(job.input["report"]),
            annotation_path=Path(job.input["annotation"]),
            table_paths=[Path(path) for path in job.input["shards"]],
            settings=Settings.model_validate_json(job.params["settings"]),
            modality=job.params["modality"],
            out=Path(job.output["page"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
