"""Pages of made-up data sets and models, without a video: names that would run as scripts, long names, many classes."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from made_up_models import drawn_scores, make_model, sections

from kinema.clips.report import summarise
from kinema.experiment.data_sections import Clip
from kinema.leaderboard.page import as_page as as_leaderboard
from kinema.leaderboard.rows import Cost, Made, Paired, Row, Score
from kinema.records.dataset_report import DatasetReport
from kinema.records.evaluation import Evaluation, Interval
from kinema.records.look_alikes import LookAlike, LookAlikes
from kinema.report.augmented import ContactSheet, FedClip
from kinema.report.confusion import counts_of
from kinema.report.data import Data, data_of
from kinema.report.data_page import as_page as as_data_page
from kinema.report.evidence import evidence_lines
from kinema.report.model_page import model_page
from kinema.report.model_pictures import Pictures
from kinema.report.model_records import read_records
from kinema.report.thumbnails import Thumbnail, data_uri, moving_webp, still_webp
from kinema.report.verdict import verdict_of
from kinema.report.videos import KINDS, Bar, Card, Kind

BAD = "<script>alert(1)</script>"
LONG = "a_name_of_a_video_that_somebody_has_made_up_of_the_date_the_camera_and_the_scene_2026-11-26_camera_0003"


def data_set(num_classes: int) -> tuple[DatasetReport, Data]:
    """Report and page of a data set with a leak, look-alikes, lost videos, and a class named like a script."""
    labels = [BAD, *(f"class {number:03}" for number in range(1, num_classes))]
    rows = [_video(label, number, copy) for number, label in enumerate(labels) for copy in range(3 + number % 5)]
    videos = pd.DataFrame(rows)
    videos.loc[0, "video"] = LONG
    videos.loc[1, ["status", "reason", "detail"]] = ["failed", "damaged", f"no frame in {BAD}.mp4"]
    videos.loc[2, ["status", "reason"]] = ["missing", "missing"]
    videos["label_index"] = [labels.index(label) for label in videos["label"]]
    pair = {"subset": "training", "label": labels[0], "other_subset": "validation", "other_label": labels[1]}
    looks = LookAlikes(
        looked=True,
        reason=None,
        threshold=0.5,
        num_videos=len(videos),
        num_pairs=1,
        pairs=[LookAlike(likeness=0.75, video=LONG, other=f"{BAD}.mp4", **pair)],
    )
    report = summarise("made up", labels, videos, looks)
    return report, data_of(report, videos, clip=Clip(length=8, stride=8))


def _video(label: str, number: int, copy: int) -> dict:
    """A row of `kinema.clips.coverage.read_coverage`, with the size of its frames."""
    name, subset = f"{label}_{copy}", "validation" if copy == 2 else "training"
    return {
        "video": name,
        "subset": subset,
        "label": label,
        "group": f"person {number % 3}" if number < 2 else f"{name}",
        "source": name,
        "status": "ok",
        "reason": None,
        "detail": None,
        "path": f"videos/{name}.mp4",
        "duplicates": None,
        "content": name,
        "num_frames": 40 + 7 * number + copy,
        "fps": 25.0,
        "duration_seconds": None,
        "seconds": float("nan"),  # as of a constant rate
        "is_even": True,
        "times_digest": None,
        "truncated": False,
        "num_bytes": 1000,
        "frames_digest": name,
        "width": 320,
        "height": 240 + 2 * (number % 4),
    }


def sheet() -> ContactSheet:
    """Training clips of one colour each."""
    return ContactSheet(clips=[_fed(number) for number in range(12)], changes=["cut", "mirrored"], mixed=None)


def _fed(number: int) -> FedClip:
    def picture(width: int) -> str:
        return data_uri(still_webp(np.full((96, width, 3), 20 * number, np.uint8)))

    return FedClip(
        video=LONG if number == 1 else f"{BAD}_{number}",
        label=BAD if number == 0 else f"class {number:03}",
        frames=[1, 11, 21, 31],
        stored=picture(160),
        stored_size=(160, 96),
        fed=picture(390),
        fed_size=(390, 96),
    )


def leaderboard() -> str:
    """The page of three models, one of them not comparable."""
    return as_leaderboard(
        "made up", [_model(BAD, 1, 0.9), _model("resnet18_vtn", 2, 0.4), _model(LONG, None, 0.5)], outdated=None
    )


def _model(name: str, rank: int | None, accuracy: float) -> Row:
    score = Score(
        accuracy=accuracy,
        interval=Interval(accuracy - 0.1, accuracy + 0.05),
        coverage=0.9,
        num_videos=30,
        subset="validation",
        is_chosen_here=rank == 1,
    )
    return Row(
        name=name,
        rank=rank,
        score=score,
        against_best=Paired(difference=accuracy - 0.9, only_best=16, only_this=1, p=0.0003) if rank == 2 else None,
        cost=Cost(parameters=4_000_000, gmacs=3.2, exported_bytes=16_000_000, training_seconds=90.0),
        made=Made(commit="f" * 40, data="0123456789abcdef", versions={"torch": "2.14.1"}),
        reason=None if rank else "it was scored on other videos",
    )


def model(folder: Path, num_classes: int, *, num_videos: int = 120, right: float = 0.7) -> tuple[Evaluation, str]:
    """The record and the page of a model in `folder`, `.../<dataset>/<model>`."""
    report, data = data_set(num_classes)
    labels = list(report.labels)
    scored = drawn_scores("validation", labels, num_videos, right=right)
    evaluation = make_model(folder, labels, [scored], lost=3)
    report.write(folder.parent / "dataset_report.json")
    records = read_records(folder, sections=json.loads(sections()), failed=[])
    verdict = verdict_of(records, counts_of(evaluation.scores.classes))
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    return evaluation, model_page(records, verdict, Pictures(kinds=kinds(rows), sheet=sheet(), data=data))


def kinds(rows: Sequence[dict]) -> list[Kind]:
    """Cards of some of these videos, all with the same clip."""
    random = np.random.default_rng(1)
    images = list(random.integers(0, 255, (6, 14, 14, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2))
    clip = Thumbnail(
        moving=data_uri(moving_webp(images, milliseconds=80)),
        still=data_uri(still_webp(images[3])),
        side=112,
        num_frames=6,
        num_shown=6,
        seconds=0.5,
    )
    parts = (rows[:12], rows[12:24], rows[24:36])
    return [
        Kind(name=name, title=title, hint=hint, cards=[_card(row, clip) for row in part])
        for (name, (title, hint)), part in zip(KINDS.items(), parts, strict=True)
    ]


def _card(row: dict, clip: Thumbnail, num_frames: int = 2000) -> Card:
    label, predicted, top5 = row["label"], row["predicted"], row["top5_labels"]
    times = np.linspace(0, 20, num_frames)
    evidence = {
        "frames": list(range(num_frames)),
        "seconds": times.tolist(),
        "labels": top5,
        "logits": [np.log(0.5 + 0.4 * np.sin(times + place)).tolist() for place in range(len(top5))],
        "log_totals": [0.0] * num_frames,
    }
    return Card(
        video=row["video"],
        file_name=f"{row['video']}.mp4",
        label=label,
        predicted=predicted,
        probability=row["probability"],
        rank=row["rank"],
        group="person 1",
        bars=[Bar(name, share, name == label) for name, share in zip(top5, row["top5_probabilities"], strict=True)],
        clip=clip,
        evidence=evidence_lines(evidence, predicted=predicted, label=label),
    )


def write_pages(folder: Path) -> dict[str, Path]:
    """Every page by name, as a file."""
    texts = {
        "leaderboard": leaderboard(),
        "data set": as_data_page(data_set(6)[1], sheet()),
        "data set of 60 classes": as_data_page(data_set(60)[1], None),
        "model": model(folder / "made up/resnet18_vtn", 6)[1],
        "model of 60 classes": model(folder / "of 60 classes/resnet18_vtn", 60, num_videos=600)[1],
    }
    paths = {name: folder / f"{name.replace(' ', '_')}.html" for name in texts}
    for name, path in paths.items():
        path.write_text(texts[name], encoding="utf-8")
    return paths
