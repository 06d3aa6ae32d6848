"""What came out of a run, in plain lines: each statement is a rule, and none calls a model good."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import get_origin

import pytest
from evaluations import evaluation as evaluation_of
from evaluations import scores

from kinema.cli import main
from kinema.deployment.ir_files import digests_of
from kinema.digests import file_digest
from kinema.evaluation.wilson import wilson_interval
from kinema.experiment.choosing import chosen_by
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training as Recipe
from kinema.experiment.params import validation_chooses
from kinema.models.names import EXPORT_OBSTACLES
from kinema.outcome.data import leak_lines
from kinema.outcome.fitting import choosing_of, training_accuracy, training_line
from kinema.outcome.levels import chance_level, majority_level, videos_to_tell
from kinema.outcome.score import chance_line, fraction, score_lines
from kinema.outcome.show import told_at_the_end
from kinema.provenance import PACKAGE, imports
from kinema.records.dataset_report import (
    ContentLeak,
    Counts,
    DatasetReport,
    GroupLeak,
    Imbalance,
    LabelCounts,
    Leaks,
    SourceLeak,
)
from kinema.records.evaluation import Evaluation, Interval
from kinema.records.look_alikes import LookAlike
from kinema.records.parity import Difference, Parity
from kinema.records.reference import field_types
from kinema.records.training import Training
from kinema.records.verification import Verification

MODEL = "results/mine/efficientnet_lite0_vtn"
BEST = ["training.keep: best"]


def evaluated(
    hits, *counts, subset="validation", top5=1.0, lost=0, chosen=(), interval=None, groups=None
) -> Evaluation:
    """So many videos right of those of the classes a, b, ...; `interval` is that over so many groups."""
    number = sum(counts)
    found = scores(
        hits,
        {chr(97 + place): count for place, count in enumerate(counts)},
        chosen=list(chosen),
        num_annotated=number + lost,
        coverage=number / (number + lost),
        video_top5=top5,
    )
    intervals = replace(
        found.intervals,
        units="groups" if groups else "videos",
        num_units=groups or number,
        video_top1=Interval(*interval) if interval else found.intervals.video_top1,
    )
    return evaluation_of(subset, replace(found, intervals=intervals))


def trained(accuracy, *, labels="ab", model="efficientnet_lite0_vtn", epochs=10, **recipe) -> Training:
    """A training whose kept epoch had this accuracy on training clips; none where it is None."""
    row = None if accuracy is None else {"epoch": 3, "train_loss": 0.1, "train_clip_top1": accuracy}
    settings = Settings(training=Recipe(epochs=10, **recipe)).model_dump(mode="json")
    return Training(
        published=None,
        model=model,
        labels=list(labels),
        settings=settings,
        starts={},
        seed=1,
        data={},
        code="",
        commit=None,
        versions={},
        seconds=1.0,
        processes=None,
        num_epochs=0 if accuracy is None else epochs,
        kept_epoch=row,
    )


def counted(listed, ok=None) -> dict:
    ok = listed if ok is None else ok
    return {
        "listed": listed,
        "found": ok,
        "ok": ok,
        "missing": listed - ok,
        "failed": 0,
        "truncated": 0,
        "frames": 9,
        "bytes": 9,
        "hours": 0.1,
        "coverage": 1.0,
        "failed_by_reason": {},
    }


def reported(listed=120, ok=None, *, leaks=None, look_alikes=(), **subsets) -> DatasetReport:
    """A data set of two classes with so many usable videos of each class in a subset."""
    parts = {name: Counts(**counted(number)) for name, number in subsets.items()}
    label = LabelCounts(**counted(listed // 2), subsets=parts)
    return DatasetReport(
        **counted(listed, ok),
        dataset="mine",
        subsets=parts,
        labels={"a": label, "b": label},
        without_class=Counts(**counted(0)),
        imbalance=Imbalance(largest=None, smallest=None, ratio=None, without_training=[]),
        look_alikes_not_searched=None,
        frame_rates=None,
        clip_fps=None,
        untimed=0,
        **lists(DatasetReport) | {"leaks": leaks or Leaks(**lists(Leaks)), "look_alikes": list(look_alikes)},
    )


def lists(kind) -> dict:
    """An empty list for each field that is one."""
    return {name: [] for name, hint in field_types(kind).items() if get_origin(hint) is list}


def grouped(number, *subsets) -> Leaks:
    """So many groups, each with two videos in every one of these subsets."""
    videos = [{name: [f"{name}_{group}_{part}" for part in range(2)] for name in subsets} for group in range(number)]
    groups = [GroupLeak(group=f"g{at}", subsets=each) for at, each in enumerate(videos)]
    return Leaks(**lists(Leaks) | {"group": groups})


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    """The first job of a new user: 24 videos that share groups with training chose the epoch that they score."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / MODEL
    folder.mkdir(parents=True)
    for name in ("model.pth", "model.xml", "model.bin", "confusion.png", "../dataset_report.md"):
        (folder / name).write_text(name)
    reported(leaks=grouped(12, "training", "validation"), training=48, validation=12).write(
        folder.parent / "dataset_report.json"
    )
    trained(0.93).write(folder / "training.json")
    rows = [f"{epoch},{accuracy}" for epoch, accuracy in enumerate((0.5, 0.625, 0.75, 0.5833333134651184))]
    (folder / "training.csv").write_text("\n".join(["epoch,val_video_top1", *rows, ""]))
    evaluated(18, 12, 12, chosen=BEST).write(folder / "evaluation.json")
    Parity(
        num_clips=8,
        largest_logit=10.6,
        spread=7.5,
        onnx=Difference(largest=4e-6, of_largest=4e-7, of_spread=5e-7),
        openvino=Difference(largest=5e-6, of_largest=5e-7, of_spread=7e-7),
        stored=Difference(largest=5e-3, of_largest=5e-4, of_spread=7e-4),
        weights="float16",
        sha256={},
    ).write(folder / "parity.json")
    Verification(
        subset="validation",
        num_videos=24,
        openvino_video_top1=0.75,
        pytorch_video_top1=0.75,
        agreement=1.0,
        num_disagreements=0,
        num_disagreements_at_float32=0,
        largest_margin=None,
        parity=None,
        sha256=digests_of([folder / "model.xml", folder / "model.bin"]),
        model=file_digest(folder / "model.pth"),
    ).write(folder / "verification.json")
    return tmp_path


def shown(capsys, *paths, status=0) -> str:
    """What `kinema show` prints."""
    assert main(["show", *map(str, paths)]) == status
    return capsys.readouterr().out


STORY = """\
results/mine/efficientnet_lite0_vtn
  accuracy  0.75 (video top-1): 18 of 24 validation videos, 95 % interval 0.55 to 0.88, coverage 1.00
  chance    0.50 by guessing among 2 classes, or by always naming one
            above chance: the whole interval lies above 0.50
  training  0.93 on training clips (augmented, while training), 0.75 here: overfitted; more data or stronger
            augmentation
  chosen    the epoch was chosen on these very videos (training.keep: best; 4 validations, the last has 0.58):
            expect less on new ones; a testing subset gives an honest number: kinema split TABLE
            --test-fraction 0.2
  data      120 of 120 listed videos can be used
  leak      12 groups lie in two subsets, with 24 of the validation videos: the number is too high
  export    verified: the export equals the model, which says nothing about how good the model is
            gate 1: logits of 8 clips differ by 5e-06 at most at float32, the largest being 10.6
            gate 2: model.xml names the class that model.pth names for 24 of 24 validation videos, at the
            device's own precision
  next      kinema predict VIDEO --model results/mine/efficientnet_lite0_vtn/model.xml
            see results/mine/efficientnet_lite0_vtn/confusion.png and results/mine/dataset_report.md
"""


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/", f"./{MODEL}/model.xml", f"{MODEL}/gone.csv"])
def test_the_first_job_of_a_new_user_is_told_with_all_that_misleads(results, path, capsys):
    assert shown(capsys, path) == STORY


def test_a_folder_may_be_the_one_that_one_is_in(results, capsys, monkeypatch):
    (results / MODEL / "evaluation.json").unlink()
    (results / "results/mine/dataset_report.json").unlink()
    monkeypatch.chdir(results / MODEL)
    text = shown(capsys, ".")
    assert f" snakemake --cores all {MODEL}/evaluation.json results/mine/dataset_report.json\n" in text
    what_next = "  next      kinema predict VIDEO --model model.xml\n"
    assert f"{what_next}            see confusion.png and ../dataset_report.md\n" in text


def test_the_page_is_named_where_there_is_one(results, capsys):
    (results / MODEL / "report").mkdir()
    (results / MODEL / "report/index.html").write_text("")
    assert f"            see {MODEL}/report/index.html and results/mine/dataset_report.md\n" in shown(capsys, MODEL)


def test_commands_are_not_broken(results, capsys):
    folder = results / "results/mine" / f"{'long' * 20} name {'long' * 20}"
    shutil.copytree(results / MODEL, folder)
    assert f"  next      kinema predict VIDEO --model '{folder}/model.xml'\n" in shown(capsys, folder)


# Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I
@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(hits, trials, low, high):
    found, other = wilson_interval(hits, trials), wilson_interval(trials - hits, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert (1 - other.high, 1 - other.low) == pytest.approx((found.low, found.high))


def test_nothing_seen_says_nothing():
    assert wilson_interval(0, 0) == Interval(low=0.0, high=1.0)
    assert majority_level([]) == majority_level([0, 0]) == 0


def test_levels_of_guessing():
    assert chance_level(4) == 0.25
    assert majority_level([3, 9, 0]) == 0.75


def test_the_number_of_videos_that_tells_an_accuracy_from_a_level_is_the_least():
    assert videos_to_tell(0.75, 0.5) == 16
    assert wilson_interval(12, 16).low > 0.5 > wilson_interval(9, 12).low
    assert videos_to_tell(0.55, 0.5) == 385
    with pytest.raises(ValueError, match=r"no number of videos lifts the interval of 0\.5 above 0\.5"):
        videos_to_tell(0.5, 0.5)


@pytest.mark.parametrize(
    ("evaluation", "text"),
    [
        (evaluated(18, 12, 12), "above chance: the whole interval lies above 0.50"),
        (
            evaluated(14, 12, 12),
            "not above chance: 0.50 lies in the interval; 0.58 can be told from it with 139 videos or more",
        ),
        (evaluated(12, 12, 12), "not above chance: guessing has 0.50 right"),
        (evaluated(3, 12, 12), "not above chance: guessing has 0.50 right"),
        # always naming the largest class is the better guess
        (evaluated(18, 18, 6), "not above chance: guessing has 0.75 right"),
        (evaluated(24, 24, 0), "not above chance: guessing has 1.00 right"),
        (
            evaluated(2, 1, 1),
            "not above chance: 0.50 lies in the interval; 1.00 can be told from it with 4 videos or more",
        ),
    ],
)
def test_an_accuracy_is_above_chance_where_its_interval_is(evaluation, text):
    assert chance_line(evaluation) == text


def test_both_ways_of_guessing_are_told_where_they_differ():
    texts = [text for _, text in score_lines(evaluated(18, 18, 6))]
    assert "0.50 by guessing among 2 classes, 0.75 by always naming one" in texts


@pytest.mark.parametrize(("num_classes", "is_told"), [(2, False), (5, False), (6, True)])
def test_top_5_is_told_of_more_than_five_classes(num_classes, is_told):
    texts = "\n".join(text for _, text in score_lines(evaluated(7, *[4] * num_classes, top5=0.875)))
    assert ("top-5" in texts) is is_told
    assert ("0.88 with the right class among the first five" in texts) is is_told


def test_thousands_of_videos_have_a_third_decimal():
    assert (fraction(0.12345, 1000), fraction(0.12345, 1001)) == ("0.12", "0.123")


HERE = "on training clips (augmented, while training)"


@pytest.mark.parametrize(
    ("accuracy", "evaluation", "text"),
    [
        (0.94, evaluated(14, 12, 12), f"0.94 {HERE}, 0.58 here: overfitted; more data or stronger augmentation"),
        (0.89, evaluated(18, 12, 12), f"0.89 {HERE}, 0.75 here: overfitted; more data or stronger augmentation"),
        (0.87, evaluated(18, 12, 12), f"0.87 {HERE}"),  # the interval ends at 0.88
        (0.99, evaluated(9200, 5000, 5000), f"0.99 {HERE}"),  # outside the interval, but only 0.07 above
        (0.99, evaluated(60, 30, 30), f"0.99 {HERE}"),
        (0.70, evaluated(14, 12, 12), f"0.70 {HERE}: underfitted; more epochs or a higher learning rate"),
        (0.70, None, f"0.70 {HERE}: underfitted; more epochs or a higher learning rate"),
        (0.75, evaluated(14, 12, 12), f"0.75 {HERE}"),
        (0.70, evaluated(20, 12, 12), f"0.70 {HERE}"),  # augmentation keeps it low
        (0.70, evaluated(520, 500, 500), f"0.70 {HERE}, 0.52 here: overfitted; more data or stronger augmentation"),
        (None, evaluated(14, 12, 12), None),
    ],
)
def test_overfitted_and_underfitted(accuracy, evaluation, text):
    assert training_line(trained(accuracy), evaluation) == text


@pytest.mark.parametrize("mixing", ["mixup_alpha", "cutmix_alpha"])
def test_no_accuracy_on_training_clips_whose_labels_are_mixed(mixing):
    training = trained(0.4, **{mixing: 0.2})
    assert training_accuracy(training) is None
    assert training_line(training, None) == f"no accuracy on training clips: training.{mixing} mixes their labels"


@pytest.mark.parametrize(("keep", "schedule"), product(("best", "last"), ("onecycle", "plateau")))
def test_validation_chooses_where_the_training_lets_it(keep, schedule):
    training = trained(0.9, keep=keep, schedule=schedule)
    assert bool(choosing_of(training)) is validation_chooses(Recipe(keep=keep, schedule=schedule))
    assert not choosing_of(trained(None, keep=keep, schedule=schedule)), "without a training nothing was chosen"
    assert not choosing_of(trained(0.9, keep=keep, schedule=schedule, epochs=1)), "there was one epoch to choose from"
    assert not choosing_of(trained(0.9, keep=keep, schedule=schedule, validate_every=6)), "there was one validation"


@pytest.mark.parametrize(
    ("recipe", "subset", "expected"),
    [
        ({"keep": "best"}, "validation", BEST),
        ({"keep": "best"}, "testing", []),
        ({"keep": "best", "epochs": 1}, "validation", []),
        ({"keep": "last"}, "validation", []),
        ({"keep": "last", "schedule": "plateau"}, "validation", ["training.schedule: plateau"]),
        ({"keep": "best", "schedule": "plateau"}, "validation", [*BEST, "training.schedule: plateau"]),
        ({"keep": "best", "train": False}, "validation", []),
        (None, "validation", []),  # a checkpoint of another toolkit
    ],
)
def test_a_checkpoint_knows_whether_it_was_chosen_on_the_scored_videos(recipe, subset, expected):
    settings = {"imported_from": "other.pth"}
    if recipe is not None:
        settings = Settings(training=Recipe(**{"epochs": 10} | recipe)).model_dump(mode="json")
    assert chosen_by(settings, subset) == expected


def test_who_chose_is_told(results, capsys):
    path = results / MODEL / "evaluation.json"
    evaluated(18, 12, 12).write(path)
    assert "chosen" not in shown(capsys, MODEL)
    evaluated(18, 12, 12, chosen=["training.schedule: plateau"]).write(path)
    assert "the learning rate was chosen on these very videos (training.schedule: plateau)" in shown(capsys, MODEL)
    evaluated(18, 12, 12, chosen=[*BEST, "training.schedule: plateau"]).write(path)
    text = "the epoch was chosen on these very videos (training.keep: best, training.schedule: plateau; 4 validations"
    assert text in " ".join(shown(capsys, MODEL).split())
    evaluated(18, 12, 12, chosen=BEST).write(path)
    reported(training=48, validation=12, testing=5).write(results / "results/mine/dataset_report.json")
    text = " ".join(shown(capsys, MODEL).split())
    assert "expect less on new ones; `evaluation: {subset: testing}` gives an honest number" in text
    (results / MODEL / "training.json").unlink()
    assert "the epoch was chosen on these very videos" in shown(capsys, MODEL), "the evaluation says so by itself"


def accuracy_line(evaluation) -> str:
    return next(text for topic, text in score_lines(evaluation) if topic == "accuracy")


def test_videos_that_could_not_be_scored_are_told_beside_the_accuracy():
    told = "18 of 24 validation videos, 95 % interval 0.55 to 0.88, coverage 0.92 (24 of 26 that have a class could be"
    assert told in accuracy_line(evaluated(18, 12, 12, lost=2))
    assert "coverage 0.999 (1,999 of 2,000 that" in accuracy_line(evaluated(1000, 1999, lost=1))
    assert "coverage 0.99 (" in accuracy_line(evaluated(10, 999, lost=1)), "nothing rounds a lost video away"
    assert "coverage 0.29 (" in accuracy_line(evaluated(10, 29, lost=71))


def test_an_interval_over_groups_is_told_as_one_and_counts():
    grouped_ = evaluated(18, 12, 12, interval=(0.4, 0.95), groups=4)
    assert ", 95 % interval 0.40 to 0.95 over 4 groups, coverage 1.00" in accuracy_line(grouped_)
    assert chance_line(grouped_) == "not above chance: 0.50 lies in the interval; more groups of videos would tell", (
        "as many independent videos would be above"
    )
    assert "overfitted" in training_line(trained(0.9), evaluated(18, 12, 12))
    assert "overfitted" not in training_line(trained(0.9), grouped_)


LAST = trained(0.9, keep="last")


TO_TRAINING, TO_CHOOSING = grouped(1, "training", "validation"), grouped(3, "validation", "testing")
IN_TWO = "in two subsets, with {} videos: the number is too high"


@pytest.mark.parametrize(
    ("leaks", "training", "evaluation", "lines"),
    [
        (TO_TRAINING, LAST, evaluated(1, 2), [f"1 group lies {IN_TWO.format('2 of the validation')}"]),
        (TO_TRAINING, LAST, evaluated(1, 2, subset="testing"), []),
        (TO_TRAINING, LAST, None, ["1 group lies in two subsets: a score is too high"]),
        (TO_CHOOSING, LAST, evaluated(1, 2, subset="testing"), []),
        (
            TO_CHOOSING,
            trained(0.9),
            evaluated(1, 2, subset="testing"),
            [f"3 groups lie {IN_TWO.format('6 of the testing')}"],
        ),
        (TO_CHOOSING, trained(0.9), evaluated(1, 2), []),
    ],
)
def test_a_leak_counts_where_scored_videos_share_something_with_deciding_ones(leaks, training, evaluation, lines):
    assert list(leak_lines(reported(leaks=leaks), training, evaluation)) == lines


def test_every_kind_of_leak_is_told():
    shared = {"training": ["x"], "validation": ["y"]}
    content, group = [ContentLeak(content="0a", subsets=shared)], [GroupLeak(group="g", subsets=shared)]
    source = [SourceLeak(source="f", subsets=shared)] * 2
    leaks = Leaks(**lists(Leaks) | {"content": content, "group": group, "source": source})
    beginnings = ["1 file content lies in", "1 group lies in", "2 files lie in"]
    found = list(leak_lines(reported(leaks=leaks), LAST, evaluated(1, 2)))
    assert [line[: len(beginning)] for line, beginning in zip(found, beginnings, strict=True)] == beginnings


@pytest.mark.parametrize(
    ("evaluation", "lines"),
    [
        (None, ["2 videos look like others in another subset: a score may be too high"]),
        (1, ["1 of the validation videos look like others that decided the weights: the number may be too high"]),
    ],
)
def test_videos_that_look_alike_are_told(evaluation, lines):
    names = [("x", "validation", "y"), ("z", "validation", "y"), ("x", "testing", "t")]
    pairs = [
        LookAlike(
            likeness=0.7, video=one, subset="training", label=None, other=other, other_subset=subset, other_label=None
        )
        for one, subset, other in names
    ]
    found = leak_lines(reported(look_alikes=pairs), LAST, evaluated(1, 2) if evaluation else None)
    assert list(found) == lines


def test_lost_videos_are_counted(results, capsys):
    reported(120, 113, training=48, validation=12).write(results / "results/mine/dataset_report.json")
    assert "113 of 120 listed videos can be used (7 missing)\n" in shown(capsys, MODEL)


def test_what_is_not_above_chance_is_called_so_and_never_good(results, capsys):
    evaluated(12, 12, 12).write(results / MODEL / "evaluation.json")
    replace(Verification.read(results / MODEL / "verification.json"), pytorch_video_top1=0.5).write(
        results / MODEL / "verification.json"
    )
    text = shown(capsys, MODEL)
    assert "not above chance: guessing has 0.50 right" in text
    assert "verified: the export equals the model, which says nothing about how good the model is" in text
    others = text.replace("says nothing about how good the model is", "")
    assert not re.search(r"\b(good|well|fine|great|excellent|accurate)\b", others)


MISSING = [
    (["evaluation.json"], "evaluation.json", ["evaluation.json"]),
    (["model.xml"], "model.xml", ["model.xml"]),
    (["parity.json", "training.json"], "training.json, parity.json", ["training.json", "parity.json"]),
    (
        ["evaluation.json", "parity.json", "verification.json", "model.xml"],
        "evaluation.json, parity.json, verification.json, model.xml",
        ["model.xml"],
    ),
]


@pytest.mark.parametrize(("names", "told", "targets"), MISSING)
def test_what_is_missing_is_told_with_what_makes_it_and_the_rest_is_shown(results, names, told, targets, capsys):
    for name in names:
        (results / MODEL / name).unlink()
    lines = shown(capsys, MODEL).splitlines()
    place = lines.index(f"  missing   {told}:")
    assert lines[place + 1].split() == ["snakemake", "--cores", "all", *(f"{MODEL}/{name}" for name in targets)]
    assert len(lines) > 6


def test_a_missing_report_is_made_by_a_command_of_the_data_set(results, capsys):
    (results / "results/mine/dataset_report.json").unlink()
    assert "\n            snakemake --cores all results/mine/dataset_report.json\n" in shown(capsys, MODEL)


def test_a_model_that_cannot_be_exported_lacks_no_export(results, capsys, monkeypatch):
    monkeypatch.setitem(EXPORT_OBSTACLES, "mvit_v2_s", "for a reason")
    for name in ("parity.json", "verification.json", "model.xml"):
        (results / MODEL / name).unlink()
    trained(0.93, model="mvit_v2_s").write(results / MODEL / "training.json")
    text = " ".join(shown(capsys, MODEL).split())
    assert f"export none: {EXPORT_OBSTACLES['mvit_v2_s']}" in text
    assert "missing" not in text


def test_records_of_different_runs_are_told(results, capsys):
    folder = results / MODEL
    evaluated(17, 12, 12).write(folder / "evaluation.json")
    text = " ".join(shown(capsys, MODEL).split())
    assert (
        "verification.json: it is of another evaluation than evaluation.json; delete it and run: "
        f"snakemake --cores all {MODEL}/verification.json"
    ) in text
    evaluated(18, 12, 12, chosen=BEST).write(folder / "evaluation.json")
    reported(training=48, validation=13).write(folder.parent / "dataset_report.json")
    text = " ".join(shown(capsys, MODEL).split())
    assert "evaluation.json: 24 validation videos were scored, and the data set's report now has 26; delete it" in text
    trained(0.93, labels="abc").write(folder / "training.json")
    assert "evaluation.json: its classes are not those of training.json" in shown(capsys, MODEL)


@pytest.mark.parametrize("name", ["model.pth", "model.xml", "model.bin"])
def test_another_file_than_the_one_that_passed_is_not_called_verified(results, name, capsys):
    (results / MODEL / name).write_text("another")
    text = " ".join(shown(capsys, MODEL).split())
    assert f"verification.json: {name} beside it is not what passed" in text
    assert "verified:" not in text
    assert "kinema predict" not in text
    assert "gate 1" in text
    assert not shown(capsys, "results/mine").strip().endswith("verified")


def test_an_export_that_answers_otherwise_now_and_then_is_told_with_its_own_accuracy(results, capsys):
    path = results / MODEL / "verification.json"
    replace(Verification.read(path), agreement=23 / 24, openvino_video_top1=17 / 24).write(path)
    text = " ".join(shown(capsys, MODEL).split())
    own = "at the device's own precision; it has 0.71 right, model.pth 0.75"
    assert f"names for 23 of 24 validation videos, {own}" in text


def test_a_model_that_was_shipped_without_its_checkpoint_is_verified(results, capsys):
    (results / MODEL / "model.pth").unlink()
    assert "verified:" in shown(capsys, MODEL)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("evaluation.json", "{", "cannot be read as JSON"),
        ("training.json", "{}", "has no `record`"),
        ("verification.json", '{"record": 99}', "`record` is 99, expected 2"),
        ("../dataset_report.json", "[]", "found list, expected an object"),
    ],
)
def test_a_damaged_record_is_one_line_and_the_others_are_shown(results, name, content, found, capsys):
    (results / MODEL / name).write_text(content)
    text = shown(capsys, MODEL, status=1)
    assert found in text
    assert text.count("  damaged ") == 1
    assert "gate 1" in text
    assert "missing" not in text
    assert found in shown(capsys, "results/mine", status=1)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"num_videos": 0}, "num_videos is 0, expected 24"),
        ({"video_top1": 1.5}, "video_top1 is 1.5, expected a fraction"),
        ({"num_annotated": 23}, "num_annotated is 23, expected 24, those scored, or more"),
    ],
)
def test_an_evaluation_that_cannot_be_is_damaged(results, change, found, capsys):
    changed = replace(evaluated(18, 12, 12).scores, **change)
    evaluation_of("validation", changed).write(results / MODEL / "evaluation.json")
    assert found in " ".join(shown(capsys, MODEL, status=1).split())


def test_epochs_without_a_validation_are_not_counted_and_a_damaged_history_is_told(results, capsys):
    path = results / MODEL / "training.csv"
    path.write_text("epoch,val_video_top1\n0,\n1,0.75\n2,\n3,0.5\n")
    assert "; 2 validations, the last has 0.50)" in shown(capsys, MODEL)
    path.write_text("epoch,train_loss\n0,0.1\n")
    assert "(training.keep: best): expect less" in shown(capsys, MODEL)
    path.unlink()
    assert "(training.keep: best): expect less" in shown(capsys, MODEL)
    path.write_text("epoch,val_video_top1\n0,much\n")
    text = " ".join(shown(capsys, MODEL, status=1).split())
    assert f"damaged {MODEL}/training.csv: could not convert string to float: 'much'; to have it anew" in text


def test_a_training_without_classes_is_damaged(results, capsys):
    trained(0.9, labels="").write(results / MODEL / "training.json")
    assert "labels is empty, expected the classes" in shown(capsys, MODEL, status=1)


def test_a_data_set_lists_its_models(results, capsys):
    other = results / "results/mine/resnet34_lstm"
    other.mkdir()
    trained(0.99, keep="last").write(other / "training.json")
    third = results / "results/mine/attn@long"
    shutil.copytree(results / MODEL, third)
    trained(0.93, keep="last").write(third / "training.json")
    evaluated(14, 12, 12).write(third / "evaluation.json")
    assert shown(capsys, "results/mine/") == (
        "results/mine\n"
        "  data      120 of 120 listed videos can be used\n"
        "  leak      12 groups lie in two subsets: a score is too high\n"
        "\n"
        "  model                   accuracy  95 % interval  chance  above  of videos            on training  export\n"
        "  attn@long               0.58      0.39 to 0.76   0.50    no     24 of 24 validation  0.93         verified\n"
        "  efficientnet_lite0_vtn  0.75*     0.55 to 0.88   0.50    yes    24 of 24 validation  0.93         verified\n"
        "  resnet34_lstm           -         -              -       -      -                    0.99         -\n"
        "  * the epoch or the learning rate was chosen on these videos: expect less on new ones\n"
    )
    of_dataset = shown(capsys, "results/mine/dataset_report.json")
    assert of_dataset == shown(capsys) == shown(capsys, "results")
    assert shown(capsys, MODEL, "results/mine") == f"{STORY}\n{of_dataset}"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "results/mine/efficientnet_lite0_vtm",
            "no such folder; .*; did you mean 'results/mine/efficientnet_lite0_vtn'[?]",
        ),
        ("result/mine", "result/mine: no such folder; give results/DATASET/MODEL or results/DATASET$"),
        ("other", "other: holds no results; give"),
    ],
)
def test_a_wrong_path_is_one_line(results, path, message, capsys):
    (results / "other").mkdir()
    assert main(["show", path]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


def test_the_end_of_a_run_tells_of_each_model_that_was_asked_for_once(results):
    story = STORY.splitlines()
    shutil.copytree(results / MODEL, results / "results/mine/other")
    rules = {"all": [f"{MODEL}/model.xml", f"{MODEL}/evaluation.json"]}
    assert told_at_the_end([], rules) == story
    assert told_at_the_end(["all"], rules) == story
    assert told_at_the_end([f"./{MODEL}/evaluation.json", f"{MODEL}/model.xml"], rules) == story
    assert told_at_the_end([f"{MODEL}/streaming/encoder.xml"], rules) == story
    both = told_at_the_end(["results/mine/other/model.xml", f"{MODEL}/model.xml"], rules)
    assert both[-len(story) - 1 :] == ["", *story]
    assert both[0] == "results/mine/other"
    assert told_at_the_end([f"{MODEL}/report/index.html", "results/mine/report/index.html"], rules) == story
    others = ["results/mine/clips.parquet", "render_demo", "results/mine/gone/model.xml", f"work/{MODEL}/model.xml"]
    assert told_at_the_end(others, rules) == []


@pytest.mark.slow
def test_it_is_for_the_end_alone_and_needs_the_standard_library():
    users = {
        name
        for path in PACKAGE.rglob("*.py")
        if "kinema.outcome" in imports(name := ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts), path)
        and not name.startswith("kinema.outcome")
    }
    told = {f"kinema.leaderboard.{name}" for name in ("columns", "rows", "told")}
    told |= {f"kinema.crossval.{name}" for name in ("markdown", "summary", "table")}
    told.add("kinema.sweep.summary")
    pages = {name for name in users if name.startswith("kinema.report.")}
    assert users == {"kinema.cli", *told, *pages}
    program = "import sys; before = set(sys.modules); import kinema.outcome.show; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names == {"kinema"}
