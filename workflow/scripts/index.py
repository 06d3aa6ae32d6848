"""Adapter of rule index for `kinema.clips.index.build_index`.

By hand: python workflow/scripts/index.py job.yaml   (keys: input, output, params, resources, log)
"""

import json
from pathlib import Path

from kinema.clips.index import build_index
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Augmentation
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        build_index(
            annotation_path=Path(job.input["annotation"]),
            table_paths=[Path(path) for path in job.input["shards"]],
            clip=Settings.model_validate_json(job.params["settings"]).clip,
            max_failed_fraction=job.params["max_failed_fraction"],
            report_path=Path(job.input["report"]),
            out=Path(job.output["clips"]),
            augmentation=Augmentation.model_validate_json(job.resources.get("flip", '{"horizontal_flip": 0}')),
            scored=json.loads(job.resources.get("scored", "[]")),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
