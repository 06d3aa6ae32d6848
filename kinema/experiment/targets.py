"""What is asked for on the command line, checked before anything is planned."""

from pathlib import Path

from kinema.experiment.config import Config
from kinema.experiment.files import ConfigError
from kinema.experiment.resolve import Experiment, annotation_files, dataset_named, resolve
from kinema.experiment.starts import check_starts
from kinema.models.names import EXPORT_OBSTACLES, TRACED, TRACED_MAX_OPSET

DEPLOYED = (".onnx", ".xml", ".bin")  # suffixes of what an exported model is made of


def check_target(config: Config, target: str) -> None:
    """ConfigError where a target names what does not exist (data set, model, variant, files) or cannot be made."""
    parts = Path(target).parts
    if len(parts) < 3 or parts[0] != "results":
        return
    dataset_named(config, parts[1])
    if len(parts) > 3:
        experiment = resolve(config, parts[1], parts[2])
        if Path(target).suffix in DEPLOYED:
            _check_export(experiment, target)
        check_starts(config, parts[1], parts[2])
    annotation_files(config, parts[1])


def _check_export(experiment: Experiment, target: str) -> None:
    model, opset = experiment.model_name, experiment.settings.deployment.opset
    if model in EXPORT_OBSTACLES:
        raise ConfigError(f"{target}: '{model}' cannot be exported: {EXPORT_OBSTACLES[model]}.")
    if model in TRACED and opset > TRACED_MAX_OPSET:
        raise ConfigError(f"{target}: '{model}' needs deployment.opset <= {TRACED_MAX_OPSET}; found {opset}.")
