"""What became of every listed video: the report for programs and for readers, and the check that enough is left."""

import json
import re

import pytest
from corpus import build, entry, write_annotation, write_corpus
from markdown_it import MarkdownIt

from kinema.clips.report import write_report
from kinema.demo.scenes import FPS
from kinema.input_error import InputError

MISSING = {"status": "missing"}
FAILED = {"status": "failed", "reason": "decode error", "detail": "after frame 0: partial file"}


def reported(root, **options):
    write_report(
        dataset="mine",
        annotation_path=root / "annotation.json",
        table_paths=[root / "0000.parquet", root / "0001.parquet"],
        out=root / "report.json",
        page_path=root / "report.md",
        **options,
    )
    return json.loads((root / "report.json").read_text()), (root / "report.md").read_text()


@pytest.fixture
def report(tmp_path):
    """Report of a corpus of which something can be said."""
    database = {
        **{f"w{number}": entry("training") for number in range(4)},
        "r0": entry("training", "run"),
        "r1": entry("validation", "run"),
        "w9": entry("validation"),
        "t0": entry("testing", None),
        "t1": entry("testing", "a label that is no class"),
    }
    became = {
        "w1": MISSING,
        "w2": FAILED,
        "w3": {"truncated": True},
        "r1": FAILED | {"reason": "timeout", "detail": None},
        "w9": {"fps": None, "duration_seconds": None},
        "t0": {"fps": None, "duration_seconds": 4.0},
    }
    write_corpus(tmp_path, database, became, labels=("run", "stand", "walk"))
    return reported(tmp_path)


def test_the_report_of_a_corpus_that_was_decoded(prepared):
    report, text = reported(prepared)
    assert counts(report)[:6] == (12, 11, 11, 1, 0, 0)
    assert counts(report["labels"]["merge"]["subsets"]["training"])[:4] == (1, 0, 0, 1)
    assert [row["video"] for row in report["dropped"]] == ["merge_train_000"]
    assert report["hours"] == pytest.approx(report["frames"] / FPS / 3600, abs=1e-4)
    assert report["leaks"] == {"content": [], "group": [], "source": []}
    assert "merge_train_000" in text


def counts(values):
    names = ("listed", "found", "ok", "missing", "failed", "truncated", "frames", "bytes")
    return tuple(values[name] for name in names)


def test_counts_of_all_by_subset_by_class_and_by_both(report):
    report, _ = report
    assert counts(report) == (9, 8, 6, 1, 2, 1, 300, 6000)
    assert counts(report["subsets"]["training"]) == (5, 4, 3, 1, 1, 1, 150, 3000)
    assert counts(report["subsets"]["validation"]) == (2, 2, 1, 0, 1, 0, 50, 1000)
    assert counts(report["labels"]["walk"]) == (5, 4, 3, 1, 1, 1, 150, 3000)
    assert counts(report["labels"]["walk"]["subsets"]["training"]) == (4, 3, 2, 1, 1, 1, 100, 2000)
    assert counts(report["labels"]["run"]["subsets"]["validation"]) == (1, 1, 0, 0, 1, 0, 0, 0)
    assert set(report["labels"]["run"]["subsets"]) == {"training", "validation"}
    assert counts(report["without_class"]) == (2, 2, 2, 0, 0, 0, 100, 2000)
    assert (report["coverage"], report["labels"]["run"]["coverage"]) == (0.6667, 0.5)
    # four of 50 frames at 25 a second, one of 4 seconds, and one that does not know how long it is
    assert report["hours"] == round((4 * 2 + 4) / 3600, 4)


def test_failures_are_counted_by_reason(report):
    report, _ = report
    assert report["failed_by_reason"] == {"decode error": 1, "timeout": 1}
    assert report["subsets"]["validation"]["failed_by_reason"] == {"timeout": 1}
    assert report["labels"]["walk"]["subsets"]["training"]["failed_by_reason"] == {"decode error": 1}
    assert report["subsets"]["testing"]["failed_by_reason"] == {}


def test_every_dropped_video_is_listed_with_its_reason(report):
    report, _ = report
    rows = {row.pop("video"): row for row in report["dropped"]}
    assert set(rows) == {"w1", "w2", "r1"}
    assert rows["w1"] == {
        "subset": "training",
        "label": "walk",
        "status": "missing",
        "reason": "missing",
        "detail": None,
    }
    assert (rows["w2"]["reason"], rows["w2"]["detail"]) == ("decode error", "after frame 0: partial file")


def test_every_damaged_video_is_named_with_its_detail_and_frames(tmp_path):
    cut = {"truncated": True, "detail": "after frame 50: partial file"}
    names = [f"cut_{number:03d}" for number in range(60)]
    database = {name: entry("training") for name in [*names, "whole", "lost"]}
    write_corpus(tmp_path, database, {**dict.fromkeys(names, cut), "lost": FAILED, "cut_001": {"detail": "odd"}})
    report, text = reported(tmp_path)
    assert [row["video"] for row in report["damaged"]] == names
    assert report["damaged"][0] == {
        "video": "cut_000",
        "subset": "training",
        "label": "walk",
        "frames": 50,
        "truncated": True,
        "detail": "after frame 50: partial file",
    }
    section = text[text.index("## Videos that are used as far as they go") :]
    assert re.search(r"\| cut_000 +\| training \| walk +\| 50 +\| after frame 50: partial file \|", section)
    assert re.search(r"\| cut_001 +\| training \| walk +\| 50 +\| odd ", section)
    assert "cut_050" not in text
    assert "10 more are in dataset_report.json." in section


def test_a_missing_video_shows_what_may_be_meant(tmp_path):
    hint = "this looks like it: 'B.mp4'"
    write_corpus(tmp_path, {"a": entry("training"), "b": entry("training")}, {"b": MISSING | {"detail": hint}})
    report, text = reported(tmp_path)
    assert report["dropped"][0]["detail"] == hint
    assert hint in text


def test_labels_that_look_alike_are_in_the_report(tmp_path):
    database = {"a": entry("training", "Wave"), "b": entry("training", "wave"), "c": entry("validation", "wave")}
    write_corpus(tmp_path, database, {}, labels=("Wave", "wave", "run"))
    report, text = reported(tmp_path)
    assert report["alike_labels"] == [{"Wave": 1, "wave": 2}]
    assert "- Labels that look alike are separate classes: 'Wave' (1), 'wave' (2).\n" in text


def test_files_of_another_name_and_files_listed_again_are_in_the_report(tmp_path):
    paths = {
        "caf\xe9": "raw/cafe\u0301.mp4",
        "./x": "raw/x.mp4",
        "x": "raw/x.mp4",
        "a/y": "raw/a/y.MTS",
        "z.dav": "raw/z.dav",
        "d.x/w": "raw/d.x/w",
        "part_0s_1s": "raw/part.mp4",
        "part_1s_2s": "raw/part.mp4",
    }
    database = {name: entry("training", video="part" if "part" in name else None) for name in [*paths, "gone"]}
    write_corpus(tmp_path, database, {name: {"path": path} for name, path in paths.items()} | {"gone": MISSING})
    report, text = reported(tmp_path)
    assert report["respelled"] == [{"video": name, "path": paths[name]} for name in ("caf\xe9", "./x")]
    assert report["listed_again"] == [{"path": "raw/x.mp4", "videos": ["./x", "x"]}]
    assert "- Files that have another name than in the list: 2.\n" in text
    assert "'raw/cafe\u0301.mp4' \\[raw/cafe\\\\u0301.mp4\\]" in text
    assert re.search(r"\| raw/x\.mp4 \| \./x, x +\|", text)


def test_a_class_without_videos_is_in_the_report(report):
    report, text = report
    assert counts(report["labels"]["stand"]) == (0, 0, 0, 0, 0, 0, 0, 0)
    assert report["labels"]["stand"]["coverage"] is None
    assert report["imbalance"] == {
        "largest": {"label": "walk", "videos": 2},
        "smallest": {"label": "run", "videos": 1},
        "ratio": 2.0,
        "without_training": ["stand"],
    }
    assert "Classes without a usable training video: 1 (stand)" in text


def test_the_readable_report_begins_with_what_matters(report):
    _, text = report
    assert text.startswith("# Data set mine\n\n**6 of 9 listed videos can be used (66.7 %)**")
    order = [text.index(f"## {title}") for title in ("To mind", "By subset", "By class", "Why", "Dropped videos")]
    assert order == sorted(order)
    classes = re.findall(r"^\| (\w+)", text[text.index("## By class") :], flags=re.MULTILINE)
    assert classes[:4] == ["class", "stand", "run", "walk"]
    assert "decode error | after frame 0: partial file" in text


LEAKS = {
    # two names of one file
    "content": (
        {"a": entry("training"), "b": entry("testing"), "c": entry("training")},
        {"a": {"content": "same"}, "b": {"content": "same"}, "c": {"content": "same"}},
        {"content": "same", "subsets": {"testing": ["b"], "training": ["a", "c"]}},
    ),
    "group": (
        {"a": entry("training", group="p1"), "b": entry("validation", group="p1"), "c": entry("training", group="p2")},
        {},
        {"group": "p1", "subsets": {"training": ["a"], "validation": ["b"]}},
    ),
    "source": (
        {
            "a_1": entry("training", video="a", start=0, end=3),
            "a_2": entry("testing", video="a", start=3, end=6),
            "c": entry("training"),
        },
        {"a_1": {"content": "same"}, "a_2": {"content": "same"}},
        {"source": "a", "subsets": {"testing": ["a_2"], "training": ["a_1"]}},
    ),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_what_lies_in_two_subsets_is_a_leak(kind, tmp_path, caplog):
    database, became, leak = LEAKS[kind]
    write_corpus(tmp_path, database, became)
    report, text = reported(tmp_path)
    assert report["leaks"] == {name: [leak] if name == kind else [] for name in LEAKS}
    assert "**Leak**" in text
    assert "scores will be too good" in caplog.text


def test_the_same_bytes_under_two_labels_are_told_within_one_subset_too(tmp_path, caplog):
    database = {"a": entry("training", "walk"), "b": entry("training", "run"), "c": entry("training", "run")}
    write_corpus(tmp_path, database, {name: {"content": "same"} for name in database})
    report, text = reported(tmp_path)
    assert report["leaks"]["content"] == []
    assert report["label_conflicts"] == [{"content": "same", "labels": {"run": ["b", "c"], "walk": ["a"]}}]
    assert "- **Contradiction**. The same file content under two labels: 1. Keep one.\n" in text
    assert re.search(r"\| same +\| walk: a; run: b, c +\|", text[text.index("## The same file content under two") :])
    told = "the same bytes under two labels, 1 times, such as 'a' (walk) and 'b' (run): keep one label; see "
    (line,) = [message for message in caplog.messages if "labels" in message]
    assert line == f"{told}{tmp_path / 'report.md'}"


def test_parts_of_one_content_may_have_labels_of_their_own(tmp_path):
    """Two copies of a recording, cut alike: the first part walks, the second runs."""
    parts = {"0s_1s": "walk", "1s_2s": "run"}
    database = {
        f"{file}_{part}": entry("training", label, video=file, start=0, end=1)
        for file in ("one", "two")
        for part, label in parts.items()
    }
    became = {name: {"content": "same"} for name in database}
    write_corpus(tmp_path, database, became)
    assert reported(tmp_path)[0]["label_conflicts"] == []
    database["two_1s_2s"]["annotations"]["label"] = "walk"
    write_corpus(tmp_path, database, became)
    (conflict,) = reported(tmp_path)[0]["label_conflicts"]
    assert conflict["labels"] == {"run": ["one_1s_2s"], "walk": ["two_1s_2s"]}


def test_a_video_without_a_label_contradicts_none(tmp_path):
    database = {"a": entry("training", "walk"), "b": entry("testing", None), "c": entry("training", "walk")}
    write_corpus(tmp_path, database, {name: {"content": "same"} for name in database})
    assert reported(tmp_path)[0]["label_conflicts"] == []


@pytest.mark.parametrize("kind", LEAKS)
def test_the_index_tells_of_leaks_too(kind, tmp_path, caplog):
    database, became, _ = LEAKS[kind]
    write_corpus(tmp_path, database, became)
    build(tmp_path, allowed=0.5)
    (record,) = caplog.records
    assert (
        record.message == f"the same {kind} in two subsets, 1 times: scores will be too good; see {tmp_path}/report.md"
    )
    assert record.is_shown


def test_a_group_that_the_name_tells_counts_where_the_annotation_has_none(tmp_path):
    names = {"v_Punch_g03_c01": "training", "v_Punch_g03_c02": "testing", "v_Punch_g04_c01": "testing"}
    write_corpus(tmp_path, {name: entry(subset) for name, subset in names.items()}, {})
    assert [leak["group"] for leak in reported(tmp_path)[0]["leaks"]["group"]] == ["v_Punch_g03"]
    given = {name: entry(subset, group=subset) for name, subset in names.items()}
    write_corpus(tmp_path, given, {})
    assert reported(tmp_path)[0]["leaks"]["group"] == []


def test_a_video_that_cannot_be_used_leaks_nothing(tmp_path):
    database, became, _ = LEAKS["content"]
    write_corpus(tmp_path, database, became | {"b": FAILED | {"content": "same"}})
    report, text = reported(tmp_path)
    assert report["leaks"]["content"] == []
    assert "Leak" not in text


def test_files_that_claim_one_video(tmp_path):
    write_corpus(tmp_path, {"a": entry("training")}, {"a": {"path": "videos/a.mp4", "duplicates": ["old/a.avi"]}})
    report, text = reported(tmp_path)
    assert report["duplicates"] == [{"video": "a", "path": "videos/a.mp4", "duplicates": ["old/a.avi"]}]
    assert "Videos that more than one file claims: 1." in text
    assert "old/a.avi" in text


def test_long_lists_are_cut_for_the_reader_only(tmp_path):
    names = [f"clip{number:03d}" for number in range(80)]
    write_corpus(tmp_path, {name: entry("training") for name in names}, dict.fromkeys(names[1:], FAILED))
    report, text = reported(tmp_path)
    assert len(report["dropped"]) == 79
    assert "29 more are in dataset_report.json" in text
    assert len(text.splitlines()) < 100


@pytest.mark.parametrize(
    ("num_bytes", "shown"),
    [
        (0, "0.0 kB"),
        (999, "1.0 kB"),
        (999_900, "999.9 kB"),
        (10**6, "1.0 MB"),
        (3 * 10**12, "3.0 TB"),
        (10**16, "10,000.0 TB"),
    ],
)
def test_sizes(num_bytes, shown, tmp_path):
    write_corpus(tmp_path, {"a": entry("training")}, {"a": {"num_bytes": num_bytes}})
    assert f"50 frames in {shown}." in reported(tmp_path)[1]


def test_names_are_shown_as_they_are(tmp_path):
    names = ["a|b", "*x* _y_ <z>", "[k](l) `m` $n$", "under_score", "&amp; #1"]
    write_corpus(tmp_path, {name: entry("training", name) for name in names}, {}, labels=names)
    _, text = reported(tmp_path)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    shown = ["".join(part.content for part in token.children) for token in tokens if token.type == "inline"]
    assert set(names) <= set(shown)


def test_too_many_dropped_videos_stop_with_the_reasons(tmp_path):
    names = [f"clip{number:02d}" for number in range(20)]
    became = {"clip03": MISSING} | dict.fromkeys(names[5:16], FAILED)
    write_corpus(tmp_path, {name: entry("training") for name in names}, became)
    with pytest.raises(ValueError, match=r"12 of 20 videos .* max_failed_fraction = 0\.5") as caught:
        build(tmp_path, allowed=0.5)
    lines = str(caught.value).splitlines()
    assert lines[1:3] == ["  clip03: missing", "  clip05: decode error after frame 0: partial file"]
    assert len(lines) == 1 + 10 + 1
    assert "report.md" in lines[-1]
    assert not (tmp_path / "clips.parquet").exists()
    build(tmp_path, allowed=0.6)


def test_nothing_to_train_on_stops(tmp_path):
    write_corpus(tmp_path, {"a": entry("training"), "b": entry("testing")}, {"a": MISSING})
    with pytest.raises(ValueError, match=r"no training video is usable; .*report\.md says why"):
        build(tmp_path, allowed=1.0)


def test_nothing_usable_to_score_on_stops_where_a_model_is_to_be_scored(tmp_path):
    database = {"a": entry("training"), "b": entry("validation"), "c": entry("testing", None)}
    write_corpus(tmp_path, database, {"b": MISSING})
    either = ("testing", "validation")
    build(tmp_path, allowed=1.0)
    with pytest.raises(
        ValueError, match=r"no validation and no testing .*dataset_report\.md says what became"
    ) as caught:
        build(tmp_path, allowed=1.0, scored=[either])
    assert isinstance(caught.value, InputError)
    write_corpus(tmp_path, database, {})
    build(tmp_path, allowed=1.0, scored=[either])


def test_shards_of_another_list_are_refused(tmp_path):
    write_corpus(tmp_path, {"a": entry("training")}, {})
    write_annotation(tmp_path, {"a": entry("training"), "stranger": entry("training")})
    with pytest.raises(ValueError, match=r"1 videos of the annotation are in no shard, such as 'stranger'"):
        reported(tmp_path)


def test_unlike_frame_rates_are_told_where_clips_count_frames(tmp_path, caplog):
    database = {name: entry("training") for name in "abc"} | {"d": entry("validation")}
    rates = {"a": {"fps": 15.0}, "b": {"fps": 60.0}, "d": {"fps": None}}
    write_corpus(tmp_path, database, rates)
    found, page = reported(tmp_path)
    assert found["frame_rates"] == {"low": 15.0, "median": 25.0, "high": 60.0}
    told = "The videos have 15 to 60 frames a second, and clip.stride counts frames: a clip of one spans 4.0 times"
    assert told in caplog.text
    assert f"**Frame rates**. {told}" in page
    assert "`clip: {fps: 25}` looks at all of them at one rate" in page
    caplog.clear()
    found, page = reported(tmp_path, clip_fps=12.5)
    assert found["clip_fps"] == 12.5
    write_corpus(tmp_path, database, {"a": {"fps": 20.0}})
    for text in (page, reported(tmp_path)[1], caplog.text):
        assert "frames a second" not in text, "they are taken in time, or nearly alike"
