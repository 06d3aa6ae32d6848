"""What annotation tools write -> the one dialect: CVAT, Label Studio, FiftyOne, Datumaro, ELAN, VIA."""

import pytest
from importing import entries, imported

from kinema.annotations.formats.listing import Listing
from kinema.annotations.formats.tagged_frames import TaggedFrames
from kinema.annotations.recognise import lists_in, recognise

TRAIN, VAL = "training", "validation"

CVAT_VIDEO = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>7</id><name>corridor</name><size>50</size><mode>interpolation</mode><overlap>5</overlap>
      <flipped>False</flipped><subset>Train</subset>
      <start_frame>0</start_frame><stop_frame>99</stop_frame><frame_filter>step=2</frame_filter>
      <labels><label><name>walk</name><type>any</type><attributes/></label></labels>
      <original_size><width>640</width><height>480</height></original_size>
      <source>corridor.mp4</source>
    </task>
  </meta>
  <track id="0" label="walk" source="manual">
    <box frame="10" keyframe="1" outside="0" occluded="0" xtl="1.00" ytl="1.00" xbr="9.00" ybr="9.00" z_order="0">
      <attribute name="action">stand</attribute>
    </box>
    <box frame="12" keyframe="0" outside="0" occluded="0" xtl="1.00" ytl="1.00" xbr="9.00" ybr="9.00" z_order="0">
      <attribute name="action">wave</attribute>
    </box>
    <box frame="20" keyframe="1" outside="1" occluded="0" xtl="1.00" ytl="1.00" xbr="9.00" ybr="9.00" z_order="0">
      <attribute name="action">wave</attribute>
    </box>
    <box frame="60" keyframe="1" outside="0" occluded="0" xtl="1.00" ytl="1.00" xbr="9.00" ybr="9.00" z_order="0">
      <attribute name="action">__undefined__</attribute>
    </box>
    <box frame="98" keyframe="0" outside="0" occluded="0" xtl="1.00" ytl="1.00" xbr="9.00" ybr="9.00" z_order="0">
      <attribute name="action">wave</attribute>
    </box>
  </track>
  <track id="1" label="fall" source="manual">
    <points frame="4" keyframe="1" outside="0" occluded="0" points="1.0,2.0" z_order="0"></points>
    <points frame="6" keyframe="1" outside="1" occluded="0" points="1.0,2.0" z_order="0"></points>
  </track>
</annotations>
"""


def test_tracks_of_cvat_are_parts_from_where_they_are_seen_to_where_they_are_outside(tmp_path):
    found = imported(tmp_path, {"annotations.xml": CVAT_VIDEO}, format="cvat")
    assert entries(found) == {
        "corridor_10f_20f": ("walk", TRAIN),
        "corridor_60f_100f": ("walk", TRAIN),
        "corridor_4f_6f": ("fall", TRAIN),
    }
    assert found["labels"] == ["fall", "walk"]
    part = found["database"]["corridor_60f_100f"]
    assert (part["video"], part["extension"], part["start"], part["end"], part["unit"]) == (
        "corridor",
        ".mp4",
        60,
        100,
        "frames",
    )


def test_labels_of_cvat_may_be_those_of_an_attribute(tmp_path, caplog):
    found = imported(tmp_path, {"annotations.xml": CVAT_VIDEO}, format="cvat", field="action", fps=20)
    assert entries(found) == {
        "corridor_0.5s_0.6s": ("stand", TRAIN),
        "corridor_0.6s_1s": ("wave", TRAIN),
        "corridor_4.9s_5s": ("wave", TRAIN),
    }
    assert "1 tracks have no attribute action and are left out, such as " in caplog.text
    assert "annotations.xml line 31: track 1" in caplog.text


CVAT_IMAGES = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><project><id>1</id><name>p</name><tasks>
    <task><id>1</id><name>pictures</name><mode>annotation</mode><subset></subset></task>
    <task><id>2</id><name>film</name><mode>interpolation</mode><source>film.avi</source></task>
  </tasks></project></meta>
  {images}
</annotations>
"""


def cvat_images():
    tags = {"a": ["run"] * 3, "b": ["run", "run", None, "jump", "run"]}
    lines = [
        f'<image id="{number}" name="{folder}/img_{number * 5 + 20:04d}.jpg" subset="Train" task_id="1" width="8">'
        + (f'<tag label="{label}" source="manual"></tag>' if label else "")
        + "</image>"
        for folder, labels in tags.items()
        for number, label in enumerate(labels)
    ]
    lines += [
        f'<image id="{number}" name="frame_{number:06d}" subset="Validation" task_id="2" width="8" height="8">'
        '<tag label="jump" source="manual"><attribute name="x">1</attribute></tag><box label="person"/></image>'
        for number in (3, 4, 9)
    ]
    return CVAT_IMAGES.replace("{images}", "\n  ".join(lines))


def test_tags_of_frames_in_cvat_become_parts_and_whole_folders(tmp_path, caplog):
    found = imported(tmp_path, {"annotations.xml": cvat_images()}, format="cvat")
    assert entries(found) == {
        "a": ("run", TRAIN),
        "b_0f_2f": ("run", TRAIN),
        "b_4f_5f": ("run", TRAIN),
        "b_3f_4f": ("jump", TRAIN),
        "film_3f_5f": ("jump", VAL),
        "film_9f_10f": ("jump", VAL),
    }
    assert "3 shapes of single frames are no labels of a video and are left out" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('frame="12"', 'frame="x"', r"annotations\.xml line 14: track 0: frame is 'x'; expected a whole number"),
        ("</meta>", "</mata>", r"annotations\.xml line 13: no XML \(mismatched tag\)"),
        ("<annotations>", "<annotation>", r"annotations\.xml line 2: the root is <annotation>; expected <annotations>"),
        (
            "<annotations>",
            '<!DOCTYPE a [<!ENTITY b "c">]>\n<annotations>',
            r"xml line 2: <!DOCTYPE, which may name other",
        ),
        ("step=2", "step=two", r"annotations\.xml line 4: <frame_filter> is 'two'; expected a whole number"),
        ("<subset>Train", "<subset>Night", r"line 14: track 0: subset 'Night'; expected training, validation or test"),
    ],
)
def test_what_cvat_does_not_write_is_named(tmp_path, old, new, message):
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"annotations.xml": CVAT_VIDEO.replace(old, new)}, format="cvat")


def task(number, result, *, data=None, **annotation):
    """A task of Label Studio as it is exported; `result` None has nobody annotated."""
    annotations = [{"id": number, "completed_by": 1, "was_cancelled": False, "result": result} | annotation]
    return {
        "id": number,
        "annotations": annotations if result is not None else [],
        "file_upload": f"0a1b2c3{number}-clip {number}.mp4",
        "data": data or {"video": f"/data/upload/4/0a1b2c3{number}-clip%20{number}.mp4"},
        "predictions": [],
    }


def choice(*names, control="action"):
    return {"value": {"choices": list(names)}, "from_name": control, "to_name": "video", "type": "choices"}


def timeline(start, end, label, **value):
    value |= {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]}
    return {"value": value, "from_name": "tl", "to_name": "video", "type": "timelinelabels", "origin": "manual"}


def test_choices_of_label_studio_are_labels_of_videos(tmp_path, caplog):
    local = {"video": "/data/local-files/?d=cam%201/x.mp4", "split": "val"}
    box = {"value": {"sequence": [], "labels": ["man"]}, "from_name": "box", "type": "videorectangle"}
    tasks = [
        task(1, [choice("wave"), box], data={"video": "/data/upload/4/0a1b2c31-clip%201.mp4", "split": "train"}),
        task(2, [choice("push")], data={"video_url": "s3://bucket/day/two.mp4", "note": "dark", "split": "train"}),
        task(3, [choice("push")], data=local),
        task(4, None),
    ]
    tasks[1]["annotations"].append({"id": 9, "was_cancelled": True, "result": [choice("wave")]})
    found = imported(tmp_path, {"project-1.json": tasks}, format="label_studio")
    assert entries(found) == {"clip 1": ("wave", TRAIN), "two": ("push", TRAIN), "x": ("push", VAL)}
    assert "1 results of the type videorectangle are no labels that were asked for and are left out" in caplog.text
    assert "1 videos or parts have no label and are left out, such as " in caplog.text


def test_two_people_who_disagree_in_label_studio_are_named_unless_one_is_the_truth(tmp_path):
    tasks = [task(1, [choice("wave")]), task(2, [choice("push")])]
    tasks[0]["annotations"] += [{"id": 8, "result": [choice("push")]}, {"id": 9, "result": [choice("wave")]}]
    message = r"p\.json \[0\]\.annotations\[1\]: does not say the same as \[0\]\.annotations\[0\]; keep one, or mark"
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"p.json": tasks}, format="label_studio", subsets=["training"])
    tasks[0]["annotations"][2]["ground_truth"] = True
    found = imported(tmp_path, {"p.json": tasks}, format="label_studio", subsets=["training"])
    assert entries(found) == {"clip 1": ("wave", TRAIN), "clip 2": ("push", TRAIN)}


def of_timeline(tmp_path, *results, **settings):
    tasks = [task(1, list(results)), task(2, [timeline(1, 25, "push")])]
    return imported(tmp_path, {"train.json": tasks}, format="label_studio", **settings)


def test_ranges_of_label_studio_are_seconds_of_its_own_frame_rate(tmp_path):
    ranges = timeline(1, 50, "wave"), timeline(76, 76, "push")
    assert entries(of_timeline(tmp_path, *ranges, fps=25)) == {
        "clip 1_0s_2s": ("wave", TRAIN),
        "clip 1_3s_3.04s": ("push", TRAIN),
        "clip 2_0s_1s": ("push", TRAIN),
    }
    found = of_timeline(tmp_path, timeline(0, 49, "wave"), fps=25, first_frame=0)
    assert set(found["database"]) == {"clip 1_0s_2s", "clip 2_0.04s_1.04s"}


@pytest.mark.parametrize(
    ("result", "settings", "message"),
    [
        (
            timeline(1, 9, "wave"),
            {},
            r"train\.json \[0\]\.annotations\[0\]\.result\[0\]\.value\.ranges\[0\]: Label Stud.*24",
        ),
        (
            timeline(0, 9, "wave"),
            {"fps": 25},
            r"begins at frame 0, so the first frame has this number; set `first_frame: 0`",
        ),
        (timeline(9, 3, "wave"), {"fps": 25}, r"ends at frame 3, before it begins at 9"),
        (
            timeline(1, 100, "wave", framesCount=100, duration=4.0),
            {"fps": 24},
            r"\[0\]: frames were counted at 25 a second \(100 frames in 4 s\), and `fps` is 24",
        ),
        (
            timeline(1, 101, "wave", framesCount=100, duration=4.0),
            {},
            r"ends at frame 101, and the video has 100, the fir",
        ),
        (
            timeline(1, 100, "wave", framesCount=100, duration=4.0),
            {"first_frame": 0, "fps": 25},
            r"ends at frame 100, and the video has 100, the first being 0; correct the range or `first_frame: 1`",
        ),
        (timeline(1.5, 9, "wave"), {"fps": 25}, r"ranges\[0\]\.start: 1\.5; expected a whole number"),
        (choice("wave", "push"), {}, r"several controls with labels \(action, tl\); say which by `field: action`"),
        (choice("wave", "push"), {"field": "action"}, r"value\.choices: the labels wave, push; a model gives one"),
    ],
)
def test_what_contradicts_in_label_studio_is_named_with_its_path(tmp_path, result, settings, message):
    with pytest.raises(ValueError, match=message):
        of_timeline(tmp_path, result, **settings)


def test_label_studio_says_its_rate_where_the_length_of_the_video_is_there(tmp_path):
    tasks = [
        task(1, [timeline(1, 50, "wave", framesCount=100, duration=4.0)]),
        task(2, [timeline(1, 30, "push")], data={"video": "b.mp4", "fps": "30"}),
    ]
    found = imported(tmp_path, {"train.json": tasks}, format="label_studio")
    assert set(found["database"]) == {"clip 1_0s_2s", "b_0s_1s"}


def test_json_min_and_sound_labels_of_label_studio(tmp_path):
    least = {"annotator": 1, "annotation_id": 5, "lead_time": 3.2, "created_at": "2024-01-01T00:00:00Z"}
    tasks = [
        least | {"id": n, "video": f"/data/upload/1/deadbee{n}-v{n}.mp4", "kind": name}
        for n, name in ((1, "a"), (2, "b"))
    ]
    found = imported(tmp_path, {"train.json": tasks}, format="label_studio")
    assert entries(found) == {"v1": ("a", TRAIN), "v2": ("b", TRAIN)}
    sound = {"value": {"start": 1.5, "end": 3, "channel": 0, "labels": ["a"]}, "from_name": "trick", "to_name": "audio"}
    other = {"value": {"start": 0, "end": 1, "labels": ["b"]}, "from_name": "trick", "to_name": "audio"}
    found = imported(tmp_path, {"train.json": [task(1, [sound | {"type": "labels"}, other])]}, format="label_studio")
    assert entries(found) == {"clip 1_1.5s_3s": ("a", TRAIN), "clip 1_0s_1s": ("b", TRAIN)}


FIFTYONE = {
    "classes": ["jump", "run", "unused"],
    "labels": {
        "day/a": [
            {"label": "run", "support": [1, 40], "confidence": 0.9, "attributes": {}},
            {"label": 0, "support": [41, 41]},
            {"label": "run", "timestamps": [2.0, 3.5]},
        ],
        "b": "jump",
        "c": {"label": 1},
        "d": None,
        "e": ["run"],
    },
}


def test_supports_of_fiftyone_count_from_1_and_have_their_last_frame(tmp_path, caplog):
    found = imported(tmp_path, {"train/labels.json": FIFTYONE}, format="fiftyone")
    assert entries(found) == {
        "day/a_0f_40f": ("run", TRAIN),
        "day/a_40f_41f": ("jump", TRAIN),
        "day/a_2s_3.5s": ("run", TRAIN),
        "b": ("jump", TRAIN),
        "c": ("run", TRAIN),
        "e": ("run", TRAIN),
    }
    assert found["labels"] == ["jump", "run"]
    assert "1 videos or parts have no label and are left out, such as " in caplog.text
    found = imported(tmp_path, {"train/labels.json": FIFTYONE}, format="fiftyone", fps=20)
    assert "day/a_0s_2s" in found["database"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [{"label": "run", "support": [0, 9]}],
            r"labels\.a\[0\]\.support: begins at frame 0; FiftyOne counts frames from 1",
        ),
        ([{"label": "run", "support": [9, 3]}], r"labels\.a\[0\]: holds no frame: it is from 8 to 3 frames"),
        ([{"label": "run", "support": [1]}], r"labels\.a\[0\]\.support: 1 numbers; expected two"),
        ([{"label": 7, "support": [1, 2]}], r"labels\.a\[0\]\.label: class 7; `classes` has 3"),
        ([{"support": [1, 2]}], r"labels\.a\[0\]\.label: None; expected a text"),
        (["run", "jump"], r"labels\.a: 2 labels of one video; a model gives one"),
        (
            [{"label": x, "support": [1, 2]} for x in ("run", "jump")],
            r"\[1\]: 'a_0f_2f' has the label 'jump' here and 'run' in",
        ),
    ],
)
def test_what_fiftyone_does_not_write_is_named_with_its_path(tmp_path, labels, message):
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"labels.json": FIFTYONE | {"labels": {"a": labels}}}, format="fiftyone", subsets=[TRAIN])


def sample(name, *, tags=("train",), **fields):
    """As `FiftyOneDataset` has it in samples.json."""
    return {
        "_id": {"$oid": "66df293797a8b67a2d404e96"},
        "filepath": f"data/{name}",
        "tags": list(tags),
        "metadata": {"_cls": "VideoMetadata", "frame_rate": 25.0, "total_frame_count": 100},
        "_media_type": "video",
        **fields,
    }


def classified(label, kind="Classification"):
    return {"_id": {"$oid": "66df293797a8b67a2d404e97"}, "_cls": kind, "tags": [], "label": label}


def detected(*parts):
    found = [classified(label, "TemporalDetection") | {"support": support} for label, *support in parts]
    return {"_cls": "TemporalDetections", "detections": found}


def test_samples_of_fiftyone(tmp_path, caplog):
    videos = [
        sample("a.mp4", ground_truth=classified("run")),
        sample("b.mp4", tags=("hard", "validation"), ground_truth=detected(("jump", 1, 40), ("run", 41, 60))),
        sample("c.mp4", ground_truth={"_cls": "Classifications", "classifications": [classified("jump")]}),
        sample("d.mp4", ground_truth=None),
        sample("e.jpg", _media_type="image", ground_truth=classified("run")),
    ]
    found = imported(tmp_path, {"samples.json": {"samples": videos}}, format="fiftyone")
    assert entries(found) == {
        "data/a": ("run", TRAIN),
        "data/b_0f_40f": ("jump", VAL),
        "data/b_40f_60f": ("run", VAL),
        "data/c": ("jump", TRAIN),
    }
    assert "1 samples are no videos and are left out, such as samples[4]" in caplog.text
    assert "1 videos or parts have no label and are left out" in caplog.text
    assert recognise(tmp_path / "samples.json") == "fiftyone"
    assert lists_in(tmp_path) == [tmp_path / "samples.json"]


@pytest.mark.parametrize(
    ("videos", "settings", "message"),
    [
        (
            [sample("a.mp4", truth=classified("run"), guess=classified("jump"))],
            {},
            r"has several fields with labels \(truth, guess\); say which by `field: truth`",
        ),
        (
            [sample("a.mp4", truth=classified("run"))],
            {"field": "x"},
            r"samples: no field `x` with labels; there are truth",
        ),
        (
            [sample("a.mp4", truth={"_cls": "Detections"}), sample("b.mp4", truth=classified("run"))],
            {},
            r"samples\[0\]\.truth: of the kind Detections; expected Classification or",
        ),
        (
            [sample("a.mp4", tags=("train", "test"), truth=classified("run"))],
            {},
            r"samples\[0\]\.tags: the subsets testing, training of one video; keep one",
        ),
        (
            [sample("a.mp4", truth=detected(("run", 0, 9)))],
            {},
            r"samples\[0\]\.truth\[0\]\.support: begins at frame 0; FiftyOne counts frames from 1",
        ),
    ],
)
def test_what_cannot_be_read_of_samples_of_fiftyone_is_named(tmp_path, videos, settings, message):
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"samples.json": {"samples": videos}}, format="fiftyone", **settings)


def test_one_of_several_fields_of_samples_is_chosen(tmp_path):
    videos = [
        sample("a.mp4", truth=classified("run"), guess=classified("jump")),
        sample("b.mp4", truth=classified("x")),
    ]
    found = imported(tmp_path, {"samples.json": {"samples": videos}}, format="fiftyone", field="truth")
    assert entries(found) == {"data/a": ("run", TRAIN), "data/b": ("x", TRAIN)}


def datumaro(*items):
    names = [{"name": name, "parent": "", "attributes": []} for name in ("run", "jump", "person")]
    categories = {"label": {"labels": names, "attributes": ["occluded"]}, "mask": {"colormap": []}}
    return {"dm_format_version": "1.0", "media_type": 5, "infos": {}, "categories": categories, "items": list(items)}


def item(name, number, **more):
    label = {"id": 0, "type": "label", "attributes": {}, "group": 0, "label_id": number}
    return {"id": name, "annotations": [label] if number is not None else []} | more


def test_items_of_datumaro(tmp_path, caplog):
    box = {"id": 1, "type": "bbox", "label_id": 2, "bbox": [0, 0, 1, 1], "attributes": {}, "group": 0}
    items = [
        item("a", 0, video={"path": "a.mp4", "step": 1, "start_frame": 0}),
        item("b", 1, video={"path": "b.mp4", "step": 1, "start_frame": 10, "end_frame": 19}),
        item("pictures/frame_000", 0, image={"path": "pictures/frame_000.jpg", "size": [4, 4]}),
        item("pictures/frame_001", 1, image={"path": "pictures/frame_001.jpg", "size": [4, 4]}),
        item("c_5", 0, video_frame={"video_path": "c.mp4", "frame_index": 5}),
        item("c_6", 0, video_frame={"video_path": "c.mp4", "frame_index": 6}),
        item("d", 1, media={"path": "d.mp4"}),
    ]
    items[0]["annotations"].append(box)
    files = {"annotations/train.json": datumaro(*items), "annotations/val.json": datumaro(item("e", 0))}
    assert entries(imported(tmp_path, files, format="datumaro")) == {
        "a": ("run", TRAIN),
        "b_10f_20f": ("jump", TRAIN),
        "d": ("jump", TRAIN),
        "pictures_0f_1f": ("run", TRAIN),
        "pictures_1f_2f": ("jump", TRAIN),
        "c_5f_7f": ("run", TRAIN),
        "e": ("run", VAL),
    }
    assert "1 annotations of the type bbox are no labels of a video and are left out" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (datumaro(item("a", 9)), r"items\[0\]\.annotations\[0\]\.label_id: class 9; `categories` has 3"),
        (datumaro({"annotations": []}), r"items\[0\]\.id: None; expected a text"),
        (
            datumaro(item("f_1", 0, image={"path": "f_1.jpg"})),
            r"items\[0\]: 'f_1\.jpg' is no numbered picture in the folder",
        ),
        (datumaro() | {"items": {}}, r"train\.json items: dict; expected a list"),
        ({"items": []}, r"train\.json categories: None; expected an object"),
        ([], r"train\.json at the top: list; expected an object"),
        ('{"items": [}', r"train\.json line 1: no JSON \(Expecting value\)"),
    ],
)
def test_what_datumaro_does_not_write_is_named_with_its_path(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"train.json": content}, format="datumaro")


EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-05-01T10:00:00+01:00" FORMAT="3.0" VERSION="3.0"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/Films/me/talk%201.wav" MIME_TYPE="audio/x-wav"/>
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/Films/me/talk%201.mpg" MIME_TYPE="video/mpeg"
      RELATIVE_MEDIA_URL="./talk%201.mpg"/>
  </HEADER>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="780"/>
    <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1590"/>
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="4020"/>
    <TIME_SLOT TIME_SLOT_ID="ts4"/>
  </TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="gesture">
    <ANNOTATION>
      <ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
        <ANNOTATION_VALUE>wave</ANNOTATION_VALUE>
      </ALIGNABLE_ANNOTATION>
    </ANNOTATION>
    <ANNOTATION>
      <ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
        <ANNOTATION_VALUE>point</ANNOTATION_VALUE>
      </ALIGNABLE_ANNOTATION>
    </ANNOTATION>
    <ANNOTATION>
      <ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
        <ANNOTATION_VALUE>point</ANNOTATION_VALUE>
      </ALIGNABLE_ANNOTATION>
    </ANNOTATION>
  </TIER>
  <TIER LINGUISTIC_TYPE_REF="note" PARENT_REF="gesture" TIER_ID="hand">{notes}</TIER>
  <LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>
"""
NOTE = """<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a9" ANNOTATION_REF="a2">
<ANNOTATION_VALUE>left</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"""


def test_annotations_of_an_elan_tier(tmp_path, caplog):
    files = {"one.eaf": EAF.replace("{notes}", ""), "two.eaf": EAF.replace("{notes}", "").replace("talk%201", "b")}
    found = imported(tmp_path, files, path=".", format="elan", subsets=[TRAIN])
    assert entries(found) == {
        "talk 1_0.78s_1.59s": ("wave", TRAIN),
        "talk 1_1.59s_4.02s": ("point", TRAIN),
        "b_0.78s_1.59s": ("wave", TRAIN),
        "b_1.59s_4.02s": ("point", TRAIN),
    }
    assert "2 annotations have no time of their own and are left out, such as " in caplog.text
    assert "one.eaf line 15: tier gesture, annotation a3" in caplog.text


def test_the_tier_of_elan_is_chosen_and_notes_have_the_time_of_what_they_note(tmp_path):
    text = EAF.replace("{notes}", NOTE)
    with pytest.raises(
        ValueError, match=r"x\.eaf has several tiers with labels \(gesture, hand\); say which by `field: "
    ):
        imported(tmp_path, {"x.eaf": text}, format="elan", subsets=[TRAIN])
    shifted = text.replace('MIME_TYPE="video/mpeg"', 'MIME_TYPE="video/mpeg" TIME_ORIGIN="1000"')
    files = {"x.eaf": shifted, "y.eaf": shifted.replace("talk%201", "y").replace(">left<", ">right<")}
    found = imported(tmp_path, files, format="elan", field="hand", subsets=[TRAIN, TRAIN])
    assert entries(found) == {"talk 1_2.59s_5.02s": ("left", TRAIN), "y_2.59s_5.02s": ("right", TRAIN)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("milliseconds", "PAL-frames", r"x\.eaf line 4: TIME_UNITS is PAL-frames; expected milliseconds"),
        ('"1590"', '"1s"', r"x\.eaf line 9: TIME_SLOT ts2 has the TIME_VALUE '1s'"),
        ('"1590"', '"700"', r"line 15: tier gesture, annotation a1: holds no frame: it is from 0\.78 to 0\.7 seconds"),
        ("talk%201.mpg", "talk.wav", r"x\.eaf line 4: no MEDIA_DESCRIPTOR of a video; link the video in ELAN"),
        ("</TIER>", "", r"x\.eaf line \d+: no XML"),
        ("ANNOTATION_DOCUMENT", "DOCUMENT", r"x\.eaf line 3: the root is <DOCUMENT>; expected <ANNOTATION_DOCUMENT>"),
    ],
)
def test_what_elan_does_not_write_is_named_with_its_line(tmp_path, old, new, message):
    text = EAF.replace("{notes}", "").replace(old, new)
    text = text.replace("video/mpeg", "audio/x-wav") if ".wav" in new else text
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"x.eaf": text}, format="elan", subsets=[TRAIN])


VIA3 = {
    "project": {
        "pid": "__VIA_PROJECT_ID__",
        "pname": "kitchen",
        "data_format_version": "3.1.1",
        "vid_list": ["1", "2"],
    },
    "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {}},
    "attribute": {
        "1": {"aname": "Activity", "anchor_id": "FILE1_Z2_XY0", "type": 4, "options": {"1": "stir", "2": "cut"}},
        "2": {"aname": "Object", "anchor_id": "FILE1_Z1_XY1", "type": 1, "options": {}},
    },
    "file": {
        "1": {"fid": 1, "fname": "soup.ogv", "type": 4, "loc": 2, "src": "https://x.org/soup.ogv"},
        "2": {"fid": 2, "fname": "cake.mp4", "type": 4, "loc": 3, "src": "/disk/me/cake.mp4"},
    },
    "view": {"1": {"fid_list": [1]}, "2": {"fid_list": ["2"]}},
    "metadata": {
        "-gl": {"vid": "1", "flg": 0, "z": [2, 6.5], "xy": [], "av": {"1": "1"}},
        "+mH": {"vid": "1", "flg": 0, "z": [9, 20], "xy": [], "av": {"1": "2"}},
        "fH-": {"vid": "1", "flg": 0, "z": [0.917], "xy": [2, 263, 184, 17, 13], "av": {"2": "egg"}},
        "2_x": {"vid": "2", "flg": 0, "z": [], "xy": [], "av": {"1": "1"}},
    },
}


def test_segments_of_via(tmp_path, caplog):
    found = imported(tmp_path, {"train.json": VIA3}, format="via", field="Activity")
    assert entries(found) == {"soup_2s_6.5s": ("stir", TRAIN), "soup_9s_20s": ("cut", TRAIN), "cake": ("stir", TRAIN)}
    assert "1 notes do not set Activity and are left out, such as metadata.fH-" in caplog.text
    with pytest.raises(
        ValueError, match=r"several attributes with labels \(Activity, Object\); say which by `field: Act"
    ):
        imported(tmp_path, {"train.json": VIA3}, format="via")


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ({"vid": "9", "z": [1, 2], "av": {"1": "1"}}, r"train\.json view\.9: None; expected an object"),
        ({"vid": "1", "z": [1, "x"], "av": {"1": "1"}}, r"train\.json metadata\.n\.z: 'x'; expected a number"),
        ({"vid": "1", "z": [1, 2, 3], "av": {"1": "1"}}, r"metadata\.n\.z: 3 times; expected none, or begin and end"),
        (
            {"vid": "1", "z": [2, 1], "av": {"1": "1"}},
            r"train\.json metadata\.n: holds no frame: it is from 2 to 1 sec",
        ),
    ],
)
def test_what_via_does_not_write_is_named_with_its_path(tmp_path, note, message):
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"train.json": VIA3 | {"metadata": {"n": note}}}, format="via")


@pytest.mark.parametrize(
    ("format", "content", "message"),
    [
        ("via", VIA3 | {"attribute": {"1": 5}}, r"train\.json attribute\.1: 5; expected an object"),
        ("via", {"x": {"filename": "a.mp4", "file_attributes": [1]}}, r"x\.file_attributes: list; expected an object"),
        (
            "label_studio",
            [task(1, [timeline(1, 2, "a", framesCount="9", duration=1)])],
            r"framesCount: '9'; expected a num",
        ),
        ("label_studio", [{"id": 1, "data": 5, "annotations": []}], r"train\.json \[0\]\.data: 5; expected an object"),
        ("cvat", "<annotations><track id='0'/></annotations>", r"line 1: <track> is of task None; <meta> has none"),
        ("datumaro", "[" * 100_000, r"train\.json: no JSON that can be read: it is nested too deep"),
        ("elan", "<ANNOTATION_DOCUMENT/>", r"train\.json: no video with a label; 1 videos or parts have no label"),
    ],
)
def test_values_of_another_kind_are_named(tmp_path, format, content, message):
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"train.json": content}, format=format)


def test_file_attributes_of_via_2(tmp_path, caplog):
    def about(name, value, **more):
        return {"filename": name, "size": 1, "regions": [], "file_attributes": {"action": value}} | more

    pictures = {
        "a/1.jpg1": about("a/1.jpg", "run"),
        "a/2.jpg1": about("a/2.jpg", {"jump": True, "run": False}, regions=[{"shape_attributes": {}}]),
        "b.mp41": about("b.mp4", "run"),
        "c.mp41": about("c.mp4", ""),
    }
    project = {"_via_settings": {}, "_via_img_metadata": pictures, "_via_attributes": {"region": {}, "file": {}}}
    for content in (project, pictures):
        found = imported(tmp_path, {"train.json": content}, format="via")
        assert entries(found) == {"a_0f_1f": ("run", TRAIN), "a_1f_2f": ("jump", TRAIN), "b": ("run", TRAIN)}
    assert "1 pictures have regions, which are no labels of a video and are left out" in caplog.text
    with pytest.raises(
        ValueError, match=r"x: 'lone\.jpg' is no numbered picture in the folder of its video, nor a video"
    ):
        imported(tmp_path, {"train.json": {"x": about("lone.jpg", "run")}}, format="via")


def test_frames_without_a_label_are_a_video_without_one():
    listing = Listing()
    frames = TaggedFrames(listing)
    frames.frame("v.mp4", 3, [], place="line 3")
    frames.finish()
    assert [(item.video, item.label, item.start) for item in listing.items] == [("v.mp4", None, None)]
