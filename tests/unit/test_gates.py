"""The two gates of deployment: what passes, what is refused, and that nothing is left of what is refused."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
from deployed_model import Deployed

from kinema.deployment import openvino_model
from kinema.deployment import verify as verify_module
from kinema.deployment.ir_files import new_ir
from kinema.digests import file_digest
from kinema.evaluation.schema import VERSION_KEY
from kinema.inference import load
from kinema.inference.accuracy import Accuracy
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_what_is_of_another


@pytest.fixture
def deployed(made, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(made.root, tmp_path / "deployed")
    return Deployed(tmp_path / "deployed", made.clips_path)


def test_what_is_shipped_is_what_was_compared_and_scored(deployed):
    deployed.verify()
    verification, parity = deployed.read("verification.json"), deployed.read("parity.json")
    for name in ("model.xml", "model.bin", "model.onnx"):
        assert verification["sha256"][name] == hashlib.sha256((deployed.root / name).read_bytes()).hexdigest()
        compared = hashlib.sha256((deployed.root / "converted" / name).read_bytes()).hexdigest()
        assert parity["sha256"][name] == compared
    assert verification["sha256"]["model.bin"] == parity["sha256"]["model.bin"]
    assert (verification["num_videos"], verification["num_disagreements"]) == (6, 0)
    assert verification["pytorch_video_top1"] == deployed.scores().video_top1
    assert verification["agreement"] >= 0.5
    graphs = [onnx.load(deployed.root / folder / "model.onnx").graph for folder in (".", "converted")]
    assert graphs[0] == graphs[1]


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"video_top1": 1.0}, r"evaluation\.json: video_top1 is 1\.0, expected 0\.\d+: in predictions\.parquet \d of"),
        ({"video_top1": float("nan")}, "video_top1 is nan"),
        ({"video_top1": 0.123}, "video_top1 is 0.123"),
        ({"video_top1": True}, "video_top1 is True"),
        ({"video_top1": "0.5"}, "video_top1 is '0.5'"),
        ({"video_top1": None}, "video_top1 is None"),
        ({"num_videos": 7}, "num_videos is 7, expected 6"),
        ({"num_videos": 6.0}, "num_videos is 6.0, expected an integer"),
    ],
)
def test_an_evaluation_that_the_predictions_do_not_bear_out_is_refused(deployed, values, match):
    deployed.rescore(**values)
    deployed.refused(match)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"subset": "testing"}, "subset is 'testing', expected 'validation'"),
        ({"subset": None}, "subset is None, expected 'validation'"),
        ({"record": 2}, "`record` is 2, expected 3: another version of kinema wrote it"),
    ],
)
def test_an_evaluation_of_something_else_is_refused(deployed, values, match):
    deployed.change("evaluation.json", **values)
    deployed.refused(match)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"video_top1": 1.0', b"\xff\xfe"])
def test_a_damaged_evaluation_is_refused(deployed, content):
    (deployed.root / "evaluation.json").write_bytes(content)
    deployed.refused(r"evaluation\.json: (cannot be read as JSON|found list).*; delete it and run snakemake for it")


def lost_video(rows):
    return rows[1:]


def twice(rows):
    return [*rows[1:], rows[1]]


def another_video(rows):
    rows[0]["video"] = "elsewhere"


def other_labels(rows):
    rows[0]["label"], rows[1]["label"] = rows[1]["label"], rows[0]["label"]
    for row in rows:
        row["correct"] = row["label"] == row["predicted"]


def not_a_number(rows):
    rows[0]["probabilities"][0] = float("nan")


def not_a_distribution(rows):
    rows[0]["probabilities"] = [2 * value for value in rows[0]["probabilities"]]


def fewer_classes(rows):
    for row in rows:
        row["probabilities"] = row["probabilities"][:-1]


def another_prediction(rows):
    rows[0]["predicted"] = next(row["label"] for row in rows if row["label"] != rows[0]["predicted"])


def always_right(rows):
    for row in rows:
        row["correct"] = True


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lost_video, "its 5 videos and labels are not the 6 of the validation videos"),
        (twice, "its 6 videos and labels are not"),
        (another_video, "its 6 videos and labels are not"),
        (other_labels, "its 6 videos and labels are not"),
        (not_a_number, "its probabilities are not those of 6 classes"),
        (not_a_distribution, "its probabilities are not those of 6 classes"),
        (fewer_classes, "its probabilities are not those of 6 classes"),
        (another_prediction, "its labels, predictions and probabilities contradict each other"),
        (always_right, "its labels, predictions and probabilities contradict each other"),
    ],
)
def test_predictions_of_something_else_are_refused(deployed, change, match):
    deployed.rewrite(change)
    deployed.refused(rf"predictions\.parquet: {match}")


def test_predictions_that_are_no_table_are_refused(deployed):
    (deployed.root / "predictions.parquet").write_bytes(b"PAR1")
    deployed.refused(r"predictions\.parquet: cannot be read")


@pytest.mark.parametrize(
    ("version", "match"), [(None, "its version is 1, expected 3"), (b"2", "its version is 2, expected 3")]
)
def test_predictions_of_another_version_are_refused(deployed, version, match):
    path = deployed.root / "predictions.parquet"
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata(version and {VERSION_KEY: version}), path)
    deployed.refused(rf"predictions\.parquet: {match}: another version of kinema wrote it; delete it and run again")


def test_predictions_of_other_columns_are_refused(deployed):
    path = deployed.root / "predictions.parquet"
    pq.write_table(pq.read_table(path).drop_columns("rank"), path)
    deployed.refused(r"predictions\.parquet: its columns are not those that rule evaluate writes")


def test_forged_results_that_bear_each_other_out_do_not_agree_with_the_ir(deployed):
    labels = load_checkpoint(deployed.root / "model.pth").labels

    def all_right(rows):
        for row in rows:
            row["predicted"], row["correct"], row["probability"] = row["label"], True, 1.0
            row["probabilities"] = [float(label == row["label"]) for label in labels]

    deployed.rewrite(all_right)
    deployed.rescore(video_top1=1.0)
    deployed.refused(r"name different classes for \d of 6 videos at float32.*max_accuracy_drop = 0\.005 allows 0\.")


@pytest.mark.parametrize("suffix", ["xml", "bin", "onnx"])
def test_another_ir_than_the_one_that_passed_the_first_gate_is_refused(deployed, suffix):
    path = deployed.root / f"converted/model.{suffix}"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    deployed.refused(rf"converted/model\.{suffix}: not the file that was compared with PyTorch: its SHA-256 is")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{}", "has no `record`"),
        ("[]", "found list"),
        ("", "cannot be read as JSON"),
        ('{"sha256": {"xml": "a", "bin": "b"}}', "has no `record`"),
    ],
)
def test_a_parity_report_that_is_none_is_refused(deployed, content, match):
    (deployed.root / "parity.json").write_text(content)
    deployed.refused(rf"parity\.json: {match}.*; delete it and run snakemake for it")


@pytest.mark.parametrize(("digests", "match"), [({"model.xml": None}, r"sha256"), ("a", "sha256 is 'a'")])
def test_a_parity_report_without_digests_is_refused(deployed, digests, match):
    deployed.change("parity.json", sha256=digests)
    deployed.refused(rf"parity\.json: {match}")


def test_an_ir_whose_logits_are_not_finite_is_refused(deployed, monkeypatch):
    monkeypatch.setattr(
        verify_module, "openvino_predictor", lambda *_, **__: lambda clips: np.full((len(clips), 6), np.nan, np.float32)
    )
    deployed.refused("logits that are not finite")


def test_a_refusal_removes_the_model_of_before(deployed):
    deployed.verify()
    (deployed.root / "labels.txt").unlink()
    (deployed.root / "verification.json").unlink()
    deployed.rescore(num_videos=1)
    deployed.refused("num_videos")


@pytest.mark.slow
def test_the_first_gate_leaves_nothing_of_what_it_refuses(deployed):
    deployed.verify()
    with pytest.raises(ValueError, match=r"differs from PyTorch by .* \(deployment\.parity_tolerance = 1e-12\)"):
        deployed.convert(parity_tolerance=1e-12)
    left = {str(path.relative_to(deployed.root)) for path in deployed.root.rglob("*") if path.is_file()}
    assert not {name for name in left if name.endswith((".xml", ".bin")) or "parity" in name or name == "model.onnx"}


def test_files_of_two_irs_are_never_seen_together(tmp_path, monkeypatch):
    old, new = tmp_path / "old/model.xml", tmp_path / "new/model.xml"
    for xml in (old, new):
        xml.parent.mkdir()
        xml.write_text(f"<{xml.parent.name}>")
        xml.with_suffix(".bin").write_text(xml.parent.name)
    with pytest.raises(FileNotFoundError), new_ir(old) as temporary:
        temporary.with_suffix(".bin").write_text("half")  # and no .xml
    assert not list(old.parent.iterdir())
    shutil.copytree(new.parent, old.parent, dirs_exist_ok=True)
    seen, replace = [], Path.replace

    def spy(self, target):
        seen.append({path.name for path in old.parent.iterdir() if not path.name.startswith(".")})
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", spy)
    with new_ir(old) as temporary:
        for suffix in (".bin", ".xml"):
            shutil.copyfile(new.with_suffix(suffix), temporary.with_suffix(suffix))
    assert seen == [set(), {"model.bin"}]
    assert (old.read_text(), old.with_suffix(".bin").read_text()) == ("<new>", "new")


def test_a_disagreement_that_the_device_alone_makes_is_told_apart(deployed, monkeypatch):
    real = openvino_model.openvino_predictor

    def coarse(xml, *, precision=None, threads=None):
        predict = real(xml, precision="f32", threads=threads)
        # at its own precision this device turns every answer round
        return predict if precision else lambda clips: -50 * predict(clips)

    monkeypatch.setattr(verify_module, "openvino_predictor", coarse)
    deployed.refused(r"name different classes for 6 of 6 videos at this device's own precision.* allows 1\.")


@pytest.mark.parametrize("folder", ["streaming", "modelapi"])
def test_what_is_of_another_model_goes_and_what_is_of_this_one_stays(streamed, tmp_path, folder):
    root = tmp_path / "deployed"
    shutil.copytree(streamed.root, root)
    remove_what_is_of_another(root / "model.pth")
    assert (root / folder / "verification.json").exists()
    with (root / "model.pth").open("ab") as file:
        file.write(b"1")
    remove_what_is_of_another(root / "model.pth")
    assert not list((root / folder).iterdir())
    assert not (root / "model.onnx").exists()


def test_an_export_says_how_good_it_is_and_what_it_was_made_of(streamed):
    for name in ("model.xml", "model.onnx"):
        about = load(streamed.root / name).description
        scores, interval = streamed.scores(), streamed.scores().intervals.video_top1
        assert about.accuracy == Accuracy(
            subset="validation",
            num_videos=6,
            coverage=scores.coverage,
            video_top1=scores.video_top1,
            low=interval.low,
            high=interval.high,
            trained_on=False,
        )
        parts = json.loads(streamed.clips_path.with_suffix(".json").read_text())["parts"]
        assert about.digests["model"] == file_digest(streamed.root / "model.pth")
        assert about.digests["validation"] == parts["validation"]["digest"]
        assert about.digests["training"] == parts["training"]["digest"]
        assert about.frame_rates.median == pytest.approx(7)  # of the demo
        assert about.frames is not None
