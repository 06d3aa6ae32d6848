"""Frames that a training copies to a disk of its machine: checked, shared, and removed by who leaves last."""

import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP, prepare

from kinema.clips import local_copy as module
from kinema.clips.local_copy import copy_file, folder_of, local_copy, read_files
from kinema.experiment.config import Settings
from kinema.experiment.params import training_json, untracked_json
from kinema.input_error import InputError
from kinema.training.data import training_loader, validation_loader
from kinema.training.run import TrainingInputs

CLIPS = Path("corpus/clips.parquet")
SETTINGS = Settings.model_validate({"clip": CLIP.model_dump(), "training": {"num_workers": 0}})


@pytest.fixture(scope="module")
def shared_storage(make_once):
    """A corpus with relative paths, as those of a project are; do not change it."""

    def build(folder):
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(folder)
            Path("corpus").mkdir()
            prepare(Path("corpus"))

    return make_once("relative", build)


@pytest.fixture
def project(shared_storage, tmp_path, monkeypatch) -> Path:
    """A copy of it, which is the working directory."""
    shutil.copytree(shared_storage, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def all_clips(copies: Path | None) -> list[torch.Tensor]:
    loaders = [load(CLIPS, SETTINGS, modality="rgb", copies=copies) for load in (training_loader, validation_loader)]
    return [loader.clip_dataset[row]["clip"] for loader in loaders for row in range(len(loader.clip_dataset))]


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_clips_come_from_the_copies_and_nothing_stays(project, tmp_path):
    before = all_clips(None)
    with local_copy(CLIPS, str(tmp_path / "scratch"), modality="rgb") as copies:
        expected = {f"corpus/{shard}.{kind}" for shard in ("0000", "0001") for kind in ("arrow", "tar")}
        assert files_in(copies) == {*expected, ".copying"}
        for path in project.glob("corpus/*.tar"):
            path.unlink()
        for one, other in zip(all_clips(copies), before, strict=True):
            assert torch.equal(one, other)
        with pytest.raises(ValueError, match="cannot read"):
            all_clips(None)
    assert not list((tmp_path / "scratch").iterdir())


def test_no_place_no_copy(project):
    with local_copy(CLIPS, None, modality="rgb") as copies:
        assert copies is None


def test_only_shards_with_videos_that_are_read_are_copied(project):
    rows = pq.read_table(CLIPS).to_pandas()
    shards = {row.shard for row in rows.itertuples() if row.subset in ("training", "validation")}
    assert {str(path.with_suffix(".parquet")) for path in read_files(CLIPS, "rgb")} == shards


def test_trainings_share_the_copies_and_the_last_one_removes_them(project, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    place = str(tmp_path / "scratch")
    with local_copy(CLIPS, place, modality="rgb") as first:
        with local_copy(CLIPS, place, modality="rgb") as second:
            assert second == first
        assert files_in(first)
    assert not first.exists()
    assert caplog.text.count("copying 4 files") == 1


def test_a_second_one_waits_for_the_first_to_copy(project, tmp_path):
    place, found = str(tmp_path / "scratch"), []
    folder = folder_of(place)
    folder.mkdir(parents=True)

    def use():
        with local_copy(CLIPS, place, modality="rgb") as copies:
            found.append(files_in(copies))

    with module.one_after_another(folder / ".copying"):
        other = threading.Thread(target=use)
        other.start()
        other.join(0.5)
        assert not found
    other.join(30)
    assert len(found[0]) == 5


def test_what_a_killed_training_left_is_used_and_removed(project, tmp_path, caplog):
    place = str(tmp_path / "scratch")
    code = f"""
import os
from pathlib import Path
from kinema.clips.local_copy import local_copy
with local_copy(Path("{CLIPS}"), "{place}", modality="rgb"):
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=project, check=False)
    assert done.returncode == -9
    folder = folder_of(place)
    assert len(files_in(folder)) == 5
    caplog.set_level(logging.INFO)
    with local_copy(CLIPS, place, modality="rgb") as copies:
        assert copies == folder
    assert "copying" not in caplog.text
    assert not list((tmp_path / "scratch").iterdir())


def test_a_file_that_has_changed_is_copied_again(project, tmp_path):
    place = str(tmp_path / "scratch")
    with local_copy(CLIPS, place, modality="rgb") as copies:
        with Path("corpus/0000.tar").open("ab") as tar:
            tar.write(bytes(512))
        with local_copy(CLIPS, place, modality="rgb"):
            assert (copies / "corpus/0000.tar").read_bytes() == Path("corpus/0000.tar").read_bytes()


def test_a_copy_that_is_not_what_was_read_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(bytes(1000))
    damage = lambda descriptor: os.pwrite(descriptor, b"x", 500)  # noqa: E731
    monkeypatch.setattr(module.os, "fsync", damage)
    with pytest.raises(OSError, match=r"scratch/a: the copy is not what .*/a is; the disk, or the network, loses data"):
        copy_file(tmp_path / "a", tmp_path / "scratch/a")
    assert not list((tmp_path / "scratch").iterdir())


def test_too_little_room_is_told_and_the_frames_are_read_where_they_are(project, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(total=10_000, free=200))
    with local_copy(CLIPS, str(tmp_path / "scratch"), modality="rgb") as copies:
        assert copies is None
    assert "0.0 GB free, the frames take 0.0 GB; they are read where they are" in caplog.text


def test_what_is_not_copied_is_told(prepared, tmp_path, caplog):
    with local_copy(prepared / "clips.parquet", str(tmp_path / "scratch"), modality="rgb") as copies:
        assert copies is None
    assert "of absolute paths, are not copied; they are read where they are" in caplog.text


def test_a_place_may_be_named_by_a_variable(project, tmp_path, monkeypatch):
    monkeypatch.setenv("NODE_SCRATCH", str(tmp_path))
    assert folder_of("$NODE_SCRATCH/a").parent == tmp_path / "a"
    with pytest.raises(InputError, match=r"local_copy: \$\{LACKING\}/a: the variable LACKING is not set where"):
        folder_of("${LACKING}/a")
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"training\.local_copy: .*/file cannot be made"),
        local_copy(CLIPS, str(tmp_path / "file"), modality="rgb"),
    ):
        pass


def test_projects_have_copies_of_their_own(project, tmp_path, monkeypatch):
    one = folder_of("/scratch")
    monkeypatch.chdir(tmp_path)
    assert folder_of("/scratch") != one


def test_nothing_is_copied_where_nothing_is_trained():
    options = {"clips_path": CLIPS, "model_name": "a_vtn", "starts": {}, "data": {}, "code": "1"}
    places = {}
    for is_trained in (True, False):
        training = {"local_copy": "/scratch", "train": is_trained}
        inputs = TrainingInputs(settings=Settings.model_validate({"training": training}), **options)
        places[is_trained] = inputs.copies_place
    assert places == {True: "/scratch", False: None}


def test_it_makes_no_training_stale():
    copied = Settings.model_validate({"training": {"local_copy": "/scratch"}})
    assert training_json(copied) == training_json(Settings())
    assert '"local_copy": "/scratch"' in untracked_json(copied)
