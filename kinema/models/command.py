"""`kinema models` and `import-checkpoint`: what they take. What is heavy is imported when it is needed."""

import argparse
import logging
from pathlib import Path
from typing import Any


def add_model_commands(commands: Any) -> None:
    """Add the sub-commands to those of an argument parser."""
    _add_models(commands)
    _add_import_checkpoint(commands)


def _add_models(commands: Any) -> None:
    models = commands.add_parser(
        "models", help="print a table of models: parameters, multiply-adds of a clip, deployment"
    )
    models.add_argument("names", nargs="*", metavar="MODEL", help="any model names; default: one of every kind")
    models.add_argument("--frames", type=int, default=16, help="frames of a clip (%(default)s)")
    models.add_argument("--size", type=int, default=224, help="height and width in pixels (%(default)s)")
    models.add_argument("--classes", type=int, default=400, help="number of classes (%(default)s)")
    models.set_defaults(command=_models)


def _add_import_checkpoint(commands: Any) -> None:
    published = commands.add_parser("import-checkpoint", help="turn a .pth of the reference toolkit into a model.pth")
    published.add_argument("file", type=Path)
    published.add_argument("--out", type=Path, help="default: <model name>.pth in the working directory")
    published.add_argument("--labels", type=Path, help="annotation.json, or a text file of one label a line")
    published.add_argument("--model", help="fail unless the file holds this model")
    published.add_argument("--stride", type=int, default=2, help="video frames between frames of a clip (%(default)s)")
    published.add_argument("--size", type=int, default=224, help="input size in pixels (%(default)s)")
    published.add_argument("--mean", type=float, nargs="+", help="of pixel / 255, where it is not the published one")
    published.add_argument("--std", type=float, nargs="+", help="of pixel / 255, where it is not the published one")
    published.set_defaults(command=_import_checkpoint)


def _models(arguments: argparse.Namespace) -> int:
    from kinema.experiment.data_sections import Clip
    from kinema.experiment.model_sections import Network
    from kinema.models.names import EXPORT_OBSTACLES
    from kinema.models.summary import as_table, known_models, summarise

    clip = Clip(length=arguments.frames, size=arguments.size)
    options = {"num_classes": arguments.classes, "clip": clip, "network": Network()}
    rows, refused = [], []
    for name in arguments.names or known_models():
        try:
            rows.append(summarise(name, **options))
        except ValueError as error:
            if arguments.names:
                raise
            refused.append(str(error))
    print(as_table(rows))
    print(f"\nGMACs: billions of multiply-adds of a clip of {clip.length} x {clip.size} x {clip.size}.")
    for row in rows:
        if not row.exportable:
            refused.append(f"{row.model_name} cannot be exported: {EXPORT_OBSTACLES[row.model_name]}.")
    print(*refused, sep="\n")
    return 0


def _import_checkpoint(arguments: argparse.Namespace) -> int:
    from kinema.models.loading.importing import import_checkpoint

    logging.basicConfig(level=logging.WARNING, format="kinema: %(message)s")
    out, model = import_checkpoint(
        arguments.file,
        out=arguments.out,
        labels_path=arguments.labels,
        model_name=arguments.model,
        stride=arguments.stride,
        size=arguments.size,
        mean=arguments.mean,
        std=arguments.std,
    )
    print(f"{out}: {model.name}, {model.num_classes} classes, {model.clip.length} frames, from {arguments.file}")
    return 0
