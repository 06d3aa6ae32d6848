"""Adapter of rule annotations for `kinema.annotations.convert.convert`.

By hand: python workflow/scripts/annotations.py job.yaml   (keys: input, output, params, resources, log)
"""

import json
from pathlib import Path

from kinema.annotations.convert import convert
from kinema.experiment.data_sections import Annotations
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        convert(
            [Path(path) for path in job.input["lists"]],
            settings=Annotations.model_validate_json(job.params["settings"]),
            out=Path(job.output["annotation"]),
            scored=json.loads(job.resources.get("scored", "[]")),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
