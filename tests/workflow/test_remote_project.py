"""A data set whose videos lie in a bucket: from there to a verified model, and what a changed object re-runs."""

import pytest
from project import MODEL, NAME, Project, executed, new_project, shards_executed
from remote_servers import BUCKET, KEY, SECRET, serving_s3

pytestmark = pytest.mark.workflow

REPORT = "results/tiny/dataset_report.md"
VIDEOS = f"s3://{BUCKET}/corpora/tiny"


def secrets_in(project: Project) -> list[str]:
    """Files of the project that hold a key, but for those that one wrote oneself."""
    files = [path for path in project.root.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(one.encode() in path.read_bytes() for one in (KEY, SECRET))]


@pytest.mark.slow
def test_videos_of_a_bucket_become_a_model_and_one_that_changes_re_runs_its_shard(tmp_path):
    project = new_project(tmp_path / "project")
    with serving_s3() as bucket:
        bucket.put_folder(project.root / "data/tiny/videos", "corpora/tiny")
        names = [str(path.relative_to(project.root / "data/tiny/videos")) for path in project.videos()]
        other = (project.root / "data/open_train_000.mp4").read_bytes()
        for path in project.videos():
            path.unlink()
        project.edit("config/datasets/tiny.yaml", "videos: data/tiny/videos", f"videos: {VIDEOS}")
        project.edit("config/datasets/tiny.yaml", "training:", "training:\n  local_copy: $NODE_SCRATCH/copies")
        bucket.proxy.fail("mp4", 503, "cut")
        with_keys = {"environment": {**bucket.environment, "NODE_SCRATCH": str(tmp_path)}}

        output = project.snakemake(f"{MODEL}/model.xml", **with_keys)
        assert {"plan", "shard", "train", "verify"} <= executed(output)
        assert not [path for path in project.root.rglob("*.mp4") if "tiny" in path.parts], "no raw video is here"
        assert "copying 8 files" in (project.root / f"logs/tiny/{NAME}/train.log").read_text()
        assert not list((tmp_path / "copies").iterdir())
        assert sum(bucket.proxy.gets(name) for name in names) == len(names) + 2
        assert not secrets_in(project)
        assert KEY not in output
        assert SECRET not in output

        bucket.proxy.asked.clear()
        assert "Nothing to be done" in project.snakemake(f"{MODEL}/model.xml", **with_keys)
        assert [path.rstrip("/") for _, path in bucket.proxy.asked] == [f"/{BUCKET}"], "one listing, and no object"

        bucket.put(f"corpora/tiny/{names[0]}", other)
        output = project.snakemake(REPORT, **with_keys)
        assert executed(output) == {"plan", "shard", "dataset_report"}
        (shard,) = shards_executed(output)
        assert "1 decoded" in project.shard_log(shard)
        assert [bucket.proxy.gets(name) for name in names] == [1] + [0] * (len(names) - 1)
        assert "Nothing to be done" in project.snakemake(REPORT, **with_keys)

    # nobody answers any more: what was listed last counts
    output = project.snakemake("-n", REPORT, **with_keys)
    assert "Nothing to be done" in output
    assert f"{VIDEOS}: cannot be listed (Connection refused, 5 times in a row)" in output
    assert "What was listed on" in output
