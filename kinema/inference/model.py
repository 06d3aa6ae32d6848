"""A model.xml or model.onnx on disk -> what it says of a video."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinema.inference.clips import check_modality, read_clips
from kinema.inference.description import Description
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.picture_folder import PictureFolder
from kinema.inference.prediction import ClipPrediction, Prediction, Scores
from kinema.inference.predictors.onnxruntime import onnxruntime_form, onnxruntime_predictor, read_onnx
from kinema.inference.predictors.openvino import openvino_form, openvino_predictor, read_openvino
from kinema.inference.predictors.predictor import Form, Predictor
from kinema.inference.probabilities import averaged
from kinema.inference.scorers import ClipScorer, WholeClips, streaming_scorers
from kinema.inference.timeline import HOP_SECONDS, SMOOTH_SECONDS, Timeline, timeline
from kinema.inference.video import Video
from kinema.media.probe import MediaError

log = logging.getLogger(__name__)
NUM_CLIPS = 10  # of a video, where the model does not say how many it was calibrated on
NAMES = ("model.xml", "model.onnx")  # of files in a folder of results, the one that is preferred first


@dataclass(frozen=True)
class Model:
    """An exported model: `description` says what it takes and what its classes are, `network` gives logits of clips.

    `streaming` makes what gives those of a stream of frames, one pass of the encoder a frame; None where the model has
    no such form.
    """

    description: Description
    network: Predictor
    streaming: Callable[[], ClipScorer | None] | None = None

    def predict(self, path: Path | str, *, num_clips: int | None = None, threshold: float | None = None) -> Prediction:
        """What a video shows, a file or a folder of pictures; ValueError, naming it, where it cannot be decoded.

        By default of as many clips as the model was calibrated on, or of `NUM_CLIPS` where it does not say. `threshold`
        is used instead of the model's own; 0 answers always.
        """
        about = self.description
        options: dict[str, Any] = {"rates": about.frame_rates, "flow_bound": about.flow_bound}
        num_clips = (about.num_clips or NUM_CLIPS) if num_clips is None else num_clips
        try:
            clips = read_clips(self.open(path), about.spec, num_clips=num_clips, **options)
        except MediaError as error:
            raise ValueError(f"{path}: {error}; expected a video file") from None
        if clips.sampling.taken_at is not None:
            log.info("%s: %s", path, clips.sampling.in_words)
        # one at a time: more at once need memory and gain little on a CPU
        logits = np.concatenate(
            [self.network(clips.pixels[number : number + 1]) for number in range(len(clips.pixels))]
        )
        try:
            whole, each = self.scores(logits), [self.scores(of_clip[None]) for of_clip in logits]
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        answers: dict[str, Any] = {
            "labels": about.labels,
            "threshold": about.threshold if threshold is None else threshold,
        }
        predictions = [
            ClipPrediction(**scores._asdict(), start=float(start), end=float(end), **answers)
            for scores, (start, end) in zip(each, clips.seconds, strict=True)
        ]
        return Prediction(**whole._asdict(), clips=predictions, sampling=clips.sampling, **answers)

    def timeline(
        self,
        path: Path | str,
        *,
        hop: float = HOP_SECONDS,
        smooth: float = SMOOTH_SECONDS,
        threshold: float | None = None,
    ) -> Timeline:
        """What a long video shows from when to when: `kinema.inference.timeline.timeline`.

        ValueError, naming the video, where it cannot be decoded.
        """
        check_modality(self.description.spec)
        try:
            return timeline(self, path, hop=hop, smooth=smooth, threshold=threshold)
        except (MediaError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from None

    def scorer(self) -> ClipScorer:
        """What takes frames one by one: the encoder and the decoder beside the model, else the model itself."""
        scorer = self.streaming() if self.streaming else None
        return scorer or WholeClips(self.network, self.description.spec)

    def open(self, path: Path | str) -> Video:
        """A video file, or a folder of numbered pictures; its frames are made as those of the training."""
        kind = PictureFolder if Path(path).is_dir() else Video
        return kind(path, frames=self.description.frames or FrameSpec())

    def scores(self, logits: np.ndarray) -> Scores:
        """`scores_of` this model."""
        return scores_of(self.description, logits)


def scores_of(about: Description, logits: np.ndarray) -> Scores:
    """Of clips with these logits (N, K), together as in the evaluation; ValueError where one is not finite."""
    if not np.isfinite(logits).all():
        raise ValueError("the network gives logits that are not finite; load it with precision='f32'")
    ranking = averaged(logits, average=about.average)
    if about.temperature is None:
        return Scores(ranking, ranking)
    return Scores(averaged(logits, average=about.average, temperature=about.temperature), ranking)


def load(path: Path | str, *, precision: str | None = None, threads: int | None = None) -> Model:
    """The model in a model.xml, run by OpenVINO, or in a model.onnx, run by ONNX Runtime at float32.

    Of a folder its model.xml, else its model.onnx. ValueError for other files. `precision` is that of
    `openvino_predictor`.
    """
    path = _file(Path(path))
    if path.suffix == ".xml":
        network, metadata = read_openvino(path)
        description = Description.from_metadata(metadata, where=path)
        _check_form(openvino_form(network), description, path)
        predictor = openvino_predictor(network, precision=precision, threads=threads)
    elif path.suffix == ".onnx":
        session, metadata = read_onnx(path, threads=threads)
        description = Description.from_metadata(metadata, where=path)
        _check_form(onnxruntime_form(session), description, path)
        predictor = onnxruntime_predictor(session)
    else:
        raise ValueError(f"{path}: expected a model.xml or a model.onnx")
    if description.frames is None:
        log.warning("%s does not say how its frames were made; videos are read as by default: %s", path, FrameSpec())
    streaming = streaming_scorers(path, description.spec, precision=precision, threads=threads, exact=True)
    return Model(description, predictor, streaming)


def _file(path: Path) -> Path:
    if path.is_dir():
        found = next((path / name for name in NAMES if (path / name).is_file()), None)
        if found is None:
            raise ValueError(f"{path}: no {' and no '.join(NAMES)} in it; expected a folder results/DATASET/MODEL")
        return found
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected the model.xml of results/DATASET/MODEL")
    return path


def _check_form(form: Form, about: Description, path: Path) -> None:
    """ValueError where a network does not take clips, or gives another number of classes than it names."""
    spec, num_classes = about.spec, len(about.labels)
    expected = [spec.num_frames, spec.channels, spec.size, spec.size]
    if len(form.inputs) != 1 or form.inputs[0][1:] != expected:
        raise ValueError(
            f"{path}: takes {_in_words(form.inputs)}, expected clips, {_in_words([[None, *expected]])}; give the "
            "model.xml of results/DATASET/MODEL: those in modelapi/ and streaming/ are for other programs"
        )
    if form.outputs[0][1:] != [num_classes]:
        raise ValueError(
            f"{path}: gives {_in_words(form.outputs[:1])}, expected the {num_classes} classes that it names; export it "
            "again"
        )


def _in_words(shapes: list[list[int | None]]) -> str:
    """E.g. `?x16x3x224x224`."""
    return " and ".join("x".join("?" if size is None else str(size) for size in shape) for shape in shapes)
