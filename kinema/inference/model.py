"""A model.xml or model.onnx on disk -> what it says of a video."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinema.inference.clips import read_clips
from kinema.inference.description import Description
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.predictors.onnxruntime import onnxruntime_predictor, read_onnx
from kinema.inference.predictors.openvino import openvino_predictor, read_openvino
from kinema.inference.predictors.predictor import Predictor
from kinema.inference.probabilities import averaged, highest
from kinema.inference.video import Video
from kinema.media.probe import MediaError

log = logging.getLogger(__name__)
NUM_CLIPS = 10  # of a video, where the model does not say how many it was calibrated on


@dataclass(frozen=True)
class Classified:
    """Class probabilities of a video, (K,), in the order of `labels`: the mean over its clips.

    They are calibrated where the model says how: of answers of 0.8, 8 in 10 are right on videos like those of the
    evaluation, where as many clips of a video are looked at as it was calibrated on. `threshold` is the probability
    below which the answer is "none of these"; None where none was found. `ranking` (K,) is what classes are ranked by,
    the probabilities before they are calibrated: these tell how sure an answer is, and change none.
    """

    probabilities: np.ndarray
    labels: Sequence[str]
    threshold: float | None = None
    ranking: np.ndarray | None = None

    @property
    def label(self) -> str:
        """The most probable class, however probable it is."""
        return self.top(1)[0][0]

    @property
    def confidence(self) -> float:
        """The probability of this class."""
        return self.top(1)[0][1]

    @property
    def answer(self) -> str | None:
        """The most probable class; None, "none of these", where its probability is below the threshold."""
        return None if self.threshold is not None and self.confidence < self.threshold else self.label

    def top(self, k: int) -> list[tuple[str, float]]:
        """The `k` most probable classes with their probabilities, the most probable first."""
        first = highest(self.probabilities if self.ranking is None else self.ranking, k)
        return [(self.labels[number], float(self.probabilities[number])) for number in first]


@dataclass(frozen=True)
class Model:
    """An exported model: `description` says what it takes and what its classes are, `predict` runs it."""

    description: Description
    predict: Predictor

    def classify(self, path: Path | str, *, num_clips: int | None = None) -> Classified:
        """Probabilities of a video file; ValueError, naming it, where it cannot be decoded.

        By default of as many clips as the model was calibrated on, or of `NUM_CLIPS` where it does not say.
        """
        about = self.description
        num_clips = (about.num_clips or NUM_CLIPS) if num_clips is None else num_clips
        try:
            clips = read_clips(Video(path, frames=about.frames or FrameSpec()), about.spec, num_clips=num_clips)
        except MediaError as error:
            raise ValueError(f"{path}: {error}; expected a video file") from None
        # one at a time: more at once need memory and gain little on a CPU
        logits = np.concatenate([self.predict(clips[number : number + 1]) for number in range(len(clips))])
        if not np.isfinite(logits).all():
            raise ValueError(f"{path}: the network gives logits that are not finite; load it with precision='f32'")
        temperature = 1.0 if about.temperature is None else about.temperature
        probabilities = averaged(logits, average=about.average, temperature=temperature)
        return Classified(probabilities, about.labels, about.threshold, averaged(logits, average=about.average))


def load_model(path: Path | str, *, precision: str | None = None, threads: int | None = None) -> Model:
    """The model in a model.xml, run by OpenVINO, or in a model.onnx, run by ONNX Runtime at float32.

    ValueError for other files. `precision` is that of `openvino_predictor`.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected the model.xml of results/DATASET/MODEL")
    if path.suffix == ".xml":
        network, metadata = read_openvino(path)
        description = Description.from_metadata(metadata, where=path)
        predict = openvino_predictor(network, precision=precision, threads=threads)
    elif path.suffix == ".onnx":
        session, metadata = read_onnx(path, threads=threads)
        description = Description.from_metadata(metadata, where=path)
        predict = onnxruntime_predictor(session)
    else:
        raise ValueError(f"{path}: expected a model.xml or a model.onnx")
    if description.frames is None:
        log.warning("%s does not say how its frames were made; videos are read as by default: %s", path, FrameSpec())
    return Model(description, predict)
