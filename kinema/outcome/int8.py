"""quantization.json -> what there is of INT8 models, or why there is none."""

from collections.abc import Iterator
from pathlib import Path

from kinema.deployment.int8_words import in_words, why_none
from kinema.deployment.ir_files import digests_of
from kinema.digests import file_digest
from kinema.input_error import InputError
from kinema.outcome.found import FoundModel
from kinema.records.quantization import Quantization

FOLDERS = ("int8", "int8/streaming")


def int8_lines(found: FoundModel) -> Iterator[str]:
    """A line for each that was tried; of another model.pth nothing is said."""
    for name in FOLDERS:
        path = found.folder / name / "quantization.json"
        if path.exists():
            try:
                if line := _line(Quantization.read(path), found.folder, path.parent):
                    yield f"{name}: {line}"
            except InputError as error:
                yield str(error)


def _line(record: Quantization, model_folder: Path, folder: Path) -> str | None:
    checkpoint = model_folder / "model.pth"
    if checkpoint.exists() and file_digest(checkpoint) != record.model:
        return None
    if record.chosen is None:
        return f"none: {why_none(record)}"
    try:
        is_whole = digests_of([folder / file for file in record.sha256]) == record.sha256
    except OSError:
        is_whole = False
    return in_words(record) if is_whole else "the files beside quantization.json are not those that passed"
