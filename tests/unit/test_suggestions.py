"""Settings that fit the videos and the machine."""

import pytest
import yaml
from media_corpus import make_video

from kinema.annotations.init import init_dataset
from kinema.annotations.mirrored import mirrored_pairs, sided
from kinema.annotations.suggestions import Machine, Sample, suggestions
from kinema.experiment.files import load_config_files

LAPTOP, STATION = Machine(cores=4), Machine(cores=32, has_gpu=True, has_bf16=True)
USUAL = Sample(50, seconds=10.0, fps=30.0, short_side=340)


def suggested(sample=USUAL, machine=LAPTOP, labels=("wave", "push"), num_training=100, num_validation=25):
    text = suggestions(sample, machine, labels=labels, num_training=num_training, num_validation=num_validation)
    return yaml.safe_load(text)


@pytest.mark.parametrize(
    ("machine", "short_side", "size", "precision", "workers"),
    [(LAPTOP, 128, 112, None, 3), (STATION, 256, 224, "bf16-mixed", 8), (Machine(1, has_gpu=True), 256, 224, None, 1)],
)
def test_the_machine_decides_sizes_precision_and_workers(machine, short_side, size, precision, workers):
    found = suggested(machine=machine)
    assert (found["media"]["short_side"], found["clip"]["size"]) == (short_side, size)
    assert (found["training"].get("precision"), found["training"]["num_workers"]) == (precision, workers)


@pytest.mark.parametrize(
    ("seconds", "fps", "stride"),
    [(10.0, 30.0, 5), (1.0, 30.0, 2), (0.3, 30.0, 1), (10.0, 12.0, 2), (60.0, 240.0, 16)],
)
def test_a_clip_spans_most_of_a_short_video_and_a_few_seconds_of_a_long_one(seconds, fps, stride):
    assert suggested(Sample(9, seconds, fps, 340))["clip"] == {"length": 16, "stride": stride, "size": 112}


def test_small_videos_keep_their_size_and_of_none_nothing_is_said():
    assert suggested(Sample(9, 10.0, 30.0, 100))["media"]["short_side"] is None
    assert suggested(Sample(0))["clip"] == {"length": 16, "stride": 2, "size": 112}


@pytest.mark.parametrize(
    ("num_training", "epochs", "batch_size", "freezes"),
    [(100, 40, 8, True), (2000, 24, 16, None), (100_000, 15, 32, None)],
)
def test_few_videos_are_seen_more_often_and_with_statistics_frozen(num_training, epochs, batch_size, freezes):
    training = suggested(num_training=num_training)["training"]
    assert (training["epochs"], training["batch_size"]) == (epochs, batch_size)
    assert training.get("freeze_batch_norm") is freezes


def test_the_best_epoch_is_kept_only_where_many_videos_choose_it():
    assert suggested(num_validation=25)["training"]["keep"] == "last"
    assert "keep" not in suggested(num_validation=500)["training"]


def test_what_is_mirrored_where_labels_tell_left_from_right():
    named = suggested(labels=["swipe left", "swipe right", "push"])["augmentation"]
    assert named == {"mirrored_labels": [["swipe left", "swipe right"]]}
    assert suggested(labels=["swipe left", "turn right", "push"])["augmentation"] == {"horizontal_flip": 0}
    assert "augmentation" not in suggested(labels=["leftover", "bright light", "push"])


def test_words_for_sides_are_found_in_names_of_every_kind():
    labels = ["SwipeLeft", "SwipeRight", "turn_left", "TURN_RIGHT", "left2", "Right hook", "upright", "cleft", "wave"]
    labels += ["LeftTurn", "leftSwipe", "righteous", "Bright"]
    assert sided(labels) == [
        *("LeftTurn", "Right hook", "SwipeLeft", "SwipeRight", "TURN_RIGHT", "left2", "leftSwipe", "turn_left")
    ]
    assert mirrored_pairs(labels) == [("SwipeLeft", "SwipeRight")]
    assert mirrored_pairs(["hand to the left then right", "hand to the right then left"]) == [
        ("hand to the left then right", "hand to the right then left")
    ]


def test_a_sample_has_the_medians_of_what_can_be_read(tmp_path):
    for number in range(3):
        make_video(tmp_path / f"{number}.mp4", frames=50, size=(96, 64), seed=number)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    found = Sample.of(tmp_path, ["0.mp4", "1.mp4", "2.mp4", "broken.mp4", "gone.mp4"], seed=1)
    assert (found.num_probed, found.seconds, found.fps, found.short_side) == (3, 2.0, 25.0, 64)


def test_a_machine_without_the_driver_has_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Machine.this().has_gpu is False
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 8.0\necho 7.5\n")
    driver.chmod(0o755)
    assert Machine.this() == Machine(Machine.this().cores, has_gpu=True, has_bf16=False)
    driver.write_text("#!/bin/sh\necho '[N/A]'\necho 9.0\n")
    assert Machine.this().has_bf16
    driver.write_text("#!/bin/sh\nexit 9\n")
    assert not Machine.this().has_gpu


def test_a_new_data_set_has_these_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("{}")
    for label in ("swipe left", "swipe right"):
        for number in range(5):
            make_video(tmp_path / "videos" / label / f"{label[6]}{number}.mp4", frames=50, size=(96, 64))
    init_dataset(tmp_path / "videos", name="mine")
    dataset = load_config_files([tmp_path / "config/config.yaml"]).datasets["mine"]
    assert (dataset.clip.length, dataset.clip.stride, dataset.media.short_side) == (16, 3, None)
    assert dataset.augmentation.mirrored_labels == [["swipe left", "swipe right"]]
    assert dataset.training.keep == "last"
