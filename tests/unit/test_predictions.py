"""predictions.parquet: a row a video, as docs/predictions.md says, and what an evaluation says of it."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kinema.clips.table import ClipIndex
from kinema.evaluation.predictions import write_predictions
from kinema.evaluation.schema import EVIDENCE, PREDICTIONS, VERSION, VERSION_KEY
from kinema.evaluation.sources import Sources
from kinema.evaluation.subset_scores import ScoredSubset
from kinema.inference.probabilities import highest, softmax
from kinema.metrics import ClipScores, ranks
from kinema.records.evaluation import Evaluation

PAGE = Path(__file__).resolve().parents[2] / "docs/predictions.md"
LABELS = ["a", "b", "c"]
LOGITS = np.array([[3, 0, 0], [0, 1, 0], [0, 0, 2], [0, 3, 0], [0.5, 0, 0], [0, 0, 1]], dtype=np.float32)
# clips of two videos that lie mixed: 3 has three clips, 7 two, 9 one
SCORES = ClipScores(LOGITS, labels=np.array([0, 2, 2, 0, 2, 1]), videos=np.array([7, 3, 3, 7, 3, 9]))
SOURCES = Sources(["x", "y", "z"], [None, "anna", None], ["v/x.mp4", "v/y.mp4", "v/z.avi"])


def written(path, scores=SCORES, sources=SOURCES, labels=LABELS) -> list[dict]:
    write_predictions(path, [ScoredSubset.of("testing", scores, sources)], labels=labels)
    return pq.read_table(path).to_pylist()


def test_each_video_has_what_was_said_of_it(tmp_path):
    path = tmp_path / "predictions.parquet"
    x, y, z = written(path)
    probabilities = softmax(LOGITS[[1, 2, 4]]).mean(axis=0)
    assert (x["video"], x["label"], x["predicted"], x["correct"]) == ("x", "c", "c", True)
    assert x["probabilities"] == pytest.approx(probabilities.tolist())
    assert x["probability"] == pytest.approx(probabilities.max())
    assert x["logits"] == pytest.approx([1 / 6, 1 / 3, 2 / 3])
    assert (x["num_clips"], x["agreement"]) == (3, pytest.approx(1 / 3)), "one of three clips says c"
    assert (x["rank"], x["top5_labels"]) == (1, ["c", "b", "a"])
    assert x["top5_probabilities"] == pytest.approx(sorted(probabilities, reverse=True))
    assert (x["path"], x["group"]) == ("v/x.mp4", None)
    # two clips that are as sure of different classes: the first of them is named, and half of the clips name it
    assert (y["predicted"], y["rank"], y["agreement"], y["group"]) == ("a", 1, 0.5, "anna")
    assert (z["label"], z["predicted"], z["correct"], z["rank"]) == ("b", "c", False, 3)
    schema = pq.read_schema(path)
    assert schema == PREDICTIONS
    assert schema.metadata[VERSION_KEY] == str(VERSION).encode()


def test_confidences_are_of_the_temperature_and_nothing_else_is(tmp_path):
    plain = written(tmp_path / "plain.parquet")
    scored = ScoredSubset.of("testing", SCORES, SOURCES)
    write_predictions(tmp_path / "p.parquet", [scored.at(2.0)], labels=LABELS)
    rows = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert [row["confidence"] for row in plain] == [row["probability"] for row in plain]
    assert rows[0]["confidence"] == pytest.approx(softmax(LOGITS[[1, 2, 4]] / 2).mean(axis=0)[2])
    assert rows[2]["confidence"] == pytest.approx(softmax(np.array([0, 0, 0.5])).max())
    assert [row | {"confidence": None} for row in rows] == [row | {"confidence": None} for row in plain]


def test_what_has_no_label_has_nothing_that_is_made_of_one(tmp_path):
    unknown = ClipScores(LOGITS, labels=np.array([-1, 2, 2, -1, 2, -1]), videos=SCORES.videos)
    plain, rows = written(tmp_path / "a.parquet"), written(tmp_path / "b.parquet", unknown)
    assert [(row["label"], row["correct"], row["rank"]) for row in rows] == [("c", True, 1), (None,) * 3, (None,) * 3]
    nothing = dict.fromkeys(("label", "correct", "rank"))
    assert [row | nothing for row in rows] == [row | nothing for row in plain]


def test_the_first_five_are_five_of_many(tmp_path):
    rng = np.random.default_rng(0)
    scores = ClipScores(rng.normal(size=(4, 9)).astype(np.float32), labels=np.arange(4), videos=np.arange(4))
    sources = Sources(list("wxyz"), [None] * 4, list("wxyz"))
    for row in written(tmp_path / "p.parquet", scores, sources, list("abcdefghi")):
        assert len(row["top5_labels"]) == len(row["top5_probabilities"]) == 5
        assert row["top5_labels"][0] == row["predicted"]
        assert row["top5_probabilities"][0] == row["probability"] == max(row["probabilities"])
        assert (row["label"] in row["top5_labels"]) == (row["rank"] <= 5)


def test_ranks_are_places_in_the_order_of_the_probabilities():
    rng = np.random.default_rng(1)
    probabilities = rng.integers(0, 4, (200, 8)) / 8  # many are equal
    labels = rng.integers(0, 8, 200)
    found = ranks(probabilities, labels)
    order = highest(probabilities, 8)
    assert [order[row].tolist().index(label) + 1 for row, label in enumerate(labels)] == found.tolist()


def test_an_evaluation_and_its_predictions_say_the_same(made):
    evaluation = Evaluation.read(made.root / "evaluation.json").scores
    rows = pq.read_table(made.root / "predictions.parquet").to_pylist()
    assert len(rows) == evaluation.num_videos == evaluation.num_annotated == 6
    assert evaluation.coverage == 1.0
    assert np.mean([row["rank"] == 1 for row in rows]) == pytest.approx(evaluation.video_top1)
    assert np.mean([row["rank"] <= 5 for row in rows]) == pytest.approx(evaluation.video_top5)
    called = {label: scores.called for label, scores in evaluation.classes.items()}
    for row in rows:
        assert called[row["label"]][row["predicted"]] >= 1
    assert sum(sum(row.values()) for row in called.values()) == 6
    assert evaluation.intervals.video_top1.low <= evaluation.video_top1 <= evaluation.intervals.video_top1.high
    assert (evaluation.chosen, evaluation.intervals.units) == ([], "videos")


def test_paths_are_those_of_the_videos(made):
    index = ClipIndex.load(made.clips_path, subset="validation", clip=made.clip)
    rows = pq.read_table(made.root / "predictions.parquet").to_pylist()
    assert {row["video"] for row in rows} == {index.video(row) for row in range(len(index))}
    for row in rows:
        assert Path(row["path"]).is_file()
        assert Path(row["path"]).stem == Path(row["video"]).stem


def test_the_page_has_the_columns_that_are_written():
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+?) \| (yes|no) \|", page, re.MULTILINE)
    words = {pa.string(): "text", pa.bool_(): "boolean", pa.float32(): "float32", pa.int32(): "int32"}
    words |= {pa.list_(kind): f"list of {word}" for kind, word in words.items()}
    words[pa.list_(pa.list_(pa.float32()))] = "list of lists of float32"
    words[EVIDENCE] = "struct"
    fields = re.findall(r"^\| `(\w+)` \| ([a-z0-9 ]+?) \| [^|]+ \|$", page.partition("## Evidence")[2], re.MULTILINE)
    assert fields == [(field.name, words[field.type]) for field in EVIDENCE]
    assert rows == [(field.name, words[field.type], "yes" if field.nullable else "no") for field in PREDICTIONS]
    assert f"version {VERSION}" in page
    assert VERSION_KEY.decode() in page
