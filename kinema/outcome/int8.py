"""quantization.json -> what there is of INT8 models, or why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinema.deployment.int8_words import in_words, why_none
from kinema.deployment.ir_files import digests_of
from kinema.digests import file_digest
from kinema.experiment.pages import INT8, INT8_RECORD
from kinema.input_error import InputError
from kinema.outcome.found import FoundModel
from kinema.records.quantization import Quantization


@dataclass(frozen=True)
class FoundInt8:
    """What is said of an INT8 model; `state` is `doubtful` where the record or the files are not what was judged."""

    state: Literal["passed", "none", "doubtful"]
    line: str


def int8_found(found: FoundModel) -> Iterator[FoundInt8]:
    """Each that was tried; of another model.pth nothing is said."""
    for name in INT8:
        path = found.folder / name / INT8_RECORD
        if path.exists():
            try:
                yield from _judged(name, Quantization.read(path), found.folder)
            except InputError as error:
                yield FoundInt8("doubtful", str(error))


def _judged(name: str, record: Quantization, model_folder: Path) -> Iterator[FoundInt8]:
    checkpoint = model_folder / "model.pth"
    if checkpoint.exists() and file_digest(checkpoint) != record.model:
        return
    if record.chosen is None:
        yield FoundInt8("none", f"{name}: none: {why_none(record)}")
        return
    try:
        is_whole = digests_of([model_folder / name / file for file in record.sha256]) == record.sha256
    except OSError:
        is_whole = False
    if is_whole:
        yield FoundInt8("passed", f"{name}: {in_words(record)}")
    else:
        yield FoundInt8("doubtful", f"{name}: the files beside {INT8_RECORD} are not those that passed")
