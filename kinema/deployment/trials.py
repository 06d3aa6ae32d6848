"""Recipes of quantising, one after the other, until one gives a network that still says what PyTorch says.

Default INT8 of a recurrent network may give the same logits for every clip, and SmoothQuant may ruin attention, with no
word of warning. So each recipe is judged by its answers, as every network that is shipped, and by the spread of its
logits. The first that passes is taken: each one more costs a scoring of all evaluation clips.
"""

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import openvino as ov

from kinema.deployment.agreement import compare, refusal
from kinema.deployment.ir_files import weights_path
from kinema.deployment.judge import Judge
from kinema.deployment.logits import Sample, difference, spread_of
from kinema.deployment.recipes import FailedRecipe, leaves_alone, obstacle, quantise
from kinema.deployment.saving import fold_constants, save_ir
from kinema.experiment.model_sections import Int8
from kinema.inference.predictors.predictor import Predictor
from kinema.metrics import VideoScores, topk_accuracy
from kinema.records.parity import Difference
from kinema.records.quantization import RecipeResult

log = logging.getLogger(__name__)

# Of the spread of PyTorch's logits: what has less hardly looks at its input, and its confidences mean something else.
SHRUNK = 0.1
# Of the same: what is further off than clips differ says nothing of them. Healthy ones are off by up to two thirds.
OF_SPREAD = 1.0
WARM_UP, RUNS = 3, 15  # answers before the clock runs, and those that are timed
KEY = "deployment.int8.max_accuracy_drop"


@dataclass(frozen=True)
class Part:
    """A network to be quantised, at float32, and the inputs that it is calibrated on, a .npy file (N, ...)."""

    name: str
    network: ov.Model
    inputs_path: Path


@dataclass(frozen=True)
class Outcome:
    """What became of the recipes; `paths` of the IRs of the chosen one, in the order of the parts, and its scores.

    `num_bytes` and `milliseconds` are of the network that is not quantised.
    """

    results: list[RecipeResult]
    chosen: str | None
    paths: list[Path]
    scores: VideoScores | None
    num_bytes: int
    milliseconds: float


@dataclass(frozen=True)
class Trials:
    """The parts of a network, how their files are asked, and by what they are judged.

    `predictor_of` gives a predictor of clips at the device's own precision, `step_of` what is timed: an answer for one
    clip, or one frame more of a stream. `weights` is how weights that stay float are stored; files go into `folder`.
    """

    parts: Sequence[Part]
    predictor_of: Callable[[Sequence[Path]], Predictor]
    step_of: Callable[[Sequence[Path]], Callable[[], object]]
    judge: Judge
    sample: Sample
    settings: Int8
    weights: Literal["float16", "float32"]
    folder: Path

    def run(self) -> Outcome:
        """Try the recipes in their order; what each gives lies in a folder of its name, what is float in `float`."""
        for part in self.parts:
            fold_constants(part.network)
            save_ir(part.network, self._path("float32", part))
            save_ir(part.network, self._path("float", part), weights=self.weights)
        default = self.step_of(self._paths("float"))
        results: list[RecipeResult] = []
        chosen, scores, milliseconds = None, None, medians([default])[0]
        for recipe in self.settings.recipes:
            if chosen:
                results.append(_result(recipe, "not tried", f"{chosen} passed"))
                continue
            if reason := obstacle(recipe, [part.network for part in self.parts]):
                results.append(_result(recipe, "unfit", reason))
                continue
            try:
                self._quantise(recipe)
                result, scores = self._judged(recipe)
                milliseconds, own = medians([default, self.step_of(self._paths(recipe))])
            except FailedRecipe as error:
                result = _result(recipe, "failed", str(error))
            else:
                result = RecipeResult(**vars(result) | {"milliseconds": own})
            chosen = recipe if result.outcome == "chosen" else None
            results.append(result)
            log.info("recipe %s: %s", recipe, result)
        paths = self._paths(chosen) if chosen else []
        scores = scores if chosen else None
        return Outcome(results, chosen, paths, scores, num_bytes(self._paths("float")), milliseconds)

    def _quantise(self, recipe: str) -> None:
        for part in self.parts:
            source, out = self._path("float32", part), self._path(recipe, part)
            if leaves_alone(recipe, part.network):
                save_ir(part.network, out, weights=self.weights)
            else:
                quantise(source, part.inputs_path, recipe=recipe, weights=self.weights, out=out)

    def _judged(self, recipe: str) -> tuple[RecipeResult, VideoScores]:
        paths = self._paths(recipe)
        predict = _finite(self.predictor_of(paths))
        spread = spread_of(predict(self.sample.clips))
        logits = difference(self.sample, predict, what=f"recipe {recipe}")
        scores = self.judge.scores(predict)
        found = compare(self.judge.pytorch, scores)
        answers = refusal(
            found,
            num_at_float32=0,  # its rounding is there at float32 as well
            max_accuracy_drop=self.settings.max_accuracy_drop,
            names=self.judge.names(scores),
            key=KEY,
        )
        reason = self._shrunk(spread) or answers or self._astray(logits)
        result = _result(
            recipe,
            "refused" if reason else "chosen",
            reason,
            video_top1=topk_accuracy(scores.probabilities, scores.labels, 1),
            agreement=1 - len(found.differing) / found.num_videos,
            num_disagreements=len(found.disagreements),
            logits=logits,
            spread=spread,
            num_bytes=num_bytes(paths),
        )
        return result, scores

    def _shrunk(self, spread: float | None) -> str | None:
        if spread is None or self.sample.spread is None or spread >= SHRUNK * self.sample.spread:
            return None
        return (
            f"its logits differ by {spread:.2g} between {len(self.sample.clips)} clips, those of PyTorch by "
            f"{self.sample.spread:.2g}: it hardly looks at its input"
        )

    def _astray(self, logits: Difference) -> str | None:
        if logits.of_spread is None or logits.of_spread <= OF_SPREAD:
            return None
        return (
            f"its logits are off by up to {logits.largest:.2g}, more than those of PyTorch differ between "
            f"{len(self.sample.clips)} clips ({self.sample.spread:.2g})"
        )

    def _paths(self, recipe: str) -> list[Path]:
        return [self._path(recipe, part) for part in self.parts]

    def _path(self, recipe: str, part: Part) -> Path:
        folder = self.folder / recipe
        folder.mkdir(exist_ok=True)
        return folder / f"{part.name}.xml"


def medians(steps: Sequence[Callable[[], object]]) -> list[float]:
    """[ms] Of a few runs of each, taken in turn, so that what slows the machine slows them alike."""
    taken: list[list[float]] = [[] for _ in steps]
    for number in range(WARM_UP + RUNS):
        for step, times in zip(steps, taken, strict=True):
            started_at = time.perf_counter()
            step()
            if number >= WARM_UP:
                times.append(1e3 * (time.perf_counter() - started_at))
    return [statistics.median(times) for times in taken]


def num_bytes(xml_paths: Sequence[Path]) -> int:
    """Of IRs, both files of each."""
    return sum(path.stat().st_size for xml in xml_paths for path in (xml, weights_path(xml)))


def _finite(predict: Predictor) -> Predictor:
    """The same; FailedRecipe where what it gives is no number."""

    def checked(clips: np.ndarray) -> np.ndarray:
        logits = predict(clips)
        if not np.isfinite(logits).all():
            raise FailedRecipe("its logits are not finite")
        return logits

    return checked


def _result(name: str, outcome: str, reason: str | None, **measured: object) -> RecipeResult:
    names = ("video_top1", "agreement", "num_disagreements", "logits", "spread", "num_bytes", "milliseconds")
    values: dict = dict.fromkeys(names) | measured
    return RecipeResult(name=name, outcome=outcome, reason=reason, **values)
