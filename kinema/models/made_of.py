"""What the stages behind a training make of its model.pth, in its folder; none of it stays beside another model."""

import json
from pathlib import Path

from kinema.digests import file_digest

# The .xml first: it is what programs look for.
SHIPPED = ("model.xml", "model.bin", "labels.txt", "verification.json")
SCORES = ("evaluation.json", "predictions.parquet", "calibration.json", "confusion.png")
PAGES = ("report/index.html", "report/model_card.md")
MADE_OF_MODEL = (*SHIPPED, "model.onnx", "parity.json", *SCORES, *PAGES)


def remove_made_of(model_path: Path) -> None:
    """Remove what was made of the model that this file held before, so that no reader ever sees it beside another."""
    for name in MADE_OF_MODEL:
        (model_path.parent / name).unlink(missing_ok=True)


def remove_what_is_of_another(model_path: Path) -> None:
    """Remove what is shipped where verification.json says that it is of another model than this file holds now.

    Somebody may have put that there by hand. What else was made of the old one is made anew by those who ask this.
    """
    # not by its class: each version of the record says it, and no training depends on how the later ones look
    try:
        verified = json.loads((model_path.parent / "verification.json").read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, TypeError, KeyError):
        return
    if verified != file_digest(model_path):
        for name in SHIPPED:
            (model_path.parent / name).unlink(missing_ok=True)
