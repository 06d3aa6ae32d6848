"""A full file system is named, whoever finds it full."""

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest
import torch
from corpus import CLIP
from training_runs import run_training, settings

from kinema.clips.table import ClipIndex
from kinema.disk import DiskFullError, full_disk_named
from kinema.files import atomic_path
from kinema.models.loading.checkpoint import save_checkpoint

LARGE = np.ones(2**19, np.float32)  # 2 MiB


@pytest.fixture
def tiny(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free)


def onnx_model() -> onnx.ModelProto:
    tensor = onnx.numpy_helper.from_array(LARGE, "weights")
    value = onnx.helper.make_tensor_value_info("weights", onnx.TensorProto.FLOAT, LARGE.shape)
    node = onnx.helper.make_node("Neg", ["weights"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, LARGE.shape)
    return onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [out], [tensor], value_info=[value]))


def ir_model() -> ov.Model:
    opset = ov.opset13
    x = opset.parameter(LARGE.shape, np.float32)
    return ov.Model([opset.add(x, opset.constant(LARGE))], [x])


WRITERS = {
    "torch": lambda path: torch.save({"a": torch.from_numpy(LARGE)}, path),
    "onnx": lambda path: onnx.save(onnx_model(), path),
    "openvino": lambda path: ov.save_model(ir_model(), path, compress_to_fp16=False),
    "text": lambda path: path.write_bytes(LARGE.tobytes()),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_writers_error_names_the_full_file_system(tiny, writer):
    path = tiny / "results" / "model.xml"
    expected = rf"{path} cannot be written: no space left in {tiny}/results, on the file system {tiny} .*; free some"
    with pytest.raises(DiskFullError, match=expected) as told, atomic_path(path) as temporary:
        WRITERS[writer](temporary)
    assert told.value.errno == errno.ENOSPC
    assert "\n" not in str(told.value)
    assert [file for file in tiny.rglob("*.xml") if file.is_file()] == []


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(ZeroDivisionError), full_disk_named(tmp_path / "a"):
        1 / 0  # noqa: B018


def test_a_quota_is_known_by_its_error(tmp_path):
    with pytest.raises(DiskFullError, match="a cannot be written"), full_disk_named(tmp_path / "a"):
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("work", r"best.ckpt cannot be written: no space left in .*No resume point was written yet"),
        ("logs", r"no space left in .*/logs.*free some and run again"),
    ],
)
def test_a_training_names_what_is_full(prepared, tmp_path, tiny, part, message):
    fill(tiny)
    (tmp_path / part).symlink_to(tiny)
    with pytest.raises((OSError, RuntimeError), match=message):
        run_training(prepared, tmp_path, settings(checkpoint_minutes=10))


def test_a_model_without_space_is_named(tmp_path, tiny, prepared):
    fill(tiny)
    trained, _ = run_training(prepared, tmp_path, settings(epochs=1))
    with pytest.raises(DiskFullError, match=rf"model.pth cannot be written: no space left in {tiny}"):
        save_checkpoint(tiny / "model.pth", trained.model, labels=trained.labels, settings={})


def test_a_training_needs_no_space_in_tmpdir(prepared, tmp_path, tiny, monkeypatch):
    fill(tiny)
    monkeypatch.setattr(tempfile, "tempdir", str(tiny))
    run_training(prepared, tmp_path, settings(epochs=1))


def test_clips_that_are_enumerated_afresh_name_tmpdir(prepared, tiny, monkeypatch):
    fill(tiny)
    monkeypatch.setattr(tempfile, "tempdir", str(tiny))
    with pytest.raises(DiskFullError, match=rf"no space left in {tiny}.*or set TMPDIR"):
        ClipIndex.load(
            prepared / "clips.parquet", subset="validation", clip=CLIP.model_copy(update={"num_val_clips": 2})
        )
    assert [path.name for path in tiny.iterdir()] == ["filler"]
