"""Which subsets are scored, and what is said of those that were."""

import json
import re
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP

from kinema.clips.index import build_index
from kinema.clips.scored import ScoredSubsets, scored_subsets
from kinema.clips.table import ClipIndex
from kinema.evaluation.calibration import calibrated
from kinema.evaluation.evaluate import EvaluationFiles, evaluate
from kinema.evaluation.score import evaluation_dataset, reported_subset, subsets_to_score
from kinema.evaluation.sources import Sources
from kinema.evaluation.subset_scores import ScoredSubset, subset_scores
from kinema.evaluation.told import notes_of_views, told
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Network
from kinema.inference.probabilities import softmax
from kinema.inference.windows import evaluation_starts
from kinema.input_error import InputError
from kinema.leaderboard.candidate import read_candidate
from kinema.metrics import ClipScores
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint
from kinema.models.registry import create_model
from kinema.outcome.show import show
from kinema.records.calibration import Calibration, CalibrationFile, Temperature
from kinema.records.evaluation import Evaluation, Views

ALL = {"training": True, "validation": True, "testing": True}
BLIND = ALL | {"testing": False}  # testing videos have no labels
ONLY_BLIND = {"training": True, "testing": False}


@pytest.mark.parametrize(
    ("wanted", "labelled", "reported", "calibrating", "names"),
    [
        ("auto", ALL, "testing", "validation", "testing validation"),
        ("auto", BLIND, "validation", "validation", "validation"),
        ("auto", {"training": True, "testing": True}, "testing", "testing", "testing"),
        ("auto", {"training": True}, None, None, ""),
        ("auto", ONLY_BLIND, None, None, ""),
        ("validation", ALL, "validation", "validation", "validation"),
        ("validation", {"training": True, "testing": True}, None, None, ""),
        ("testing", BLIND, "validation", "validation", "validation testing"),
        ("testing", ONLY_BLIND, None, None, "testing"),
        ("testing", {"training": True, "validation": True}, None, None, ""),
        ("training", ALL, "training", "validation", "training validation"),
        ("training", {"training": True, "testing": True}, "training", None, "training"),
        ("all", ALL, "testing", "validation", "testing validation training"),
        ("all", BLIND, "validation", "validation", "validation testing training"),
        ("all", ONLY_BLIND, "training", None, "training testing"),
    ],
)
def test_what_is_scored(wanted, labelled, reported, calibrating, names):
    assert scored_subsets(wanted, labelled) == ScoredSubsets(reported, calibrating, tuple(names.split()))


@pytest.fixture(scope="module")
def scored(prepared, tmp_path_factory):
    """The small corpus with three of its six validation videos in testing, two of these without a label."""
    root = tmp_path_factory.mktemp("scored") / "results/mine"
    root.mkdir(parents=True)
    annotation = json.loads((prepared / "annotation.json").read_text())
    tested = [name for name, entry in sorted(annotation["database"].items()) if entry["subset"] == "validation"][:3]
    for name in tested:
        annotation["database"][name]["subset"] = "testing"
    for name in tested[1:]:
        annotation["database"][name]["annotations"] = {}
    return indexed(root, annotation, prepared)


def indexed(root, annotation, prepared):
    """The folder of a random model beside the index of such a list."""
    (root / "annotation.json").write_text(json.dumps(annotation))
    build_index(
        annotation_path=root / "annotation.json",
        table_paths=[prepared / "0000.parquet", prepared / "0001.parquet"],
        clip=CLIP,
        max_failed_fraction=0.2,
        report_path=root / "report.md",
        out=root / "clips.parquet",
    )
    torch.manual_seed(0)
    labels = annotation["labels"]
    network = Network(encoder_weights="none")
    model = create_model("mobilenetv2_baseline", num_classes=len(labels), clip=CLIP, network=network)
    (root / "model").mkdir()
    save_checkpoint(root / "model/model.pth", model, labels=labels, settings=Settings().model_dump(mode="json"))
    return root / "model"


def evaluated(folder, **settings):
    """The record of an evaluation with these settings, and the rows of its predictions by subset."""
    evaluate(
        checkpoint_path=folder / "model.pth",
        clips_path=folder.parent / "clips.parquet",
        settings=Settings.model_validate({"clip": CLIP.model_dump(), "evaluation": settings}),
        out=EvaluationFiles.inside(folder),
        threads=1,
        accelerator="cpu",
    )
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    subsets = dict.fromkeys(row["subset"] for row in rows)
    return Evaluation.read(folder / "evaluation.json"), {
        name: [row for row in rows if row["subset"] == name] for name in subsets
    }


def test_all_subsets_have_rows_and_those_with_labels_have_scores(scored):
    record, rows = evaluated(scored, subset="all")
    assert list(rows) == ["testing", "validation", "training"]
    assert {name: len(of_subset) for name, of_subset in rows.items()} == {"testing": 3, "validation": 3, "training": 5}
    assert (record.subset, list(record.subsets), record.unlabelled) == ("testing", list(rows), {"testing": 2})
    testing = record.scores
    assert (testing.num_videos, testing.num_annotated, testing.coverage, testing.trained_on) == (1, 1, 1.0, False)
    assert sum(one.num_videos for one in testing.classes.values()) == 1
    assert [sum(row["label"] is None for row in of_subset) for of_subset in rows.values()] == [2, 0, 0]
    for row in rows["testing"]:
        unknown = [row[name] is None for name in ("label", "correct", "rank")]
        assert all(unknown) or not any(unknown)
        assert (row["predicted"], sum(row["probabilities"])) == (row["top5_labels"][0], pytest.approx(1))
        assert row["confidence"] == row["probability"], "there is no temperature of three videos"
    assert record.subsets["training"].trained_on
    assert (record.subsets["training"].num_annotated, record.subsets["training"].coverage) == (6, 5 / 6)
    assert np.mean([row["correct"] for row in rows["validation"]]) == record.subsets["validation"].video_top1
    assert record.calibration.subset == "validation"
    assert not record.calibration.is_reported


def test_videos_that_are_scored_beside_others_have_the_same_numbers(scored):
    alone, rows = evaluated(scored, subset="validation")
    assert list(rows) == ["validation"]
    assert alone.calibration.is_reported
    together, more = evaluated(scored, subset="all")
    assert more["validation"] == rows["validation"]
    assert together.subsets["validation"] == alone.scores


def test_training_videos_have_evenly_spaced_clips(scored):
    _, rows = evaluated(scored, subset="training")
    assert list(rows) == ["training", "validation"], "validation tells of the confidences"
    assert {row["num_clips"] for row in rows["training"]} == {3} == {CLIP.num_val_clips}
    trained = load_checkpoint(scored / "model.pth")
    clips_path, views = scored.parent / "clips.parquet", Settings().evaluation
    dataset = evaluation_dataset(clips_path, trained, subset="training", numbers=CLIP, views=views)
    number = int(dataset.index.num_frames[0])
    expected = evaluation_starts(number, window=CLIP.length * CLIP.stride, num_clips=3)
    assert dataset.index.start[:3].tolist() == expected
    drawn = ClipIndex.load(scored.parent / "clips.parquet", subset="training", clip=CLIP)
    assert set(drawn.start.tolist()) == {-1}, "a training draws its own"


def test_the_log_says_that_training_videos_are_no_new_ones(scored, caplog):
    caplog.set_level("INFO", "kinema.evaluation.evaluate")
    evaluated(scored, subset="training")
    assert re.search(r"training: video top-1 .*; the model was trained on these very videos", caplog.text)
    assert re.search(r"calibration on 3 validation videos; no temperature: 3 videos are too few", caplog.text)
    text = "\n".join(show(scored)[0])
    assert "the model was trained on these very videos: that says how well it knows them" in text


@pytest.fixture(scope="module")
def blind(prepared, tmp_path_factory):
    """The same, but all videos that are not for training are testing videos without labels."""
    root = tmp_path_factory.mktemp("blind") / "results/mine"
    root.mkdir(parents=True)
    annotation = json.loads((prepared / "annotation.json").read_text())
    for entry in annotation["database"].values():
        if entry["subset"] == "validation":
            entry |= {"subset": "testing", "annotations": {}}
    return indexed(root, annotation, prepared)


def test_testing_videos_without_labels_are_predicted_alone(blind, caplog):
    caplog.set_level("INFO", "kinema.evaluation.evaluate")
    record, rows = evaluated(blind, subset="testing")
    assert (record.subset, record.subsets, record.calibration) == (None, {}, None)
    assert record.unlabelled == {"testing": 6}
    assert len(rows["testing"]) == 6
    assert {row["label"] for row in rows["testing"]} == {None}
    exported = CalibrationFile.read(blind / "calibration.json")
    assert (exported.temperature, exported.threshold) == (None, None)
    assert "testing: 6 videos without a label were scored" in caplog.text
    text, is_whole = show(blind)
    assert is_whole
    assert "accuracy none: the 6 testing videos have no label; " in " ".join(" ".join(text).split())
    # nothing can be ranked or verified by them
    assert read_candidate(blind).problem.endswith("evaluation.json: no video that was scored has a label")
    with pytest.raises(InputError, match="the testing videos have no labels, and no validation video has one; what"):
        reported_subset(blind.parent / "clips.parquet", "testing")


def test_what_cannot_be_scored_is_told(blind, prepared):
    with pytest.raises(
        InputError,
        match=r"no labelled video in testing or validation, which .*subset: auto asks for; .* in training",
    ):
        subsets_to_score(blind.parent / "clips.parquet", "auto")
    with pytest.raises(InputError, match=r"no testing video, which .* Give some videos the subset testing in"):
        subsets_to_score(prepared / "clips.parquet", "testing")


def test_numbers_are_given_as_they_are_and_calibrated():
    rng = np.random.default_rng(0)
    logits = 6 * rng.normal(size=(300, 3)).astype(np.float32)
    labels = np.array([rng.choice(3, p=row) for row in softmax(logits, temperature=3.0)])
    clips = ClipScores(logits, np.append(labels[:-100], [-1] * 100), np.arange(300))  # the last have no label
    names = [str(number) for number in range(300)]
    subset = ScoredSubset.of("validation", clips, Sources(names, [None] * 300, names))
    at_it, calibration = calibrated(subset, num_clips=1, is_reported=True, precision=0.9)
    options = {"labels": ["a", "b", "c"], "num_annotated": 200, "trained_on": False, "chosen": []}
    found = subset_scores(at_it, calibration=calibration, **options)
    plain = subset_scores(subset, calibration=None, **options)
    assert (found.num_videos, found.num_clips, plain.calibrated, plain.above_threshold) == (200, 200, None, None)
    assert calibration.temperature.value == pytest.approx(3, rel=0.2)
    assert found.calibrated.expected_calibration_error < found.expected_calibration_error / 2
    assert found.calibrated.brier_score < found.brier_score
    assert sum(one.num_videos for one in found.reliability) == 200
    for bins, error in (
        (found.reliability, found.expected_calibration_error),
        (found.calibrated.reliability, found.calibrated.expected_calibration_error),
    ):
        gaps = sum(one.num_videos * abs(one.accuracy - one.confidence) for one in bins)
        assert gaps / 200 == pytest.approx(error)
        assert all(one.low < one.confidence <= one.high for one in bins)
    assert found.above_threshold == calibration.threshold, "it was found on these videos"
    assert found.answers[-1].coverage == 1.0
    assert found.answers[-1].accuracy == found.video_top1 == plain.video_top1
    same = replace(found, calibrated=None, above_threshold=None, answers=plain.answers)
    assert same == plain, "no other number depends on a temperature"


def notes(views=None, *, subset="testing", num_clips=3):
    """What an evaluation says of a temperature that was fitted on so many clips."""
    values = {"crops": "centre", "num_views": 1, "scale": 1.0, "position": "c", "average": "probabilities"}
    clips = {"testing": 10, "validation": 3}
    calibration = Calibration(
        subset="validation",
        is_reported=False,
        num_videos=40,
        num_clips=num_clips,
        temperature=Temperature(value=1.5, log_loss=2.0, calibrated_log_loss=1.0),
        threshold=None,
        asked_precision=0.95,
        notes=[],
    )
    views = Views(clips=clips, **values | (views or {}))
    record = Evaluation(subset=subset, views=views, unlabelled={}, calibration=calibration, subsets={})
    exported = CalibrationFile.of(calibration, model="m", average=views.average, notes=notes_of_views(record))
    return list(told(record))[-1], exported


def test_a_temperature_of_other_clips_than_the_reported_ones_is_told():
    line, exported = notes()
    assert line == (
        "calibration on 40 validation videos, temperature 1.5; found on 3 clips of a video, while testing videos were "
        "scored on 10 clips: of these the calibrated confidences are a little off"
    )
    assert (exported.num_clips, exported.average, exported.notes) == (3, "probabilities", [])
    assert notes(subset="validation")[0].endswith("temperature 1.5")
    line, exported = notes(num_clips=0)
    assert "found on every clip of a video" in line
    assert exported.num_clips is None, "a client takes its own number"


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ({"crops": "ten", "num_views": 10}, "10 crops a clip (ten)"),
        ({"scale": 0.875}, "scale 0.875"),
        ({"position": "tl", "average": "logits"}, "position tl, mean of logits"),
    ],
)
def test_a_temperature_of_views_that_no_client_takes_is_told(views, words):
    line, exported = notes(views, subset="validation")
    note = f"found on other views than those of clients, the centre of each clip: {words}"
    assert exported.notes == [note]
    assert line.endswith(f"; {note}")
    assert exported.average == views.get("average", "probabilities")
    assert notes({"average": "logits"})[1].notes == [], "clients average as the evaluation does"
