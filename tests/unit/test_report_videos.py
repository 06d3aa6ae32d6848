"""Cards of scored videos: the frames that were scored, what was said of them, and when."""

import math

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
