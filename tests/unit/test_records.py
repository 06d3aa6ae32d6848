"""Records of results: each class reads what it writes, and says in one line what is wrong with another file."""

import json
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
from evaluations import views

from kinema.digests import digest
from kinema.input_error import InputError
from kinema.records.benchmark import (
    Advice,
    Benchmark,
    Machine,
    MeasuredModel,
    Measurement,
    Quantiles,
    WholeWay,
)
from kinema.records.calibration import AnswersAbove, Calibration, CalibrationFile, Temperature
from kinema.records.crossval import ClassSpread, CrossValidation, FoldScores, Spread
from kinema.records.dataset_report import (
    ClaimedVideo,
    ClassSize,
    ContentLeak,
    Counts,
    DamagedVideo,
    DatasetReport,
    DroppedVideo,
    Imbalance,
    LabelConflict,
    LabelCounts,
    Leaks,
    RateRange,
    RespelledVideo,
    SharedFile,
)
from kinema.records.evaluation import (
    CalibratedScores,
    ClassScores,
    Evaluation,
    Interval,
    Intervals,
    ReliabilityBin,
    SubsetScores,
)
from kinema.records.look_alikes import LookAlike, LookAlikes
from kinema.records.parity import Difference, Parity
from kinema.records.quantization import Quantization, RecipeResult
from kinema.records.reference import RECORDS, field_texts, field_types, in_words, parts_of, with_reference
from kinema.records.training import Processes, Training
from kinema.records.verification import Verification
from kinema.records.weights import Published, Weights

PAGE = Path(__file__).resolve().parents[2] / "docs/records.md"
COUNTS = {
    **dict.fromkeys(("listed", "found", "ok", "missing", "failed", "truncated", "frames", "bytes"), 3),
    "hours": 0.5,
    "coverage": None,
    "failed_by_reason": {"timeout": 1},
}
DIGESTS = {"model.xml": "ab", "model.bin": "cd"}
DIFFERENCE = Difference(largest=1e-6, of_largest=3e-7, of_spread=None)
PUBLISHED = Published(
    name="resnet34.a1_in1k",
    source="https://huggingface.co/timm/resnet34.a1_in1k",
    file="model.safetensors",
    revision="0f1e",
    license=None,
    sha256="ab",
)
LAUFEN = "laufen, schnell \N{LATIN SMALL LETTER U WITH DIAERESIS}"
ANSWERS = AnswersAbove(confidence=0.75, num_videos=1, coverage=0.5, accuracy=1.0)
CALIBRATION = Calibration(
    subset="validation",
    is_reported=True,
    num_videos=2,
    num_clips=3,
    temperature=Temperature(value=1.25, log_loss=0.5, calibrated_log_loss=0.25),
    threshold=ANSWERS,
    asked_precision=0.95,
    notes=["fitted on the validation videos that are reported"],
)
BIN = ReliabilityBin(low=0.0, high=0.25, num_videos=2, confidence=0.125, accuracy=0.5)
SCORES = SubsetScores(
    trained_on=False,
    chosen=["training.keep: best"],
    num_clips=4,
    num_videos=2,
    num_annotated=3,
    coverage=2 / 3,
    clip_top1=0.25,
    clip_top5=1.0,
    video_top1=0.5,
    video_top5=1,  # a number of another writer
    mean_class_accuracy=0.1 + 0.2,
    macro_f1=0.5,
    intervals=Intervals(
        units="groups",
        num_units=2,
        video_top1=Interval(low=0.1, high=0.9),
        video_top5=Interval(low=0.5, high=1.0),
        mean_class_accuracy=Interval(low=0.0, high=1.0),
        macro_f1=None,
    ),
    expected_calibration_error=0.25,
    brier_score=0.75,
    reliability=[BIN],
    calibrated=CalibratedScores(expected_calibration_error=0.125, brier_score=0.5, reliability=[BIN]),
    answers=[ANSWERS],
    above_threshold=ANSWERS,
    classes={
        LAUFEN: ClassScores(
            num_videos=2, recall=0.5, precision=1.0, f1=2 / 3, average_precision=1.0, called={LAUFEN: 1, "a.b": 1}
        ),
        "a.b": ClassScores(num_videos=0, recall=None, precision=0.0, f1=0.0, average_precision=None, called={}),
    },
)
EVALUATION = Evaluation(
    subset="validation",
    views=views(crops="ten", num_views=10, scale=0.875),
    unlabelled={"testing": 2},
    calibration=CALIBRATION,
    subsets={"validation": SCORES},
)
SPREAD = Spread(mean=0.5, seed_deviation=None, fold_deviation=0.25)
LOOK_ALIKE = LookAlike(
    likeness=0.75,
    video="x",
    subset="training",
    label="a",
    other="y",
    other_subset="validation",
    other_label=None,
)
QUANTILES = Quantiles(median=0.02, low=0.01, high=0.03)
EXAMPLES = {
    "benchmark.json": Benchmark(
        measured_at="2026-11-27 12:00:00+0000",
        machine=Machine(cpu="a", num_cores=2, flags=["avx2"], precision="bf16", threads=None, load=0.1),
        versions={"openvino": "2026.4.1"},
        num_rounds=5,
        video="x.mp4",
        models=[
            MeasuredModel(
                path="results/demo/efficientnet_lite0_vtn",
                model="efficientnet_lite0_vtn",
                input="8 frames, stride 1, 64 px",
                measurements=[
                    Measurement(
                        file="model.xml", runtime="OpenVINO", precision="bf16", is_default=True, is_stream=False,
                        batch=1, seconds=QUANTILES, answers_per_second=50.0, speed=QUANTILES,
                    )
                ],
                videos=[
                    WholeWay(
                        file="model.xml", precision="bf16", num_clips=3, decode=QUANTILES, preprocess=QUANTILES,
                        network=QUANTILES, total=QUANTILES,
                    )
                ],
                advice=[Advice(file="model.xml", text="it is alone")],
                sha256=DIGESTS,
            )
        ],
        left_out=["model.pth is left out"],
    ),
    "look_alikes.json": LookAlikes(
        looked=True, reason=None, threshold=0.5, num_videos=2, num_pairs=1, pairs=[LOOK_ALIKE]
    ),
    "evaluation.json": EVALUATION,
    "calibration.json": CalibrationFile(
        model="0123", temperature=1.25, threshold=None, num_clips=3, average="probabilities", notes=["found elsewhere"]
    ),
    "training.json": Training(
        model="efficientnet_lite0_vtn",
        labels=["a", "b"],
        settings={"training": {"lr": 1e-3, "keep": "best", "anything": [None, True]}},
        starts={"network.encoder_weights": "weights/timm/resnet34.safetensors"},
        published=PUBLISHED,
        seed=1,
        data={"labels": "0a", "training": "1b"},
        code="2c",
        commit=None,
        versions={"kinema": "0.1"},
        processes=Processes(device="cuda", nodes=2, number=8, batch_size=2, accumulate=1),
        seconds=12.5,
        num_epochs=1,
        kept_epoch={"epoch": 0, "train_loss": 0.7},
    ),
    "summary.json": CrossValidation(
        model="efficientnet_lite0_vtn@slow",
        num_folds=2,
        seeds=[1],
        num_videos=2,
        num_annotated=3,
        coverage=2 / 3,
        majority=0.5,
        video_top1=SPREAD,
        video_top5=SPREAD,
        mean_class_accuracy=SPREAD,
        macro_f1=SPREAD,
        intervals=SCORES.intervals,
        folds=[
            FoldScores(
                fold=0, seed=1, num_videos=1, num_training=1, video_top1=0.5, video_top5=1.0, mean_class_accuracy=0.5,
                macro_f1=0.5, seconds=1.5,
            )
        ],
        classes={
            LAUFEN: ClassSpread(
                num_videos=2, recall=0.5, recall_deviation=None, precision=1.0, f1=2 / 3, called={LAUFEN: 1, "a.b": 1}
            )
        },
        training_seconds=1.5,
    ),
    "parity.json": Parity(
        num_clips=2,
        largest_logit=3.0,
        spread=None,
        onnx=DIFFERENCE,
        openvino=DIFFERENCE,
        stored=DIFFERENCE,
        weights="float16",
        sha256=DIGESTS,
    ),
    "verification.json": Verification(
        subset="testing",
        num_videos=2,
        openvino_video_top1=1.0,
        pytorch_video_top1=1.0,
        agreement=1.0,
        num_disagreements=0,
        num_disagreements_at_float32=0,
        largest_margin=None,
        parity=DIFFERENCE,
        sha256=DIGESTS,
        model="0123",
    ),
    "quantization.json": Quantization(
        chosen=None,
        subset="testing",
        num_videos=2,
        pytorch_video_top1=1.0,
        max_accuracy_drop=0.01,
        num_calibration_clips=300,
        num_clips=8,
        largest_logit=3.0,
        spread=None,
        num_bytes=1000,
        milliseconds=2.5,
        precision="bf16",
        device="a processor",
        threads=2,
        recipes=[
            RecipeResult(
                name="mixed",
                outcome="refused",
                reason="its logits differ by 0 between 8 clips",
                video_top1=0.5,
                agreement=0.5,
                num_disagreements=1,
                logits=DIFFERENCE,
                spread=0.0,
                num_bytes=300,
                milliseconds=1.5,
            )
        ],
        sha256={},
        model="0123",
    ),
    "weights.json": Weights(library="timm", published=PUBLISHED, sha256="ab"),
    "dataset_report.json": DatasetReport(
        **COUNTS,
        dataset="mine",
        subsets={"training": Counts(**COUNTS)},
        labels={"a": LabelCounts(**COUNTS, subsets={"training": Counts(**COUNTS)})},
        without_class=Counts(**COUNTS),
        leaks=Leaks(content=[ContentLeak(content="0", subsets={"training": ["x"]})], group=[], source=[]),
        look_alikes=[LOOK_ALIKE],
        look_alikes_not_searched=None,
        label_conflicts=[LabelConflict(content="0", labels={"a": ["x"], "b": ["y"]})],
        duplicates=[ClaimedVideo(video="x", path="x.mp4", duplicates=["x.avi"])],
        respelled=[RespelledVideo(video="X", path="x.mp4")],
        listed_again=[SharedFile(path="x.mp4", videos=["x", "./x"])],
        alike_labels=[{"a": 1, "A": 2}],
        imbalance=Imbalance(
            largest=ClassSize(label="a", videos=2), smallest=None, ratio=None, without_training=["b"]
        ),
        frame_rates=RateRange(low=15.0, median=25.0, high=60.0),
        clip_fps=None,
        untimed=0,
        damaged=[DamagedVideo(video="x", subset="training", label=None, frames=7, truncated=True, detail="cut")],
        dropped=[
            DroppedVideo(video="z", subset="training", label="a", status="failed", reason="timeout", detail=None)
        ],
    ),
}  # fmt: skip
# Of each record: its version, and what tells one layout from another.
LAYOUTS = {
    "dataset_report.json": (4, "09da6ce95bb235af"),
    "look_alikes.json": (1, "2c2bc58cd0ebdbfd"),
    "training.json": (3, "58cf4863bc298f50"),
    "evaluation.json": (3, "9af72f6c3fd930ef"),
    "calibration.json": (1, "5785125498fb2ec6"),
    "summary.json": (1, "039a287e7f398aa9"),
    "parity.json": (2, "172fe0e9e7a97881"),
    "verification.json": (2, "57cd003691f01e72"),
    "benchmark.json": (1, "b4cf544c5d8aa921"),
    "quantization.json": (1, "519e1d2ebe5659f0"),
    "weights.json": (1, "36a42363cca23674"),
}


def test_every_record_has_an_example():
    assert EXAMPLES.keys() == RECORDS.keys() == LAYOUTS.keys()
    assert all(type(EXAMPLES[name]) is kind for name, kind in RECORDS.items())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_record_reads_what_it_writes(name, tmp_path):
    path, record = tmp_path / "folder" / name, EXAMPLES[name]
    record.write(path)
    assert type(record).read(path) == record
    values = json.loads(path.read_text(encoding="utf-8"))
    assert list(values) == ["record", *(field.name for field in fields(record))]
    assert values["record"] == record.VERSION
    with pytest.raises(FrozenInstanceError):
        record.seed = 2


def test_what_is_written_are_plain_names_and_numbers(tmp_path):
    EVALUATION.write(tmp_path / "evaluation.json")
    text = (tmp_path / "evaluation.json").read_text(encoding="utf-8")
    scores = json.loads(text)["subsets"]["validation"]
    assert text.startswith('{\n  "record": 3,\n  "subset": "validation",\n')
    assert "schnell \N{LATIN SMALL LETTER U WITH DIAERESIS}" in text
    assert scores["mean_class_accuracy"] == 0.1 + 0.2, "to the last digit"
    assert scores["classes"][LAUFEN]["called"] == {LAUFEN: 1, "a.b": 1}
    assert scores["intervals"]["macro_f1"] is None
    assert scores["intervals"]["video_top1"] == {"low": 0.1, "high": 0.9}


def changed(values: dict, place: str, value) -> dict:
    """The values with one more or another one at a place such as `sha256.xml`; `...` takes it away."""
    *parents, key = [int(part) if part.isdigit() else part for part in place.split("/")]
    inner = values
    for parent in parents:
        inner = inner[parent]
    inner[key] = value
    if value is ...:
        del inner[key]
    return values


AGAIN = (
    "(delete it and run snakemake for it, which makes it anew|to have it anew, delete it and run snakemake for it,.*|"
    "to have it anew, delete the .xml beside it and run snakemake for that)"
)
WRONG_SCORES = [
    ("num_videos", ..., "lacks key num_videos"),
    ("num_videos", 2.0, "num_videos is 2.0, expected an integer"),
    ("num_videos", True, "num_videos is True, expected an integer"),
    ("video_top1", "0.5", "video_top1 is '0.5', expected a number"),
    ("video_top1", False, "video_top1 is False, expected a number"),
    ("video_top1", None, "video_top1 is None, expected a number"),
    ("video_top1", float("nan"), "video_top1 is nan, expected a number"),
    ("video_top1", float("inf"), "video_top1 is inf, expected a number"),
    ("num_clips", "x" * 200 + "\n", r"num_clips is 'x+\.\.\., expected an integer"),
    ("classes", [], "classes is list, expected an object"),
    ("classes/a.b/recall", "none", r"classes\.a\.b\.recall is 'none', expected a number or null"),
    ("classes/a.b", {"num_videos": 1}, r"classes\.a\.b lacks keys average_precision, called,"),
    ("intervals/video_top1", None, r"intervals\.video_top1 is None, expected an object"),
    ("intervals/macro_f1", 0.5, r"intervals\.macro_f1 is 0\.5, expected an object or null"),
    ("chosen", "training.keep: best", "chosen is 'training.keep: best', expected a list"),
]
WRONG = [
    ("evaluation.json", "note", 1, "does not know key note"),
    ("evaluation.json", "subset", 3, "subset is 3, expected text or null"),
    ("evaluation.json", "record", 1, "`record` is 1, expected 3: another version of kinema wrote it"),
    ("evaluation.json", "record", "3", "`record` is '3', expected 3"),
    ("evaluation.json", "record", True, "`record` is True, expected 3"),
    ("evaluation.json", "record", ..., "has no `record`, expected 3: an older kinema wrote it, or another program"),
    ("parity.json", "onnx/of_spread", ..., "onnx lacks key of_spread"),
    ("parity.json", "onnx/of_size", 1.0, "onnx does not know key of_size"),
    ("verification.json", "largest_margin", "0", "largest_margin is '0', expected a number or null"),
    (
        "quantization.json",
        "recipes/0/spread",
        "0.5",
        r"recipes\.0\.spread is '0\.5', expected a number or null",
    ),
    ("dataset_report.json", "dropped/0/reason", None, r"dropped\.0\.reason is None, expected text"),
    ("dataset_report.json", "damaged/0/truncated", 1, r"damaged\.0\.truncated is 1, expected true or false"),
    ("dataset_report.json", "dropped", None, "dropped is None, expected a list"),
    ("dataset_report.json", "imbalance/largest", 2, r"imbalance\.largest is 2, expected an object or null"),
    ("dataset_report.json", "alike_labels/0/a", "1", r"alike_labels\.0\.a is '1', expected an integer"),
    ("training.json", "labels/1", 7, r"labels\.1 is 7, expected text"),
    ("training.json", "kept_epoch/train_loss", None, r"kept_epoch\.train_loss is None, expected a number"),
    *(
        ("evaluation.json", f"subsets/validation/{place}", value, rf"subsets\.validation[. ]{match}")
        for place, value, match in WRONG_SCORES
    ),
]


def refused(path: Path, match: str) -> None:
    """Refused by the class of this name, with one line that begins with the file."""
    with pytest.raises(InputError, match=match) as error:
        RECORDS[path.name].read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 250


@pytest.mark.parametrize(("name", "place", "value", "match"), WRONG)
def test_another_layout_or_value_is_refused(name, place, value, match, tmp_path):
    path = tmp_path / name
    EXAMPLES[name].write(path)
    path.write_text(json.dumps(changed(json.loads(path.read_text()), place, value)))
    refused(path, rf": {match}.*; {AGAIN}$")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "cannot be read as JSON"),
        (b'{"record": 2,\n"subset": "val', "cannot be read as JSON"),
        (b"\xff\xfe{}", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[]", "found list, expected an object"),
        (b"null", "found NoneType, expected an object"),
        (b"{}", "has no `record`"),
        (b'{"record": 3}', "lacks keys calibration, subset, subsets, unlabelled"),
    ],
)
def test_what_is_no_record_is_refused(content, match, tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_bytes(content)
    refused(path, rf": {match}.*; {AGAIN}$")


def test_a_file_that_is_not_there_is_to_be_made(tmp_path):
    refused(tmp_path / "parity.json", "cannot be read: No such file or directory; run snakemake for it$")


def test_nobody_is_told_to_delete_the_record_of_a_training_without_what_it_costs(tmp_path):
    path = tmp_path / "training.json"
    path.write_text("{}")
    refused(path, "has no `record`.*puts it back from work/, or else trains again$")


@pytest.mark.parametrize("value", [None, "2", 2.5, True, float("nan")])
def test_what_could_not_be_read_again_is_not_written(value, tmp_path):
    with pytest.raises(ValueError, match=r"unlabelled\.testing is .*, expected an integer|not JSON compliant"):
        replace(EVALUATION, unlabelled={"testing": value}).write(tmp_path / "evaluation.json")
    assert not list(tmp_path.iterdir())


def layout(record: type) -> dict[str, dict[str, str]]:
    """Keys and types of a record and of all that is in it."""
    kinds = (record, *parts_of(record))
    return {kind.__name__: {name: in_words(hint) for name, hint in field_types(kind).items()} for kind in kinds}


@pytest.mark.parametrize("name", RECORDS)
def test_another_layout_has_another_version(name):
    version, known = LAYOUTS[name]
    kind = RECORDS[name]
    assert digest(layout(kind)) == known, "the layout has changed: raise its VERSION, then mend both numbers here"
    assert version == kind.VERSION


@pytest.mark.parametrize("name", RECORDS)
def test_every_key_has_a_meaning(name):
    for kind in (RECORDS[name], *parts_of(RECORDS[name])):
        texts = field_texts(kind)
        assert texts.keys() == {field.name for field in fields(kind)}
        assert all(text.endswith(".") for text in texts.values())


def test_the_page_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page) == page, "the classes of records have changed: run `make docs`"


def test_the_page_has_the_keys_that_are_written(tmp_path):
    """Told from the page alone: a table for each record, and one for each kind of object in it."""
    tables = {
        title: set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        for title, text in re.findall(r"^##+ (\S+)\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    }
    for name, record in EXAMPLES.items():
        record.write(tmp_path / name)
        assert tables.pop(name) == json.loads((tmp_path / name).read_text()).keys()
    values = json.loads((tmp_path / "dataset_report.json").read_text())
    assert tables["LabelCounts"] == values["labels"]["a"].keys()
    assert tables["DroppedVideo"] == values["dropped"][0].keys()
    assert tables.keys() == {part.__name__ for kind in RECORDS.values() for part in parts_of(kind)}


def test_records_are_light():
    program = (
        "import sys; before = set(sys.modules); import kinema.records.reference; print(*set(sys.modules) - before)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names == {"kinema"}
