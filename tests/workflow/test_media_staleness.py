"""What changes of the raw videos and of the media settings re-run, and what of it decodes anything."""

import json
import os
import shutil
from pathlib import Path

import av
import pytest
from project import Project, executed, new_project, shards_executed

from kinema.media.ffmpeg import find_ffmpeg

pytestmark = pytest.mark.workflow

REPORT = "results/tiny/dataset_report.md"
# ffmpeg, but for the first times that it is given one video: then it is killed
KILLED = """#!/bin/bash
if [[ "$*" == *"/grow_train_000.mp4"* ]]; then
    echo >> count
    [[ $(wc -l < count) -le {times} ]] && kill -9 $$
fi
exec "{ffmpeg}" "$@"
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Project:
    """A project whose frames and report have been made; do not change it, take `project`."""
    project = new_project(tmp_path_factory.mktemp("prepared"))
    project.snakemake(REPORT)
    return project


@pytest.fixture
def project(prepared, tmp_path) -> Project:
    """A copy of the prepared project, to be changed."""
    shutil.copytree(prepared.root, tmp_path / "project", copy_function=shutil.copy2)
    return Project(tmp_path / "project")


def nothing_to_do(project: Project) -> bool:
    return "Nothing to be done" in project.snakemake("-n", REPORT)


def test_a_copy_with_new_time_stamps_of_the_videos_re_runs_nothing(project):
    for path in project.videos():
        shutil.copy(path, path.with_name("new"))
        path.with_name("new").replace(path)
    assert nothing_to_do(project)


def test_touched_videos_are_checked_and_not_decoded(project):
    assert nothing_to_do(project)  # from now on the copied files are known
    os.utime(project.videos()[0])
    output = project.snakemake(REPORT)
    assert executed(output) == {"plan", "shard", "dataset_report"}
    (shard,) = shards_executed(output)
    assert ", 0 decoded" in project.shard_log(shard)
    assert nothing_to_do(project)


def test_another_video_under_the_old_name_size_and_time_stamps_is_decoded(project):
    path = project.videos()[0]
    stamps, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.with_name("new").write_bytes(content)
    path.with_name("new").replace(path)
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    (shard,) = shards_executed(project.snakemake(REPORT))
    assert ", 1 decoded" in project.shard_log(shard)
    assert nothing_to_do(project)


def test_a_lost_plan_makes_no_shard_stale(project):
    next((project.root / "prepared/tiny").rglob("plan.json")).unlink()
    assert nothing_to_do(project)
    assert "shard" not in executed(project.snakemake(REPORT, "--forcerun", "plan"))


def new_ffmpeg(project: Project, name: str, text: str) -> None:
    (project.root / name).write_text(text)
    (project.root / name).chmod(0o755)
    config = project.root / "config/config.yaml"
    lines = config.read_text().splitlines()
    config.write_text("\n".join(f"ffmpeg: {name}" if line.startswith("ffmpeg:") else line for line in lines) + "\n")


def test_what_was_killed_is_tried_again_by_the_next_run_until_it_is_there(project):
    shutil.rmtree(project.root / "prepared")
    new_ffmpeg(project, "./killed", KILLED.format(times=4, ffmpeg=find_ffmpeg()))  # twice in each of two runs
    project.snakemake(REPORT)
    for _ in range(2):
        (dropped,) = json.loads((project.root / REPORT).with_suffix(".json").read_text())["dropped"]
        assert (dropped["reason"], dropped["detail"]) == ("ffmpeg was killed", "the next run tries again")
        output = project.snakemake(REPORT)
        assert executed(output) == {"shard", "dataset_report"}
        assert len(shards_executed(output)) == 1
    assert not json.loads((project.root / REPORT).with_suffix(".json").read_text())["dropped"]
    assert nothing_to_do(project)


def test_limits_re_run_nothing_but_what_failed_by_them(project):
    settings = "config/datasets/tiny.yaml"
    project.edit(settings, "short_side: 64", "short_side: 64\n  timeout_seconds: 50\n  max_megapixels: 1.0e-9")
    assert nothing_to_do(project)
    path = project.videos()[0]
    path.write_bytes(path.read_bytes() + b" ")  # another file, which now is too large
    (shard,) = shards_executed(project.snakemake(REPORT))
    assert "1 failed" in project.shard_log(shard)
    assert nothing_to_do(project)
    project.edit(settings, "1.0e-9", "2")
    assert shards_executed(project.snakemake(REPORT)) == {shard}
    assert "1 decoded" in project.shard_log(shard)
    assert nothing_to_do(project)


def test_an_equal_ffmpeg_elsewhere_is_the_same_and_an_older_dated_one_is_not(project):
    new_ffmpeg(project, "./first", KILLED.format(times=0, ffmpeg=find_ffmpeg()))
    project.snakemake(REPORT)
    shutil.copy2(project.root / "first", project.root / "other")
    project.edit("config/config.yaml", "ffmpeg: ./first", "ffmpeg: ./other")
    assert nothing_to_do(project)
    (project.root / "other").write_text((project.root / "first").read_text() + "# another build")
    os.utime(project.root / "other", ns=(1, 1))
    output = project.snakemake(REPORT)
    shards = shards_executed(output)
    assert len(shards) == 8
    assert all(", 0 decoded, 0 failed" in project.shard_log(shard) for shard in shards)
    assert nothing_to_do(project)


def test_folders_of_pictures_are_prepared_and_only_a_changed_one_again(project):
    """A re-extraction that overwrites the pictures leaves the folder itself as it was."""
    videos = project.videos()
    for path in videos:
        extract(path, path.with_suffix(""))
        path.unlink()
    project.snakemake(REPORT)
    report = json.loads((project.root / REPORT).with_suffix(".json").read_text())
    assert (report["ok"], report["missing"], report["failed"], report["truncated"]) == (6, 0, 0, 0)
    assert nothing_to_do(project)
    folder = videos[0].with_suffix("")
    before = folder.stat().st_mtime_ns
    extract(project.root / "data" / "open_train_000.mp4", folder)
    assert folder.stat().st_mtime_ns == before
    output = project.snakemake(REPORT)
    (shard,) = shards_executed(output)
    assert ", 1 decoded" in project.shard_log(shard)
    assert nothing_to_do(project)


def extract(video: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0), start=1):
            frame.to_image().save(folder / f"image_{number:05d}.jpg")
