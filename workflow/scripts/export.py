"""Adapter of rule export for `kinema.deployment.onnx_model.export_onnx`.

By hand: python workflow/scripts/export.py job.yaml   (keys: input, output, params, log)
"""

from pathlib import Path

from kinema.deployment.onnx_model import export_onnx
from kinema.experiment.config import Settings
from kinema.job import job_from_argv, running


def run(job):
    with running(job):
        export_onnx(
            checkpoint_path=Path(job.input["model"]),
            out=Path(job.output["onnx"]),
            opset=Settings.model_validate_json(job.params["settings"]).deployment.opset,
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
