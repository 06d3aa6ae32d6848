"""The records of models that never were: as evaluations write them, of drawn scores."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kinema.evaluation.calibration import calibrated
from kinema.evaluation.predictions import write_predictions
from kinema.evaluation.sources import Sources
from kinema.evaluation.subset_scores import ScoredSubset, subset_scores
from kinema.experiment.config import Settings
from kinema.metrics import ClipScores
from kinema.records.evaluation import Evaluation, Views
from kinema.records.parity import Difference, Parity
from kinema.records.quantization import Quantization, RecipeResult
from kinema.records.training import Training
from kinema.records.verification import Verification

EPOCHS = 12
INT8_RESULT = RecipeResult(
    name="mixed",
    outcome="chosen",
    reason=None,
    video_top1=0.95,
    agreement=0.95,
    num_disagreements=3,
    logits=Difference(largest=0.9, of_largest=0.09, of_spread=0.08),
    spread=11.3,
    num_bytes=1000,
    milliseconds=10.0,
)


def drawn_scores(
    name: str,
    labels: Sequence[str],
    num_videos: int,
    *,
    right: float,
    shift: int = 0,
    absent: int = 0,
    seed: int = 1,
    num_clips: int = 1,
) -> ScoredSubset:
    """Clips of each of so many videos, of which the fraction `right` is named rightly.

    The others are mostly taken for one of the two neighbours. What is named lies `shift` places on in the list
    of labels. The last `absent` classes have no videos.
    """
    random, number = np.random.default_rng(seed), len(labels)
    true = np.sort(random.integers(0, number - absent, num_videos))
    astray = np.where(random.random(num_videos) < 0.7, true + random.choice([-1, 1], num_videos), true[::-1])
    said = (np.where(random.random(num_videos) < right, true, astray) + shift) % number
    rows = np.repeat(np.arange(num_videos), num_clips)
    logits = random.standard_normal((len(rows), number), dtype=np.float32)
    logits[np.arange(len(rows)), said[rows]] += random.uniform(1, 9, len(rows)).astype(np.float32)
    clips = ClipScores(logits, true[rows], rows)
    names = [f"{labels[label]}_{place:05}" for place, label in enumerate(true)]
    paths = [f"data/mine/videos/{each}.mp4" for each in names]
    return ScoredSubset.of(name, clips, Sources(names, [None] * num_videos, paths))


def make_model(
    folder: Path, labels: Sequence[str], scored: Sequence[ScoredSubset], *, lost: int = 0, **settings: dict
) -> Evaluation:
    """Records of a model in `folder`, `.../<dataset>/<model>`, that gave these scores; the first subset is reported.

    `lost` videos of each subset could not be scored. `settings` are sections.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, calibration = calibrated(scored[-1], num_clips=1, is_reported=len(scored) == 1, precision=0.95)
    if calibration.temperature:
        scored = [*(one.at(calibration.temperature.value) for one in scored[:-1]), last]
    known = {
        one.name: subset_scores(
            one,
            labels=list(labels),
            calibration=calibration,
            num_annotated=len(one.videos.labels) + lost,
            trained_on=one.name == "training",
            chosen=["training.keep: best"] if one.name == "validation" else [],
        )
        for one in scored
    }
    clips = {one.name: 1 for one in scored}
    views = Views(clips=clips, crops="centre", num_views=1, scale=1.0, position="c", average="probabilities")
    evaluation = Evaluation(subset=scored[0].name, views=views, subsets=known, unlabelled={}, calibration=calibration)
    evaluation.write(folder / "evaluation.json")
    write_predictions(folder / "predictions.parquet", list(scored), labels=list(labels))
    _write_training(folder, labels, settings)
    return evaluation


def _write_training(folder: Path, labels: Sequence[str], settings: dict) -> None:
    rows = [_epoch(number) for number in range(EPOCHS)]
    columns = list(rows[1])
    lines = [",".join(columns), *(",".join(str(row.get(column, "")) for column in columns) for row in rows)]
    (folder / "training.csv").write_text("\n".join(lines) + "\n")
    resolved = Settings.model_validate(settings).model_dump(mode="json")
    Training(
        model="efficientnet_lite0_vtn",
        labels=list(labels),
        settings=resolved,
        starts={"network.encoder_weights": "weights/timm/mobilenetv2_100.safetensors"},
        published=None,
        seed=7,
        data={"labels": "1eb22b541b197389", "training": "81ca48ba6e5f398bca6f721939821bdd"},
        code="e5eca13bc3649c32",
        commit="f" * 40,
        versions={"kinema": "0.1.0", "torch": "2.14.1", "timm": "1.0.31"},
        processes=None,
        seconds=156.0,
        num_epochs=EPOCHS,
        kept_epoch=rows[9],
    ).write(folder / "training.json")


def _epoch(number: int) -> dict[str, float]:
    """A row of training.csv; every other epoch is validated."""
    validated = {"val_clip_top1": 0.9 - 0.7 * 0.8**number, "val_video_top1": 0.92 - 0.7 * 0.8**number}
    return {
        "epoch": number,
        "train_loss": 2.0 * 0.7**number,
        "train_clip_top1": 1 - 0.8**number,
        **(validated if number % 2 else {}),
        "lr": 4e-4 * 0.5**number,
        "seconds": 13.0,
        "data_seconds": 0.12,
        "step_seconds": 0.63,
    }


def ship(folder: Path, evaluation: Evaluation) -> None:
    """An exported model beside these records that passed both gates, as far as files tell."""
    from kinema.deployment.ir_files import digests_of
    from kinema.digests import file_digest

    for name in ("model.pth", "model.xml", "model.bin", "model.onnx"):
        (folder / name).write_text(name)
    digests = digests_of([folder / name for name in ("model.xml", "model.bin", "model.onnx")])
    exact = Difference(largest=5e-6, of_largest=5e-7, of_spread=7e-7)
    Parity(
        num_clips=8,
        largest_logit=10.6,
        spread=7.5,
        onnx=exact,
        openvino=exact,
        stored=Difference(largest=5e-3, of_largest=5e-4, of_spread=7e-4),
        weights="float16",
        sha256=digests,
    ).write(folder / "parity.json")
    scores = evaluation.scores
    Verification(
        subset=str(evaluation.subset),
        num_videos=scores.num_videos,
        openvino_video_top1=scores.video_top1,
        pytorch_video_top1=scores.video_top1,
        agreement=1.0,
        num_disagreements=0,
        num_disagreements_at_float32=0,
        largest_margin=None,
        parity=None,
        sha256=digests,
        model=file_digest(folder / "model.pth"),
    ).write(folder / "verification.json")


def make_int8(folder, *results, chosen="mixed", milliseconds=20.0, **more) -> Quantization:
    """The record of an INT8 model, or of there being none, in `folder`."""
    record = Quantization(
        chosen=chosen,
        subset="validation",
        num_videos=60,
        pytorch_video_top1=1.0,
        max_accuracy_drop=0.01,
        num_calibration_clips=300,
        num_clips=8,
        largest_logit=10.6,
        spread=11.2,
        num_bytes=2000,
        milliseconds=milliseconds,
        precision="bf16",
        device="a processor",
        threads=2,
        recipes=list(results),
        **{"sha256": {}, "model": "0123"} | more,
    )
    record.write(folder / "quantization.json")
    return record


def sections() -> str:
    """Settings of the stages behind a training, as rule model_page gives them."""
    return json.dumps(Settings().model_dump(mode="json", include={"evaluation", "deployment"}))
