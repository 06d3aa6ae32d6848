"""What an exported model says of itself: the metadata of model.onnx, the `rt_info` of model.xml."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.spec import InputSpec

NEEDED = ("model", "labels", "input_spec", "kinema_version")
KEYS = (*NEEDED, "frames", "temperature", "threshold", "frame_rates")  # of what is not needed, files may say nothing


@dataclass(frozen=True)
class Description:
    """Name, classes and input of a model; none of it is typed by hand downstream.

    `labels` are in the order of the logits. `frames` says how the frames were made that it was trained on; None where
    the file does not say. `temperature` is what logits are divided by before the softmax, so that a model is right as
    often as it says, and `threshold` the lowest probability with which an answer is given: by the evaluation, None
    where that found none.
    """

    model_name: str
    labels: tuple[str, ...]
    spec: InputSpec
    kinema_version: str
    frames: FrameSpec | None = None
    temperature: float | None = None
    threshold: float | None = None
    frame_rates: FrameRates | None = None

    def to_metadata(self) -> dict[str, str]:
        """Strings, most of them JSON, by name; the inverse of `from_metadata`."""
        values = {
            "model": self.model_name,
            "labels": json.dumps(self.labels, ensure_ascii=False),
            "input_spec": json.dumps(self.spec.to_dict()),
            "kinema_version": self.kinema_version,
        }
        values |= {"frames": json.dumps(self.frames.to_dict())} if self.frames else {}
        values |= {"temperature": repr(self.temperature)} if self.temperature is not None else {}
        values |= {"frame_rates": json.dumps(self.frame_rates.to_dict())} if self.frame_rates else {}
        return values | ({"threshold": repr(self.threshold)} if self.threshold is not None else {})

    @classmethod
    def from_metadata(cls, values: Mapping[str, str], *, where: object) -> "Description":
        """ValueError, naming the file, where it is of another program or was edited."""
        if missing := [key for key in NEEDED if key not in values]:
            raise ValueError(
                f"{where}: not a model that kinema exported: it says nothing of its {', '.join(missing)}; expected the "
                "model.xml or model.onnx of results/DATASET/MODEL"
            )
        try:
            labels = json.loads(values["labels"])
            spec = InputSpec.from_dict(json.loads(values["input_spec"]))
            frames = FrameSpec.from_dict(json.loads(values["frames"])) if "frames" in values else None
            rates = FrameRates.from_dict(json.loads(values["frame_rates"])) if "frame_rates" in values else None
            temperature = _number(values, "temperature", low=1e-6, high=1e6)
            threshold = _number(values, "threshold", low=0.0, high=1.0)
        except ValueError as error:
            raise ValueError(f"{where}: its metadata was edited or is damaged ({error}); export it again") from None
        if not _are_labels(labels):
            raise ValueError(f"{where}: its labels are {values['labels']:.60}, expected names; export it again")
        return cls(
            values["model"], tuple(labels), spec, values["kinema_version"], frames, temperature, threshold, rates
        )


def _number(values: Mapping[str, str], name: str, *, low: float, high: float) -> float | None:
    """A number of this range; None where nothing is said."""
    if name not in values:
        return None
    number = float(values[name])
    if not low <= number <= high:  # false for NaN
        raise ValueError(f"{name} is {number:g}, expected a number from {low:g} to {high:g}")
    return number


def _are_labels(labels: Any) -> bool:
    return isinstance(labels, list) and bool(labels) and all(isinstance(label, str) for label in labels)
