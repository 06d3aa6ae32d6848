"""What an exported model says of itself: the metadata of model.onnx, the `rt_info` of model.xml."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinema.inference.accuracy import Accuracy
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.probabilities import Average, average_named
from kinema.inference.spec import InputSpec

NEEDED = ("model", "labels", "input_spec", "kinema_version")
# of what is not needed, files may say nothing
MORE = ("frames", "frame_rates", "temperature", "threshold", "num_clips", "average", "accuracy", "digests")
KEYS = (*NEEDED, *MORE, "flow_bound")


@dataclass(frozen=True)
class Description:
    """Name, classes and input of a model; none of it is typed by hand downstream.

    `labels` are in the order of the logits. `frames` says how the frames were made that it was trained on; None where
    the file does not say. `temperature` is what logits are divided by before the softmax, so that a model is right as
    often as it says, and `threshold` the lowest probability with which an answer is given: by the evaluation, None
    where that found none. Both hold for `num_clips` clips of a video; None where that is not said. `average` is what a
    video has the mean of: probabilities of its clips, or logits. `frame_rates` are those of the videos that it was
    trained on, and `flow_bound` is that of its optical flow (`media.flow_bound`), where it takes any. `digests` are of
    what it was made of: `model`, the model.pth, and by subset the videos, as clips.json has them.
    """

    model_name: str
    labels: tuple[str, ...]
    spec: InputSpec
    kinema_version: str
    frames: FrameSpec | None = None
    temperature: float | None = None
    threshold: float | None = None
    num_clips: int | None = None
    average: Average = "probabilities"
    frame_rates: FrameRates | None = None
    accuracy: Accuracy | None = None
    digests: Mapping[str, str] | None = None
    flow_bound: float | None = None

    def to_metadata(self) -> dict[str, str]:
        """Strings, most of them JSON, by name; the inverse of `from_metadata`."""
        values = {
            "model": self.model_name,
            "labels": json.dumps(self.labels, ensure_ascii=False),
            "input_spec": json.dumps(self.spec.to_dict()),
            "kinema_version": self.kinema_version,
        }
        values |= {"frames": json.dumps(self.frames.to_dict())} if self.frames else {}
        values |= {"frame_rates": json.dumps(self.frame_rates.to_dict())} if self.frame_rates else {}
        values |= {"accuracy": json.dumps(self.accuracy.to_dict())} if self.accuracy else {}
        values |= {"digests": json.dumps(dict(self.digests))} if self.digests is not None else {}
        values |= {"average": self.average} if self.average != "probabilities" else {}
        numbers = {name: getattr(self, name) for name in ("temperature", "threshold", "num_clips", "flow_bound")}
        return values | {name: repr(number) for name, number in numbers.items() if number is not None}

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
            temperature = _number(values, "temperature", low=1e-6, high=1e6)
            threshold = _number(values, "threshold", low=0.0, high=1.0)
            num_clips = _number(values, "num_clips", low=1, high=1e6)
            flow_bound = _number(values, "flow_bound", low=1e-6, high=1e6)
            average = average_named(values.get("average", "probabilities"))
            rates = FrameRates.from_dict(json.loads(values["frame_rates"])) if "frame_rates" in values else None
            accuracy = Accuracy.from_dict(json.loads(values["accuracy"])) if "accuracy" in values else None
            digests = _texts(json.loads(values["digests"])) if "digests" in values else None
        except ValueError as error:
            raise ValueError(f"{where}: its metadata was edited or is damaged ({error}); export it again") from None
        if not _are_labels(labels):
            raise ValueError(f"{where}: its labels are {values['labels']:.60}, expected names; export it again")
        return cls(
            model_name=values["model"],
            labels=tuple(labels),
            spec=spec,
            kinema_version=values["kinema_version"],
            frames=frames,
            temperature=temperature,
            threshold=threshold,
            num_clips=None if num_clips is None else int(num_clips),
            average=average,
            frame_rates=rates,
            accuracy=accuracy,
            digests=digests,
            flow_bound=flow_bound,
        )


def _number(values: Mapping[str, str], name: str, *, low: float, high: float) -> float | None:
    """A number of this range; None where nothing is said."""
    if name not in values:
        return None
    number = float(values[name])
    if not low <= number <= high:  # false for NaN
        raise ValueError(f"{name} is {number:g}, expected a number from {low:g} to {high:g}")
    return number


def _texts(values: Any) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(text, str) for text in values.values()):
        raise ValueError("digests: expected an object of texts")
    return values


def _are_labels(labels: Any) -> bool:
    return isinstance(labels, list) and bool(labels) and all(isinstance(label, str) for label in labels)
