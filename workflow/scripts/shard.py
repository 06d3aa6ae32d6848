"""Adapter of rule shard for `kinema.media.shard.write_shard`.

By hand: python workflow/scripts/shard.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.config import Media
from kinema.job import job_from_argv, running
from kinema.media.plan import manifest_path
from kinema.media.shard import write_shard


def run(job):
    with running(job):
        write_shard(
            manifest=manifest_path(Path(job.input["plan"]), Path(job.output["table"]).stem),
            table=Path(job.output["table"]),
            media=Media.model_validate_json(job.params["media"]),
            ffmpeg=job.params["ffmpeg"],
            workers=job.threads,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
