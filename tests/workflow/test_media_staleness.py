"""What changes of the raw videos and of the media settings re-run, and what of it decodes anything."""

import os
import shutil

import pytest
from project import Project, executed, new_project, shards_executed

REPORT = "results/tiny/dataset_report.md"


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
