"""What an exported model says of itself: the metadata of model.onnx, the `rt_info` of model.xml."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinema.inference.frame_spec import FrameSpec
from kinema.inference.spec import InputSpec

KEYS = ("model", "labels", "input_spec", "kinema_version", "frames")
NEEDED = KEYS[:-1]  # of versions before `frames`, too


@dataclass(frozen=True)
class Description:
    """Name, classes and input of a model; none of it is typed by hand downstream.

    `labels` are in the order of the logits. `frames` says how the frames were made that it was trained on; None where
    the file does not say.
    """

    model_name: str
    labels: tuple[str, ...]
    spec: InputSpec
    kinema_version: str
    frames: FrameSpec | None = None

    def to_metadata(self) -> dict[str, str]:
        """Strings, most of them JSON, by name; the inverse of `from_metadata`."""
        values = {
            "model": self.model_name,
            "labels": json.dumps(self.labels, ensure_ascii=False),
            "input_spec": json.dumps(self.spec.to_dict()),
            "kinema_version": self.kinema_version,
        }
        return values | ({"frames": json.dumps(self.frames.to_dict())} if self.frames else {})

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
        except ValueError as error:
            raise ValueError(f"{where}: its metadata was edited or is damaged ({error}); export it again") from None
        if not _are_labels(labels):
            raise ValueError(f"{where}: its labels are {values['labels']:.60}, expected names; export it again")
        return cls(values["model"], tuple(labels), spec, values["kinema_version"], frames)


def _are_labels(labels: Any) -> bool:
    return isinstance(labels, list) and bool(labels) and all(isinstance(label, str) for label in labels)
