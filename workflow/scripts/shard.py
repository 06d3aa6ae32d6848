"""Adapter of rule shard for `kinema.media.shard.write_shard`.

By hand: python workflow/scripts/shard.py job.yaml   (keys: input, output, params, resources, threads, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.media.plan import manifest_path
from kinema.media.recipe import media_from_json
from kinema.media.shard import write_shard


def run(job):
    with running(job):
        write_shard(
            manifest_path=manifest_path(Path(job.input["plan"]), Path(job.output["table"]).stem),
            table_path=Path(job.output["table"]),
            media=media_from_json(job.params["media"], job.resources.get("limits", "{}")),
            ffmpeg=job.resources.get("ffmpeg"),
            workers=job.threads,
            attempt=job.params["attempt"],
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
