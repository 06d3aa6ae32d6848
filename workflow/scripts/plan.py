"""Adapter of rule plan for `kinema.media.plan.plan_shards`.

By hand: python workflow/scripts/plan.py job.yaml   (keys: input, output, params, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.media.listing import known_tokens
from kinema.media.plan import plan_shards


def run(job):
    with running(job):
        plan_shards(
            annotation_paths=[Path(path) for path in job.input["annotations"]],
            video_folder=Path(job.params["videos"]),
            num_shards=job.params["num_shards"],
            with_labels=job.params["with_labels"],
            out=Path(job.output["plan"]),
            known_path=known_tokens(job.params["videos"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
