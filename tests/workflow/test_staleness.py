"""Only stale stages are rebuilt: what a change of files re-runs, in real runs; edits have test_staleness_digests."""

import dataclasses
import json
import os
import re
import shutil

import av
import pyarrow.parquet as pq
import pytest
from project import MODEL, NAME, Project, executed, shards_executed, stages

from kinema.records.calibration import CalibrationFile
from kinema.records.evaluation import Evaluation

pytestmark = pytest.mark.workflow

TARGET = f"{MODEL}/model.xml"
AFTER_TRAINING = {"evaluate", "export", "convert", "verify"}
LIST, CLIPS = "data/tiny/list.csv", "results/tiny/clips.parquet"


def copy_of(finished, tmp_path, *, copy=shutil.copy2) -> Project:
    """A copy of the finished project without what Snakemake keeps in its own folder."""
    ignored = shutil.ignore_patterns(".snakemake")
    shutil.copytree(finished.root, tmp_path / "copy", copy_function=copy, ignore=ignored)
    return Project(tmp_path / "copy")


def replace(path, content: bytes) -> None:
    """Put a file of this content and the same date in the place of another, as `mv` and `cp -p` do."""
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(content)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def reversed_in_time(path) -> bytes:
    """A video's frames in the other order, in a file of the same size."""
    other = path.with_name("reversed.mp4")
    with av.open(str(path)) as source, av.open(str(other), "w") as target:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
        stream = target.add_stream("mpeg4", rate=7, width=frames[0].shape[1], height=frames[0].shape[0])
        for frame in reversed(frames):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        target.mux(stream.encode())
    content = other.read_bytes()
    other.unlink()
    assert len(content) <= path.stat().st_size
    return content + bytes(path.stat().st_size - len(content))


def test_time_stamps_alone_re_run_nothing(project):
    # as in a fresh clone: every file of the code, the configuration, the list and the videos looks new
    for folder in ("workflow", "kinema", "config", "envs", "profiles"):
        for path in (project.root / folder).rglob("*.*"):
            os.utime(path)
    os.utime(project.root / LIST)
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_new_time_stamps_of_videos_decode_and_train_nothing(project):
    assert not project.planned(TARGET)  # looks at the files of this copy
    for path in (project.root / "data/tiny/videos").rglob("*.mp4"):
        os.utime(path)
    output = project.snakemake(TARGET)
    assert {"plan", "shard"} <= executed(output) <= {"plan", "shard", "dataset_report", "index"}
    for shard in shards_executed(output):
        log = next((project.root / "logs/tiny").rglob(f"shard_{shard}.log")).read_text()
        assert " 0 decoded" in log
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_three_new_videos_re_run_their_shards_only(project):
    for path in (project.root / "data").glob("open_*.mp4"):
        path.rename(project.root / "data/tiny/videos" / path.name)
    table = project.root / LIST
    table.write_text(table.read_text() + (project.root / "data/tiny/more.csv").read_text())
    told = stages(project.plan(TARGET))
    output = project.snakemake(TARGET)
    assert executed(output) >= {"annotations", "plan", "shard", "index", "train", "verify"}
    shards = shards_executed(output)
    assert 1 <= len(shards) <= 3
    assert told["annotations"].why == "list.csv changed"
    assert told["plan"].why == "3 new videos"
    assert (set(re.findall(r"\d{4}", told["shard"].named)), told["shard"].why) == (shards, "after plan: 3 new videos")
    assert (told["index"].jobs, told["train"].jobs) == ("1", "0 to 1")
    decoded = 0
    for shard in shards:
        log = next((project.root / "logs/tiny").rglob(f"shard_{shard}.log")).read_text()
        decoded += int(re.search(r"(\d+) decoded", log)[1])
    assert decoded == 3
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_a_testing_video_more_is_evaluated_and_not_trained_on(project):
    (video,) = (project.root / "data").glob("open_val_000.mp4")
    video.rename(project.root / "data/tiny/videos/held_out.mp4")
    table = project.root / LIST
    table.write_text(f"{table.read_text()}held_out,grow,testing\n")
    output = project.snakemake(TARGET)
    assert executed(output) == {"annotations", "plan", "shard", "dataset_report", "index", "evaluate", "verify"}
    evaluation = json.loads((project.root / MODEL / "evaluation.json").read_text())
    assert (evaluation["subset"], evaluation["subsets"]["testing"]["num_videos"]) == ("testing", 1)
    assert list(evaluation["subsets"]) == ["testing", "validation"], "validation still tells of the confidences"
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_testing_videos_without_labels_are_predicted_and_the_others_reported(project):
    (video,) = (project.root / "data").glob("open_val_000.mp4")
    video.rename(project.root / "data/tiny/videos/held_out.mp4")
    table = project.root / LIST
    table.write_text(f"{table.read_text()}held_out,,testing\n")
    arguments = (TARGET, "--config", "evaluation={subset: all}")
    output = project.snakemake(*arguments)
    assert executed(output) == {"annotations", "plan", "shard", "dataset_report", "index", "evaluate", "verify"}
    evaluation = Evaluation.read(project.root / MODEL / "evaluation.json")
    assert (evaluation.subset, list(evaluation.subsets)) == ("validation", ["validation", "training"])
    assert evaluation.unlabelled == {"testing": 1}
    rows = pq.read_table(project.root / MODEL / "predictions.parquet").to_pylist()
    assert [row["subset"] for row in rows] == ["validation"] * 2 + ["testing"] + ["training"] * 4
    assert [row["label"] is None for row in rows] == [False] * 2 + [True] + [False] * 4
    assert "Nothing to be done" in project.snakemake(*arguments)


def test_a_threshold_that_changes_is_exported_in_the_same_run(project):
    calibration = project.root / MODEL / "calibration.json"
    record = CalibrationFile.read(calibration)
    assert record.threshold is None, "of two videos there is none"
    project.edit("kinema/records/calibration.py", "threshold.confidence if threshold else None", "0.5")
    assert executed(project.snakemake(TARGET)) == {"evaluate", "verify"}
    assert CalibrationFile.read(calibration) == dataclasses.replace(record, threshold=0.5)
    assert '<threshold value="0.5"' in (project.root / TARGET).read_text()
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_shuffled_rows_re_run_only_the_list(project):
    table = project.root / LIST
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *rows[::-1]]) + "\n")
    assert executed(project.snakemake(TARGET)) <= {"annotations", "plan"}
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_a_list_of_an_older_date_is_read(project):
    table = project.root / LIST
    replace(table, table.read_bytes().replace(b"grow_train_000,grow", b"grow_train_000,shrink"))
    output = project.snakemake(CLIPS)
    assert executed(output) >= {"annotations", "index"}
    assert "shard" not in executed(output)
    assert project.planned(TARGET) == {"train", *AFTER_TRAINING}


def test_videos_that_are_replaced_by_others_of_one_size_and_date_train_anew(project):
    for path in (project.root / "data/tiny/videos").rglob("*train*.mp4"):
        replace(path, reversed_in_time(path))
    assert executed(project.snakemake(CLIPS)) == {"plan", "shard", "dataset_report", "index"}
    assert project.planned(TARGET) == {"train", *AFTER_TRAINING}


def test_a_model_of_an_older_date_is_scored_and_exported(project):
    path = project.root / MODEL / "model.pth"
    replace(path, path.read_bytes() + b"1")
    assert project.planned(TARGET) == AFTER_TRAINING


@pytest.mark.parametrize(
    ("name", "again"),
    [("model.bin", {"verify"}), ("labels.txt", {"verify"}), ("model.onnx", {"verify"}), ("training.json", set())],
)
def test_what_belongs_to_the_target_is_made_again(project, name, again):
    (project.root / MODEL / name).unlink()
    output = project.snakemake(TARGET)
    assert executed(output) == again
    assert (project.root / MODEL / name).exists() == bool(again)
    assert (f"{TARGET}: {MODEL}/{name} is missing" in output) == bool(again)
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_what_was_made_on_the_way_may_go(project):
    recipe = next((project.root / "prepared/tiny").iterdir())
    lost = [
        recipe / "plan.json",
        project.root / "results/tiny/annotation.json",
        project.root / "results/tiny/clips.arrow",
    ]
    lost += [
        project.root / MODEL / name for name in ("model.pth", "parity.json", "evaluation.json", "calibration.json")
    ]
    for path in lost:
        path.unlink()
    shutil.rmtree(project.root / "work")
    assert "Nothing to be done" in project.snakemake(TARGET)
    assert "annotations" in executed(project.snakemake("results/tiny/annotation.json"))
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_a_deleted_shard_is_made_again_when_it_is_needed(project):
    for path in (project.root / "prepared/tiny").glob("*/shards/0003.*"):
        path.unlink()
    # what is finished stays so; what needs the frames makes them first
    assert "Nothing to be done" in project.snakemake(TARGET)
    assert {"shard", "train"} <= project.planned("results/tiny/efficientnet_lite0_baseline/model.pth")


@pytest.mark.parametrize("copy", [shutil.copy2, shutil.copyfile], ids=["same dates", "new dates"])
def test_a_copy_without_the_folder_of_snakemake_is_as_current(finished, tmp_path, copy):
    project = copy_of(finished, tmp_path, copy=copy)
    assert "Nothing to be done" in project.snakemake(TARGET)
    project.edit("config/datasets/tiny.yaml", "epochs: 1", "epochs: 1\n  lr: 0.5")
    assert project.planned(TARGET) == {"train", *AFTER_TRAINING}


def test_results_whose_records_are_lost_too_are_told(finished, tmp_path):
    project = copy_of(finished, tmp_path)
    for folder in [*project.root.rglob(".records")]:
        shutil.rmtree(folder)
    project.edit("config/datasets/tiny.yaml", "epochs: 1", "epochs: 1\n  lr: 0.5")
    assert "missing provenance" in project.snakemake("-n", TARGET)


def test_after_an_update_results_can_be_kept(project):
    project.edit("kinema/training/optim.py", "momentum=settings.momentum", "momentum=0.8 * settings.momentum")
    project.edit("kinema/clips/coverage.py", "pc.greater(", "pc.less(")
    before = (project.root / MODEL / "model.pth").read_bytes()
    assert project.planned(TARGET)
    project.snakemake("--touch", TARGET)
    assert "Nothing to be done" in project.snakemake(TARGET)
    assert (project.root / MODEL / "model.pth").read_bytes() == before
    project.edit("config/datasets/tiny.yaml", "epochs: 1", "epochs: 1\n  lr: 0.5")
    assert project.planned(TARGET) == {"train", *AFTER_TRAINING}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("kinema/evaluation/evaluate.py", "    torch.set_num_threads(threads)\n", "    raise ValueError('no')\n"),
        ("kinema/deployment/onnx_model.py", "    onnx.checker", "    raise ValueError('no')\n    onnx.checker"),
    ],
    ids=["evaluate", "export"],
)
def test_a_new_model_is_never_beside_the_network_of_an_old_one(project, file, old, new):
    before = (project.root / MODEL / "model.pth").read_bytes()
    project.edit("config/datasets/tiny.yaml", "epochs: 1", "epochs: 1\n  lr: 0.5")
    project.edit(file, old, new)
    project.snakemake(TARGET, check=False)
    assert (project.root / MODEL / "model.pth").read_bytes() != before
    assert not list((project.root / "results").rglob("model.xml"))
    assert not list((project.root / "results").rglob("model.bin"))


def test_a_list_that_failed_fails_again_and_is_read_when_it_is_mended(project):
    table = project.root / LIST
    text = table.read_text()
    table.write_text(f"{text}broken_row,grow,nosubset\n")
    for _ in range(2):
        assert "subset 'nosubset'" in project.snakemake(TARGET, check=False)
    table.write_text(text)
    assert executed(project.snakemake(TARGET)) <= {"annotations", "plan"}
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_a_training_that_failed_is_made_again(project):
    project.edit("config/datasets/tiny.yaml", "epochs: 1", "epochs: 1\n  lr: 0.5")
    logs = project.root / MODEL.replace("results", "logs") / "curves"
    shutil.rmtree(logs)
    logs.touch()
    project.snakemake(TARGET, check=False)
    assert not (project.root / MODEL / "model.pth").exists()
    logs.unlink()
    assert project.planned(TARGET) == {"train", *AFTER_TRAINING}


def test_a_model_put_there_by_hand_is_never_beside_the_network_of_another(project):
    path = project.root / MODEL / "model.pth"
    replace(path, b"no model")
    project.snakemake(TARGET, check=False)
    assert not list((project.root / "results").rglob("model.bin"))
    assert not list((project.root / "results").rglob("model.xml"))


def test_a_lost_index_is_made_again_and_nothing_else(project):
    for path in (project.root / "results/tiny").glob("clips.*"):
        path.unlink()
    assert executed(project.snakemake(TARGET)) == {"index"}
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_a_target_may_be_written_in_another_way(project):
    (project.root / MODEL / "model.bin").unlink()
    assert executed(project.snakemake(f"./{MODEL}/../{NAME}/model.xml")) == {"verify"}
