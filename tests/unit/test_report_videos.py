"""Cards of scored videos: the frames that were scored, what was said of them, and when."""

import math
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from webp import frames_of

from kinema.evaluation.score import evaluation_dataset
from kinema.experiment.config import Settings
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.report.evidence import HEIGHT, WIDTH, evidence_lines
from kinema.report.videos import middle_clips, scored_videos, shown_as

SETTINGS = Settings()


@pytest.fixture
def dataset(made):
    trained = load_checkpoint(made.root / "model.pth")
    return evaluation_dataset(
        made.clips_path, trained, subset="validation", numbers=SETTINGS.clip, views=SETTINGS.evaluation
    )


def test_a_card_shows_the_frames_of_the_clip_in_the_middle(made, dataset):
    rows = pq.read_table(made.root / "predictions.parquet")
    kinds = scored_videos(rows, dataset, model_name="mobilenetv2_baseline", stride=made.clip.stride)
    cards = {card.video: card for kind in kinds for card in kind.cards}
    assert set(cards) == set(rows["video"].to_pylist())
    middle = middle_clips(dataset.index)
    for row in rows.to_pylist():
        card = cards[row["video"]]
        place = middle[card.video]
        assert dataset.index.rows["clip"][place].as_py() == 1, "of three clips"
        clip = dataset.read(place)["clip"].numpy()[:, 0].transpose(0, 2, 3, 1)
        for shown, seen in zip(frames_of(card.clip.moving), clip, strict=True):
            assert np.abs(shown.astype(int) - seen).mean() < 12
        assert (card.label, card.predicted, card.rank) == (row["label"], row["predicted"], row["rank"])
        assert [bar.label for bar in card.bars] == row["top5_labels"]
        assert [bar.label for bar in card.bars if bar.is_true] == [row["label"]] * (row["rank"] <= 5)
        assert card.file_name == row["path"].rpartition("/")[2]
        assert card.clip.seconds == pytest.approx(made.clip.length * made.clip.stride / 7), "the demo has 7 a second"
    assert all(not card.is_right for kind in kinds if kind.name == "wrong" for card in kind.cards)


def test_a_card_names_the_video_where_its_file_does_not(made, dataset):
    rows = pq.read_table(made.root / "predictions.parquet")
    path = "videos/matinee.avi"
    rows = rows.set_column(rows.schema.get_field_index("path"), "path", [[path] * len(rows)])
    part = rows["video"][0].as_py()
    kinds = scored_videos(rows, dataset, model_name="mobilenetv2_baseline", stride=made.clip.stride, parts={part})
    cards = {card.video: card for kind in kinds for card in kind.cards}
    assert all((card.name, card.file_name) == (video, "matinee.avi") for video, card in cards.items())
    assert [video for video, card in cards.items() if card.is_part] == [part]
    assert replace(cards[part], file_name=f"{part}.avi").name is None


def test_long_evidence_is_thinned_to_the_means_of_stretches():
    number = 5000
    evidence = {
        "frames": list(range(number)),
        "seconds": (np.arange(number) / 25).tolist(),
        "labels": ["hug", "push"],
        "logits": [[math.log(0.2), math.log(0.6)] * (number // 2), [math.log(0.9)] * 4000 + [math.log(0.1)] * 1000],
        "log_totals": [0.0] * number,
    }
    found = evidence_lines(evidence, predicted="push", label="hug")
    hug, push = ([tuple(map(float, point.split(","))) for point in line.points.split()] for line in found.lines)
    assert len(hug) == len(push) == 100
    assert (hug[0][0], hug[-1][0]) == (0, WIDTH)
    assert all(abs(y - 0.6 * HEIGHT) < 0.5 for _, y in hug[1:-1]), "0.4 in the mean"
    assert (push[50][1], push[90][1]) == pytest.approx((0.1 * HEIGHT, 0.9 * HEIGHT))
    assert "hug is highest at 0.0 s, 0.60" in found.told


def test_networks_of_differences_are_shown_as_they_see():
    assert shown_as("resnet34_vtn_rgbdiff@quick", "rgb") == "rgbdiff"
    assert shown_as("resnet34_vtn_two_stream", "rgb") == "rgb"
    assert shown_as("resnet34_vtn_flow", "flow") == "flow"


def test_evidence_becomes_lines_over_time():
    evidence = {
        "frames": [0, 4, 8],
        "seconds": [1.0, 2.0, 3.0],
        "labels": ["hug", "kick", "push"],
        "logits": [[math.log(0.5), math.log(0.25), math.log(0.75)], [0.0, 0.0, 0.0], [math.log(0.1)] * 3],
        "log_totals": [0.0, 0.0, 0.0],
    }
    found = evidence_lines(evidence, predicted="hug", label="push")
    assert [(line.label, line.kind) for line in found.lines] == [
        ("kick", "other"),
        ("push", "truth"),
        ("hug", "answer"),
    ]
    points = [tuple(map(float, point.split(","))) for point in found.lines[-1].points.split()]
    assert points == [(0, 0.5 * HEIGHT), (WIDTH / 2, 0.75 * HEIGHT), (WIDTH, 0.25 * HEIGHT)]
    assert (found.begin, found.end, found.top) == (1.0, 3.0, 1.0)
    faint = evidence_lines(evidence | {"log_totals": [math.log(4)] * 3}, predicted="hug", label="push")
    assert faint.top == 0.25
    assert faint.lines[0].points == "0.0,0.0 100.0,0.0 200.0,0.0", "a quarter each"
    assert "hug is highest at 3.0 s, 0.75" in found.told
    assert evidence_lines(None, predicted="hug", label="push") is None
    one = evidence | {"frames": [0]}
    assert evidence_lines(one, predicted="hug", label="push") is None
