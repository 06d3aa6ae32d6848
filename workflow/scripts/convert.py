"""Adapter of rule convert for `kinema.deployment.openvino_model.convert`.

By hand: python workflow/scripts/convert.py job.yaml   (keys: input, output, params, log)
"""

from pathlib import Path

from kinema.deployment.openvino_model import convert
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        convert(
            onnx_path=Path(job.input["onnx"]),
            checkpoint_path=Path(job.input["model"]),
            clips_path=Path(job.input["clips"]),
            settings=Settings.model_validate_json(job.params["settings"]).deployment,
            shipped_path=Path(job.params["shipped"]),
            xml_path=Path(job.output["xml"]),
            parity_path=Path(job.output["parity"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
