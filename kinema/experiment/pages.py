"""Targets that are pages: about a whole data set, with no model behind them, or about a model."""

import os
from collections.abc import Iterable, Sequence

REPORT_FOLDER = "report"  # of a data set or of a model
MODEL_PAGE = ("report/index.html", "report/model_card.md")  # in the folder of a model
GATES = ("parity.json", "verification.json")  # what the export of a model leaves
EXPORTED = (*GATES, "model.xml", "model.bin")  # what a page tells of
# What is made of these: behind the first of them, and of what passed both.
OF_ONE_GATE, SERVED = ("parity.json", "modelapi/", "int8/model."), "serving/"
# what passing both makes
OF_BOTH_GATES = ("model.xml", "model.bin", "model.onnx", "labels.txt", "verification.json")
# The folders of INT8 models with their files; the first of these stands for the job that makes them.
INT8 = {
    "int8": ("model.xml", "model.bin"),
    "int8/streaming": ("encoder.xml", "encoder.bin", "decoder.xml", "decoder.bin", "labels.txt"),
}
INT8_RECORD = "quantization.json"


def is_data_page(target: str) -> bool:
    """Whether a target is `results/<dataset>/report/...`, which has as many parts as a file of a model."""
    parts = os.path.relpath(target).split("/")
    return len(parts) == 4 and parts[0] == "results" and parts[2] == REPORT_FOLDER


def page_model(target: str) -> tuple[str, str] | None:
    """Data set and model of a target that is a model's page, or the text of its card."""
    parts = os.path.relpath(target).split("/")
    is_page = len(parts) == 5 and parts[0] == "results" and "/".join(parts[3:]) in MODEL_PAGE
    return (parts[1], parts[2]) if is_page else None


def with_scores(targets: Iterable[str]) -> list[str]:
    """The targets, and behind each page of a model the scores that it shows."""
    found: list[str] = []
    for target in targets:
        model = page_model(target)
        found += [target, *([f"results/{model[0]}/{model[1]}/evaluation.json"] if model else [])]
    return found


def gate_files(targets: Sequence[str], dataset: str, model: str) -> list[str]:
    """What a model's page reads of its export, as inputs: where the same command asks for that.

    Else it is no input, though it be there: a page makes no export, also no stale one anew.
    """
    folder = f"results/{dataset}/{model}"
    below = [os.path.relpath(target, folder) for target in targets]
    if any(name in OF_BOTH_GATES or name.startswith(SERVED) for name in below):
        return [f"{folder}/{name}" for name in GATES]
    return [f"{folder}/{name}" for name in GATES[:1] if any(other.startswith(OF_ONE_GATE) for other in below)]


def int8_files(targets: Sequence[str], dataset: str, model: str) -> list[str]:
    """The INT8 models that a model's page tells of, as inputs: those that the same command asks for."""
    folder = f"results/{dataset}/{model}"
    asked = {os.path.split(os.path.relpath(target, folder)) for target in targets}
    return [
        f"{folder}/{name}/{files[0]}" for name, files in INT8.items() if any((name, file) in asked for file in files)
    ]


def int8_told(dataset: str, model: str, inputs: Sequence[str]) -> list[str]:
    """What a page reads of the INT8 models that are none of its inputs."""
    folders = {f"results/{dataset}/{model}/{name}": files for name, files in INT8.items()}
    return [
        f"{folder}/{file}"
        for folder, files in folders.items()
        if f"{folder}/{files[0]}" not in inputs
        for file in (INT8_RECORD, *files)
    ]
