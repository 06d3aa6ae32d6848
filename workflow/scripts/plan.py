"""Adapter of rule plan for `kinema.media.plan.plan_shards`.

Before a large extraction it tells what that takes (`kinema.media.large`).

By hand: python workflow/scripts/plan.py job.yaml   (keys: input, output, params, resources, threads, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.media.large import check_extraction
from kinema.media.listing import known_tokens
from kinema.media.plan import plan_shards


def run(job):
    with running(job):
        plan_shards(
            annotation_paths=[Path(path) for path in job.input["annotations"]],
            video_folder=job.params["videos"],
            num_shards=job.params["num_shards"],
            with_labels=job.params["with_labels"],
            out=Path(job.output["plan"]),
            known_path=known_tokens(job.params["videos"]),
        )
        check_extraction(
            Path(job.output["plan"]),
            settings=[job.resources.get("media", "{}"), job.resources.get("limits", "{}")],
            ffmpeg=job.resources.get("trial_ffmpeg"),
            workers=job.threads,
            cores=job.resources.get("all_cores"),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
