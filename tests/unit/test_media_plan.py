"""Which file is which video, and which shard: odd names, duplicates, and digests that change only where they must."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinema.media.listing import scan_videos
from kinema.media.plan import manifest_path, plan_shards, shard_digest, shard_of

ODD_NAMES = ["-dash", "a b", "it's", 'say "hi"', "$HOME; rm", "x[1]", "100%d", "smile😀", "dot.in.name", "co:lon"]


def write_annotation(path: Path, labels: dict[str, str]) -> Path:
    database = {video_id: {"subset": "training", "annotations": {"label": label}} for video_id, label in labels.items()}
    path.write_text(json.dumps({"labels": sorted(set(labels.values())), "database": database}))
    return path


def touch(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def manifest_rows(plan: Path) -> dict[str, dict]:
    files = sorted((plan.parent / "manifests").glob("*.jsonl"))
    return {row["id"]: row for file in files for row in map(json.loads, file.read_text().splitlines())}


@pytest.fixture
def corpus(tmp_path):
    """Twenty files `v00` ... `v19`, a function that plans them, and where the plan is."""
    for number in range(20):
        touch(tmp_path / "videos" / f"v{number:02d}.mp4")

    def plan(ids, num_shards=64):
        annotation = write_annotation(tmp_path / "annotation.json", dict.fromkeys(ids, "wave"))
        plan_shards(
            [annotation], video_folder=tmp_path / "videos", num_shards=num_shards, out=tmp_path / "plan" / "plan.json"
        )
        return json.loads((tmp_path / "plan" / "plan.json").read_text())

    return plan, tmp_path / "plan" / "plan.json"


@pytest.mark.parametrize(
    ("video_id", "num_shards", "shard"),
    [
        ("v_ApplyEyeMakeup_g01_c01", 256, 42),
        ("---QUuC4vJs_000084_000094", 256, 49),
        ("grow_train_003", 16, 14),
        ("é😀", 7, 5),
    ],
)
def test_the_shard_of_a_video_never_changes(video_id, num_shards, shard):
    assert shard_of(video_id, num_shards) == shard


def test_scan_takes_any_name_and_extension_once(tmp_path):
    for name in ODD_NAMES:
        touch(tmp_path / "label one" / f"{name}.MP4")
    touch(tmp_path / "notes.txt")
    touch(tmp_path / "clip.WebM")
    (tmp_path / "label one" / "loop").symlink_to(tmp_path)
    found, others = scan_videos(tmp_path)
    assert found == sorted(["clip.WebM", *(f"label one/{name}.MP4" for name in ODD_NAMES)])
    assert others == ["notes.txt"]


def test_odd_names_reach_the_manifest(tmp_path):
    for name in ODD_NAMES:
        touch(tmp_path / "videos" / f"{name}.mp4")
    annotation = write_annotation(tmp_path / "a.json", dict.fromkeys([*ODD_NAMES, "gone"], "wave"))
    plan_shards([annotation], video_folder=tmp_path / "videos", num_shards=3, out=tmp_path / "plan.json")
    rows = manifest_rows(tmp_path / "plan.json")
    assert all(Path(rows[name]["path"]).is_file() and rows[name]["size"] == 1 for name in ODD_NAMES)
    assert rows["gone"] == {"id": "gone", "path": None, "size": None, "token": None, "duplicates": []}


def test_a_file_under_its_label_wins_over_its_duplicates(tmp_path):
    for folder in ("aaa", "Shake_Hands", "zzz"):
        touch(tmp_path / "videos" / folder / "clip.avi")
    annotation = write_annotation(tmp_path / "a.json", {"clip": "shake hands"})
    other = write_annotation(tmp_path / "b.json", {"zzz/clip": "hug", "yyy/clip": "hug"})
    plan_shards([annotation, other], video_folder=tmp_path / "videos", num_shards=2, out=tmp_path / "plan.json")
    rows = manifest_rows(tmp_path / "plan.json")
    assert rows["clip"]["path"] == str(tmp_path / "videos" / "Shake_Hands" / "clip.avi")
    assert rows["clip"]["duplicates"] == ["aaa/clip.avi", "zzz/clip.avi"]
    assert rows["zzz/clip"]["path"] == str(tmp_path / "videos" / "zzz" / "clip.avi")
    assert rows["yyy/clip"]["path"] is None
    assert "'Shake_Hands/clip.avi', 'aaa/clip.avi', 'zzz/clip.avi'" in rows["yyy/clip"]["hint"]


def planned(root: Path, entries: dict[str, dict], *files: str) -> dict[str, dict]:
    """Rows of the manifest of these entries, paths relative to the videos."""
    for file in files:
        touch(root / "videos" / file)
    database = {video_id: {"annotations": {"label": "wave"}, **more} for video_id, more in entries.items()}
    (root / "a.json").write_text(json.dumps({"labels": ["wave"], "database": database}))
    plan_shards([root / "a.json"], video_folder=root / "videos", num_shards=1, out=root / "plan.json")
    rows = manifest_rows(root / "plan.json")
    return {
        name: row | {"path": row["path"] and row["path"].removeprefix(f"{root}/videos/")} for name, row in rows.items()
    }


def test_a_file_that_the_list_names_with_its_extension_is_that_file(tmp_path):
    extension = {"clip": {"extension": ".mp4"}, "part_0s_1s": {"video": "part", "extension": ".AVI", "start": 0}}
    rows = planned(tmp_path, extension, "clip.avi", "clip.mp4", "part.avi", "part.flv")
    assert [(row["path"], row["duplicates"]) for row in rows.values()] == [("clip.mp4", []), ("part.avi", [])]


def test_lists_of_one_corpus_that_mean_different_files_by_one_id_are_warned_of(tmp_path, caplog):
    for name in ("both.avi", "both.mp4", "one.mp4"):
        touch(tmp_path / "videos" / name)
    for name, extension in (("a", ".mp4"), ("b", ".avi")):
        entry = {"annotations": {"label": "wave"}, "extension": extension}
        (tmp_path / f"{name}.json").write_text(json.dumps({"labels": [], "database": {"both": entry, "one": entry}}))
    lists = [tmp_path / "a.json", tmp_path / "b.json"]
    plan_shards(lists, video_folder=tmp_path / "videos", num_shards=1, out=tmp_path / "plan.json")
    assert manifest_rows(tmp_path / "plan.json")["both"]["path"].endswith("both.mp4")
    (message,) = caplog.messages
    assert message.startswith(
        "1 videos are other files (by the extension) in another list of this corpus: 'both', here"
    )


def test_a_missing_video_says_which_file_looks_like_it(tmp_path, caplog):
    rows = planned(tmp_path, {"clip": {}, "there": {}, "gone": {}, "./there": {}}, "Clip.mp4", "there.mp4")
    assert rows["clip"]["hint"] == "this looks like it: 'Clip.mp4'; write the name as the file has it"
    assert "hint" not in rows["gone"]
    assert "hint" not in rows["there"]
    assert rows["./there"]["path"] == "there.mp4"
    assert caplog.messages == ["1 files have another name than in the list, such as './there' is 'there.mp4'"]


def test_where_no_video_is_there_the_error_says_what_looks_like_one(tmp_path):
    with pytest.raises(ValueError, match=r"Is another name meant\? 'clip': this looks like it: 'CLIP\.mp4'; write"):
        planned(tmp_path, {"clip": {}, "gone": {}}, "CLIP.mp4")


def test_a_folder_named_like_the_label_in_another_form(tmp_path):
    touch(tmp_path / "videos" / "aaa" / "clip.mp4")
    touch(tmp_path / "videos" / "cafe\u0301" / "clip.mp4")
    annotation = write_annotation(tmp_path / "a.json", {"clip": "Caf\xe9"})
    plan_shards([annotation], video_folder=tmp_path / "videos", num_shards=1, out=tmp_path / "plan.json")
    assert manifest_rows(tmp_path / "plan.json")["clip"]["path"].endswith("cafe\u0301/clip.mp4")


def test_three_new_videos_touch_three_shards(corpus, tmp_path):
    plan, out = corpus
    ids = [f"v{number:02d}" for number in range(20)]
    before = plan(ids[:17])
    stamps = {file: file.stat().st_mtime_ns for file in (out.parent / "manifests").iterdir()}
    after = plan(ids)
    changed = {f"{shard_of(video_id, 64):04d}" for video_id in ids[17:]}
    assert len(before) == 64
    assert {shard for shard in after if after[shard] != before[shard]} == changed
    assert {file.stem for file, stamp in stamps.items() if file.stat().st_mtime_ns != stamp} == changed


def test_neither_row_order_nor_a_second_run_matters(corpus):
    plan, out = corpus
    ids = [f"v{number:02d}" for number in range(20)]
    first = plan(ids)
    text = out.read_bytes()
    assert plan(ids[::-1]) == first
    assert out.read_bytes() == text


def test_fewer_shards_leave_no_manifest_behind(corpus):
    plan, out = corpus
    plan(["v00"], num_shards=8)
    plan(["v00"], num_shards=4)
    assert len(list((out.parent / "manifests").iterdir())) == 4


def test_nothing_on_disk_is_an_error_that_says_what_was_looked_for(corpus, tmp_path):
    plan, _ = corpus
    with pytest.raises(ValueError, match=r"videos: none of the annotated videos .* 'w0', 'w1'.* avi m4v mkv"):
        plan(["w0", "w1"])
    annotation = write_annotation(tmp_path / "a.json", {"v00": "wave"})
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        plan_shards([annotation], video_folder=tmp_path / "nowhere", num_shards=2, out=tmp_path / "plan.json")


def test_an_annotation_file_of_another_kind_is_named(tmp_path):
    touch(tmp_path / "a.json", "[]")
    with pytest.raises(ValueError, match=r"a\.json: not an annotation file"):
        plan_shards([tmp_path / "a.json"], video_folder=tmp_path, num_shards=2, out=tmp_path / "plan.json")


def test_shard_digest_follows_the_plan(corpus):
    plan, out = corpus
    assert shard_digest(out, "0000") == "not-built-yet"
    digests = plan(["v00"])
    assert shard_digest(out, "0000") == digests["0000"]
    os.utime(touch(out, '{"0000": "new"}'), ns=(1, 1))
    assert shard_digest(out, "0000") == "new"
    assert shard_digest(out, "0001") == "not-built-yet"


def test_a_lost_plan_makes_no_shard_stale(corpus):
    plan, out = corpus
    digests = plan([f"v{number:02d}" for number in range(20)], num_shards=8)
    out.unlink()
    assert {shard: shard_digest(out, shard) for shard in digests} == digests
    manifest_path(out, "0003").unlink()
    assert shard_digest(out, "0003") == "not-built-yet"


def test_importing_the_plan_loads_nothing_heavy():
    heavy = "{'torch', 'av', 'pandas', 'pyarrow', 'numpy'}"
    code = f"import sys, kinema.media.plan; sys.exit(not {heavy}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
