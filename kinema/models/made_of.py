"""What the stages behind a training make of its model.pth, in its folder; none of it stays beside another model."""

import json
from pathlib import Path

from kinema.digests import file_digest

SERVING = "serving"
# What is shipped, by folder; {model} is the name of the model's own folder. The .xml first: it is what programs look
# for, and config.json before it, by which a server does. The last file says which model it is of.
SHIPPED = {
    ".": ("model.xml", "model.bin", "model.onnx", "labels.txt", "verification.json"),
    "modelapi": ("model.xml", "model.bin", "verification.json"),
    "streaming": ("encoder.xml", "encoder.bin", "decoder.xml", "decoder.bin", "labels.txt", "verification.json"),
    "int8": ("model.xml", "model.bin", "quantization.json"),
    "int8/streaming": ("encoder.xml", "encoder.bin", "decoder.xml", "decoder.bin", "labels.txt", "quantization.json"),
    SERVING: ("config.json", "{model}/1/model.xml", "{model}/1/model.bin", "verification.json"),
}
SCORES = ("evaluation.json", "predictions.parquet", "calibration.json", "confusion.png")
PAGES = ("report/index.html", "report/model_card.md")
MADE_OF_MODEL = (
    *(str(Path(folder, name)) for folder, names in SHIPPED.items() for name in names),
    "parity.json",
    *SCORES,
    *PAGES,
)


def remove_made_of(model_path: Path) -> None:
    """Remove what was made of the model that this file held before, so that no reader ever sees it beside another."""
    for name in MADE_OF_MODEL:
        _in(model_path.parent, name).unlink(missing_ok=True)


def remove_served(model_folder: Path) -> None:
    """Remove the copy of model.xml that a server is given: it goes when that goes."""
    for name in SHIPPED[SERVING]:
        _in(model_folder, SERVING, name).unlink(missing_ok=True)


def remove_what_is_of_another(model_path: Path) -> None:
    """Remove what is shipped where the record beside it says that it is of another model than this file holds now.

    Somebody may have put that there by hand. What else was made of the old one is made anew by those who ask this.
    """
    for folder, names in SHIPPED.items():
        verified = _verified(model_path.parent / folder / names[-1])
        if verified is not None and verified != file_digest(model_path):
            for name in names:
                _in(model_path.parent, folder, name).unlink(missing_ok=True)


def _in(model_folder: Path, *names: str) -> Path:
    return model_folder.joinpath(*(name.format(model=model_folder.name) for name in names))


def _verified(path: Path) -> str | None:
    """Which model such a record is of; None where it does not say it."""
    # not by its class: each version of the record says it, and no training depends on how the later ones look
    try:
        return json.loads(path.read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
