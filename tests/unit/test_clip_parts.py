"""Which digests of a clip index change with which change of the data: what a stage does not read leaves it alone."""

import json

import pytest
from corpus import CLIP, build, entry, write_corpus

from kinema.clips.parts import labelled_parts, num_annotated, parity_part, part_listed, parts_digests

PARTS = ("training", "validation", "testing")
LISTED = {
    "a": entry("training"),
    "b": entry("training", "run"),
    "c": entry("validation"),
    "d": entry("testing"),
    "e": entry("testing", None),
}


def digests(root, database=LISTED, became=None, **options) -> dict[str, str]:
    write_corpus(root, database, became or {}, labels=options.pop("labels", ("walk", "run")))
    build(root, allowed=1.0, **options)
    return parts_digests(root / "clips.json", PARTS)


def changed(root, *args, **options) -> set[str]:
    """Names of the digests that are others than those of the plain corpus."""
    before = digests(root)
    now = digests(root, *args, **options)
    return {name for name in before if before[name] != now[name]}


@pytest.mark.parametrize(
    ("listed", "became", "stale"),
    [
        ({"f": entry("testing")}, {}, {"testing"}),
        ({"f": entry("training")}, {}, {"training"}),
        ({"c": entry("training")}, {}, {"training", "validation"}),
        ({"a": entry("training", "run")}, {}, {"training"}),
        ({}, {"a": {"frames_digest": "of other bytes of the same size"}}, {"training"}),
        ({}, {"a": {"num_frames": 51}}, {"training"}),
        ({}, {"a": {"status": "failed", "reason": "encrypted"}}, {"training"}),
        ({}, {"d": {"frames_digest": "other"}}, {"testing"}),
        ({}, {"c": {"path": "moved/c.mp4", "detail": "after frame 50"}}, set()),
        ({"f": entry("testing")}, {"f": {"status": "missing"}}, set()),
        ({"a": entry("training", group="anna")}, {}, set()),
    ],
)
def test_a_change_of_some_videos(tmp_path, listed, became, stale):
    assert changed(tmp_path, LISTED | listed, became) == stale


def test_the_order_of_the_list_does_not_count(tmp_path):
    assert not changed(tmp_path, dict(reversed(LISTED.items())))


def test_labels(tmp_path):
    renamed = {
        video: entry(row["subset"], {"run": "jog"}.get(row["annotations"].get("label"), "walk"))
        for video, row in LISTED.items()
    }
    assert "labels" in changed(tmp_path, renamed, labels=("walk", "jog"))


def test_settings_of_clips_are_no_data(tmp_path):
    other = CLIP.model_copy(update={"length": 2, "stride": 1, "num_val_clips": 1, "num_test_clips": 1})
    assert not changed(tmp_path, clip=other)


def test_it_is_known_which_subsets_have_labels(tmp_path):
    digests(tmp_path)
    path = tmp_path / "clips.json"
    assert labelled_parts(path) == {"testing": True, "training": True, "validation": True}
    digests(tmp_path, {video: row for video, row in LISTED.items() if video != "d"})
    assert labelled_parts(path) == {"testing": False, "training": True, "validation": True}
    assert parity_part(path) == "validation"
    digests(tmp_path, {"a": entry("training"), "e": entry("testing", None)})
    assert (labelled_parts(path), parity_part(path)) == ({"testing": False, "training": True}, "testing")


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "clips.json").write_text('{"labels')
    with pytest.raises(ValueError, match=r"clips\.json: cut off or edited .*delete it and run again"):
        parts_digests(tmp_path / "clips.json", PARTS)


def test_without_an_index_nothing_is_known(tmp_path):
    path = tmp_path / "clips.json"
    assert parts_digests(path, PARTS) == {"index": "absent"}
    assert (labelled_parts(path), parity_part(path)) == ({}, None)


def listed(root, database, became=None) -> dict:
    digests(root, database, became)
    return part_listed(root / "clips.json", "testing")


def test_an_evaluation_knows_groups_and_lost_videos_that_no_training_reads(tmp_path):
    plain, usable = listed(tmp_path, LISTED), parts_digests(tmp_path / "clips.json", PARTS)
    assert plain["annotated"] == num_annotated(tmp_path / "clips.json", "testing") == 1, "e has no class"
    lost = listed(tmp_path, LISTED | {"f": entry("testing"), "g": entry("validation")}, {"f": {"status": "missing"}})
    assert lost == plain | {"annotated": 2}
    in_a_group = listed(tmp_path, LISTED | {"d": entry("testing", group="anna")})
    assert in_a_group["groups"] != plain["groups"]
    assert parts_digests(tmp_path / "clips.json", PARTS) == usable, "so nothing is trained anew"
    assert part_listed(tmp_path / "clips.json", None) == {"annotated": None, "groups": None}


def test_an_index_of_an_older_kinema_is_told(tmp_path):
    digests(tmp_path)
    path = tmp_path / "clips.json"
    known = json.loads(path.read_text())
    del known["parts"]["testing"]["annotated"]
    path.write_text(json.dumps(known))
    with pytest.raises(ValueError, match=r"clips\.json: does not say how many testing videos are listed; delete it"):
        num_annotated(path, "testing")


def test_an_index_knows_its_numbers(tmp_path):
    digests(tmp_path)
    parts = json.loads((tmp_path / "clips.json").read_text())["parts"]
    assert {name: (part["videos"], part["labelled"]) for name, part in parts.items()} == {
        "training": (2, 2), "validation": (1, 1), "testing": (2, 1),
    }  # fmt: skip
    assert parts_digests(tmp_path / "clips.json", ["testing", None]).keys() == {"labels", "testing"}
