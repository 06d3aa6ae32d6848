"""Adapter of rule look_alikes for `kinema.looks.look_alikes.write_look_alikes`.

By hand: python workflow/scripts/look_alikes.py job.yaml   (keys: input, output, params, threads, log)
"""

from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.looks.look_alikes import write_look_alikes


def run(job):
    with running(job):
        write_look_alikes(
            annotation_path=Path(job.input["annotation"]),
            table_paths=[Path(path) for path in job.input["shards"]],
            kept_path=Path(job.params["kept"]),
            limit=job.params["limit"],
            threads=job.threads,
            out=Path(job.output["found"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
