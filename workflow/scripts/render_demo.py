"""Adapter of rule render_demo for `kinema.demo.dataset.render_demo`.

By hand: python workflow/scripts/render_demo.py job.yaml   (keys: output, params, log)
"""

from pathlib import Path

from kinema.demo.dataset import render_demo
from kinema.experiment.config import Demo
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        render_demo(
            table_path=Path(job.output["table"]),
            video_folder=Path(job.output["videos"]),
            settings=Demo.model_validate_json(job.params["settings"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
