"""calibration.json, and what evaluation.json repeats of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class AnswersAbove:
    """What is left when a model answers only where it is sure enough, and says "none of these" of the other videos."""

    confidence: float
    """[fraction] Calibrated, of the class that is the most probable one without a temperature; answers of this
    confidence and more are given."""
    num_videos: int
    """[videos] That are answered."""
    coverage: float
    """[fraction] Of the videos, those that are answered."""
    accuracy: float
    """[fraction] Of the answers that are given, those that are right: their precision."""


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """How confidences are made honest: logits are divided by one number before the softmax of each clip (Guo et al.
    2017, section 4.2). It changes what a model says of its sureness, not what it names of a clip.
    """

    value: float
    """The divisor, to four digits: above 1 where the model is too sure of itself. With the least `calibrated_log_loss`
    of all from 0.05 to 20."""
    log_loss: float
    """Mean of -log of the probability of the true class, before."""
    calibrated_log_loss: float
    """The same with this temperature."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What videos with labels, not the training videos, say of how far the confidences of a model can be believed."""

    subset: str
    """Whose videos tell it: `validation` where it has labels, else the subset that is reported."""
    is_reported: bool
    """Whether the reported numbers are of these very videos: then all that is called calibrated flatters the model a
    little."""
    num_videos: int
    """[videos] With a label in this subset."""
    num_clips: int
    """[clips] Of a video that were asked for in this subset, 0 and -1 are every start. What the temperature says holds
    for so many: the mean of more clips is less sure."""
    temperature: Temperature | None
    """Null where none can be found: confidences are used as they are."""
    threshold: AnswersAbove | None
    """The lowest confidence whose answers on these videos have `asked_precision`: those below it are "none of these".
    It is what was seen of so many videos, without a margin for chance. Null where no confidence keeps it, or one that
    fewer than 10 videos have."""
    asked_precision: float
    """[fraction] `evaluation.precision`."""
    notes: list[str]
    """Why one of the two is null, and what else is to be minded, in words."""


@dataclass(frozen=True, kw_only=True)
class CalibrationFile(Record):
    """What exported files take over of the evaluation beside its accuracy. `calibration` of evaluation.json says how it
    was found.
    """

    VERSION: ClassVar[int] = 1

    model: str
    """Digest of the model.pth that it is of."""
    temperature: float | None
    """What logits are divided by before the softmax; null where none was found."""
    threshold: float | None
    """[fraction] The lowest calibrated confidence with which an answer is given; null where none was found."""
    num_clips: int | None
    """[clips] Of a video that these were found on, which clients take by default; null where they were found on every
    start, or not at all."""
    average: str
    """What is averaged over the clips of a video: `probabilities` or `logits`."""
    notes: list[str]
    """Where it was found on views of clips that no client takes."""

    @classmethod
    def of(
        cls, calibration: Calibration | None, *, model: str, average: str, notes: Sequence[str]
    ) -> "CalibrationFile":
        """That of a model with this digest."""
        temperature = calibration.temperature if calibration else None
        threshold = calibration.threshold if calibration else None
        is_found = temperature is not None or threshold is not None
        return cls(
            model=model,
            temperature=temperature.value if temperature else None,
            threshold=threshold.confidence if threshold else None,
            num_clips=calibration.num_clips if calibration and is_found and calibration.num_clips > 0 else None,
            average=average,
            notes=list(notes),
        )
