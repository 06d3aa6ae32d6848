"""Adapter of rule dataset_report for `kinema.clips.report.write_report`.

By hand: python workflow/scripts/dataset_report.py job.yaml   (keys: input, output, params, log)
"""

from pathlib import Path

from kinema.clips.report import write_report
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        write_report(
            dataset=job.params["dataset"],
            annotation_path=Path(job.input["annotation"]),
            table_paths=[Path(path) for path in job.input["shards"]],
            look_alikes_path=next(iter(map(Path, job.input.get("look_alikes", []))), None),
            out=Path(job.output["report"]),
            page_path=Path(job.output["readable"]),
            clip_fps=Settings.model_validate_json(job.params["clip"]).clip.fps,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
