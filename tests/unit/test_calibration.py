"""One temperature makes confidences honest, and a threshold says from which one on an answer is given."""

import math
import re

import numpy as np
import pytest

from kinema.evaluation.answers import above, answers_above, cut_off, lowest_with, thinned
from kinema.evaluation.calibration import FEWEST_VIDEOS, LogLoss, calibrated, fitted_temperature
from kinema.evaluation.sources import Sources
from kinema.evaluation.subset_scores import ScoredSubset, subset_scores
from kinema.inference.prediction import Scored
from kinema.inference.probabilities import averaged, softmax
from kinema.metrics import ClipScores, by_video
from kinema.records.calibration import AnswersAbove


def honest(num_videos: int, *, num_classes: int = 4, num_clips: int = 1, times: float = 1.0) -> ClipScores:
    """Clips whose labels are drawn by the very probabilities of their logits, which are then multiplied."""
    rng = np.random.default_rng(0)
    logits = np.repeat(rng.normal(size=(num_videos, num_classes)) * 2, num_clips, axis=0)
    labels = [rng.choice(num_classes, p=row) for row in softmax(logits[::num_clips])]
    videos = np.repeat(np.arange(num_videos), num_clips)
    return ClipScores((times * logits).astype(np.float32), np.repeat(labels, num_clips), videos)


def subset_of(scores: ClipScores, name: str = "validation") -> ScoredSubset:
    """The same as a subset."""
    names = [str(number) for number in np.unique(scores.videos)]
    return ScoredSubset.of(name, scores, Sources(names, [None] * len(names), names))


# Temperature


@pytest.mark.parametrize("times", [0.5, 1.0, 3.0])
def test_a_model_that_is_too_sure_by_a_factor_has_it_as_its_temperature(times):
    found = fitted_temperature(honest(5000, times=times))
    assert found.value == pytest.approx(times, rel=0.05)
    assert found.calibrated_log_loss <= found.log_loss
    assert found.value == float(f"{found.value:.4g}"), "four digits, so that what is exported does not flicker"


def test_the_temperature_has_the_least_loss_of_all():
    scores = honest(200, num_clips=3, times=2.5)
    loss, found = LogLoss(scores), fitted_temperature(scores)
    assert found.calibrated_log_loss == loss(found.value)
    assert found.log_loss == loss(1.0)
    assert all(loss(other) > found.calibrated_log_loss for other in (0.98 * found.value, 1.02 * found.value, 0.1, 15))


def test_the_loss_is_of_the_mean_over_the_clips_of_a_video():
    scores = ClipScores(np.log([[1, 3], [3, 1], [1, 1]]).astype(np.float32), np.array([0, 0, 1]), np.array([0, 0, 1]))
    # of the first video 1/4 and 3/4, of the second 1/2; at temperature 2 the odds are their square roots
    assert LogLoss(scores)(1.0) == pytest.approx(-math.log(1 / 2))
    root = math.sqrt(3)
    assert LogLoss(scores)(2.0) == pytest.approx(-(math.log((1 + root) / (1 + root) / 2) + math.log(1 / 2)) / 2)
    single = ClipScores(np.log([[1, 3]]).astype(np.float32), np.array([1]), np.array([0]))
    assert LogLoss(single)(2.0) == pytest.approx(-math.log(root / (1 + root)))


def test_the_order_of_clips_and_the_size_of_parts_change_nothing(monkeypatch):
    scores = honest(50, num_clips=3, times=2.0)
    order = np.random.default_rng(1).permutation(len(scores.labels))
    mixed = ClipScores(scores.logits[order], scores.labels[order], scores.videos[order])
    expected = LogLoss(scores)(1.5)
    monkeypatch.setattr("kinema.evaluation.calibration.MAX_CELLS", 20)
    assert LogLoss(mixed)(1.5) == pytest.approx(expected, rel=1e-6)


def test_very_different_logits_have_a_finite_loss():
    scores = ClipScores(np.array([[1e4, 0.0]], dtype=np.float32), np.array([1]), np.array([0]))
    assert math.isfinite(LogLoss(scores)(0.05))


def right(num_videos: int) -> ClipScores:
    """All videos right, of two classes."""
    labels = np.arange(num_videos) % 2
    return ClipScores(3 * np.eye(2, dtype=np.float32)[labels], labels, np.arange(num_videos))


WRONG = ClipScores(-right(20).logits, right(20).labels, right(20).videos)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (honest(9), "9 videos are too few, expected 10 or more"),
        (right(20), r"named so surely and rightly that it would be 0\.05 or less"),
        (WRONG, "so often sure and wrong that it would be 20 or more"),
        (ClipScores(np.zeros((20, 3), np.float32), np.arange(20) % 3, np.arange(20)), "finds all classes alike"),
        (ClipScores(right(20).logits, np.zeros(20, int), np.arange(20)), "all videos are of one class"),
    ],
    ids=["few videos", "all right", "all wrong", "all alike", "one class"],
)
def test_scores_that_give_no_temperature_say_why(scores, reason):
    with pytest.raises(ValueError, match=reason):
        fitted_temperature(scores)


@pytest.mark.parametrize("times", [17.5, 19.5, 1 / 18, 1 / 19.5])
def test_a_temperature_near_the_bounds_is_one(times):
    assert fitted_temperature(honest(5000, times=times)).value == pytest.approx(times, rel=0.05)


def test_many_clips_are_not_many_videos():
    with pytest.raises(ValueError, match="too few"):
        fitted_temperature(honest(FEWEST_VIDEOS - 1, num_clips=5))


def test_a_temperature_changes_no_accuracy_of_clips():
    scores = honest(100, times=3.0)
    hot, cold = by_video(scores, temperature=3.0), by_video(scores)
    assert np.array_equal(hot.probabilities.argmax(axis=1), cold.probabilities.argmax(axis=1))
    assert hot.probabilities.max(axis=1).mean() < cold.probabilities.max(axis=1).mean()


# Answers


CONFIDENCE = np.array([0.9, 0.7, 0.95, 0.7, 0.6, 0.99])
CORRECT = np.array([True, False, True, True, False, True])


def test_answers_above_each_confidence_by_hand():
    assert [(one.confidence, one.num_videos, one.accuracy) for one in answers_above(CONFIDENCE, CORRECT)] == [
        (0.99, 1, 1.0),
        (0.95, 2, 1.0),
        (0.9, 3, 1.0),
        (0.7, 5, 4 / 5),  # two videos of one confidence come in at once
        (0.6, 6, 4 / 6),
    ]
    assert [one.coverage for one in answers_above(CONFIDENCE, CORRECT)][-2:] == [5 / 6, 1.0]
    assert answers_above(np.array([]), np.array([], dtype=bool)) == []


def test_the_threshold_is_the_lowest_confidence_that_keeps_the_precision():
    points = answers_above(CONFIDENCE, CORRECT)
    assert lowest_with(points, precision=0.95).confidence == 0.9
    assert lowest_with(points, precision=0.8).confidence == 0.7
    assert lowest_with(points, precision=0.5).num_videos == 6
    assert lowest_with(answers_above(CONFIDENCE, ~CORRECT), precision=0.95) is None


def test_a_client_answers_the_videos_that_the_threshold_was_found_on():
    rng = np.random.default_rng(0)
    confidence, correct = rng.uniform(size=500), rng.uniform(size=500) < 0.7
    for point in answers_above(confidence, correct):
        answered = confidence >= point.confidence
        assert (answered.sum(), correct[answered].mean()) == (point.num_videos, pytest.approx(point.accuracy))
        assert above(confidence, correct, threshold=point.confidence) == point
    assert above(confidence, correct, threshold=1.1) is None
    assert above(CONFIDENCE, CORRECT, threshold=0.8) == AnswersAbove(
        confidence=0.8, num_videos=3, coverage=0.5, accuracy=1.0
    )


@pytest.mark.parametrize("confidence", [1.0, 1 - 5e-14, 0.99999, 0.7, 0.7 - 5e-14, 1e-9, 0.0, 0.29, 0.57])
def test_a_threshold_is_never_above_the_confidence_it_was_made_of(confidence):
    (point,) = answers_above(np.array([confidence]), np.array([True]))
    assert 0 <= confidence - point.confidence < 1.01e-4
    assert point.confidence <= 0.9999, "a client whose processor makes 0.99995 of a 1 answers as well"
    assert point.confidence == round(point.confidence, 4) == cut_off(np.array([confidence]))[0] / 1e4


def test_a_curve_has_its_ends_and_no_more_points_than_asked():
    rng = np.random.default_rng(0)
    points = answers_above(rng.uniform(size=5000), rng.uniform(size=5000) < 0.9)
    thin = thinned(points)
    assert len(thin) == 50
    assert (thin[0], thin[-1]) == (points[0], points[-1])
    assert max(np.diff([one.coverage for one in thin])) < 0.03
    assert thinned(points[:7]) == points[:7]


# Both


def test_the_threshold_is_of_calibrated_confidences():
    scores = honest(2000, times=3.0)
    _, found = calibrated(subset_of(scores), num_clips=1, is_reported=False, precision=0.9)
    videos = by_video(scores, temperature=found.temperature.value)
    confidence = videos.probabilities.max(axis=1)
    answered = confidence >= found.threshold.confidence
    correct = videos.probabilities.argmax(axis=1) == videos.labels
    assert correct[answered].mean() == pytest.approx(found.threshold.accuracy)
    assert 0.9 <= found.threshold.accuracy < 0.91
    assert answered.mean() == found.threshold.coverage
    assert (found.num_videos, found.asked_precision, found.notes) == (2000, 0.9, [])
    # of a video more, fewer of those that are answered would be right
    assert correct[confidence >= np.sort(confidence[~answered])[-20]].mean() < 0.9


def test_what_is_lacking_is_told():
    _, few = calibrated(subset_of(right(4), "testing"), num_clips=1, is_reported=True, precision=0.95)
    assert (few.temperature, few.threshold) == (None, None)
    assert few.notes == [
        "fitted on the very testing videos that are reported",
        "no temperature: 4 videos are too few, expected 10 or more",
        "no threshold: 4 videos are too few, expected 10 or more",
    ]
    _, found = calibrated(subset_of(WRONG), num_clips=1, is_reported=False, precision=0.95)
    assert found.threshold is None
    assert found.notes[-1] == "no threshold: above no confidence 0.95 of the answers are right"


def test_where_all_are_right_the_threshold_is_what_was_seen():
    _, found = calibrated(subset_of(right(20)), num_clips=1, is_reported=False, precision=0.95)
    confidence = math.floor(1e4 / (1 + math.exp(-3))) / 1e4
    assert found.temperature is None
    assert found.threshold == AnswersAbove(confidence=confidence, num_videos=20, coverage=1.0, accuracy=1.0)


def test_a_threshold_of_few_videos_is_none():
    """The five surest of 40 are right, of the others half are."""
    labels = np.arange(40) % 2
    said = np.where((np.arange(40) < 5) | (np.arange(40) % 4 < 2), labels, 1 - labels)
    logits = np.eye(2, dtype=np.float32)[said] * np.where(np.arange(40) < 5, 6, 1)[:, None].astype(np.float32)
    _, found = calibrated(
        subset_of(ClipScores(logits, labels, np.arange(40))), num_clips=1, is_reported=False, precision=0.95
    )
    assert found.threshold is None
    assert re.fullmatch(
        r"no threshold: 0\.95 of the answers are right only above 0\.\d+, where 5 videos are too few, expected 10 .*",
        found.notes[-1],
    )
    _, found = calibrated(
        subset_of(ClipScores(logits, labels, np.arange(40))), num_clips=1, is_reported=False, precision=0.5
    )
    assert found.threshold.num_videos == 40


def disagreeing(num_videos: int) -> ClipScores:
    """Of the three clips of each video, one is very sure of class 1, and two are more and more for class 0."""
    logits = np.tile(np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 9.0, 0]], np.float32), (num_videos, 1))
    logits[0::3, 0] = logits[1::3, 0] = np.linspace(-1.2, 2.4, num_videos)
    return ClipScores(logits, np.zeros(3 * num_videos, np.int64), np.repeat(np.arange(num_videos), 3))


def test_a_temperature_changes_no_answer():
    """Where clips disagree, the most probable class is another one at another temperature."""
    scores = disagreeing(40)
    scores.labels[:] = np.repeat(np.arange(40) % 2, 3)
    one = subset_of(scores)
    hot = one.at(4.0)
    changed = hot.calibrated.predicted != one.videos.predicted
    assert changed.any()
    assert not changed.all()
    confidence = hot.calibrated.probabilities[np.arange(40), one.videos.predicted]
    assert np.array_equal(hot.confidence, confidence)
    assert np.array_equal(hot.correct, one.correct)
    options = {"labels": ["a", "b", "c"], "num_annotated": 40, "trained_on": False, "chosen": []}
    _, found = calibrated(one, num_clips=3, is_reported=True, precision=0.4)
    numbers = subset_scores(hot, calibration=found, **options)
    assert numbers.answers[-1].accuracy == numbers.video_top1, "all answers are those of the accuracy"
    right = [point for point in numbers.answers if point.confidence >= found.threshold.confidence]
    assert numbers.above_threshold.accuracy == right[-1].accuracy
    assert sum(bin.accuracy * bin.num_videos for bin in numbers.calibrated.reliability) == pytest.approx(
        40 * numbers.video_top1
    )
    for video in range(40):
        clips = scores.logits[3 * video : 3 * video + 3]
        said = Scored(probabilities=averaged(clips, temperature=4.0), ranking=averaged(clips), labels="abc")
        assert said.label == "abc"[one.videos.predicted[video]], "a client names what the evaluation counts"
        assert said.confidence == pytest.approx(confidence[video])
