"""Exports that are broken on purpose are refused, and so is a network of which nothing can be told."""

import shutil

import numpy as np
import onnx
import openvino as ov
import pytest
import torch
from deployed_model import Deployed
from onnx import TensorProto, helper, numpy_helper

from kinema.deployment import openvino_model
from kinema.deployment.logits import Sample, check_difference, check_rounded
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture
def deployed(ordered, tmp_path):
    """A copy of the network that sees the order of frames, to be changed."""
    shutil.copytree(ordered.root, tmp_path / "deployed")
    return Deployed(tmp_path / "deployed", ordered.clips_path)


def taken(graph, *, order, axis):
    """Put what the input (of more than two axes) or else the output has along an axis into another order."""
    graph.initializer.append(numpy_helper.from_array(np.array(order, np.int64), "turned_order"))
    if axis > 1 or len(order) == 4:
        for node in graph.node:
            node.input[:] = ["turned" if name == "clips" else name for name in node.input]
        graph.node.insert(0, helper.make_node("Gather", ["clips", "turned_order"], ["turned"], axis=axis))
    else:
        for node in graph.node:
            node.output[:] = ["straight" if name == "logits" else name for name in node.output]
        graph.node.append(helper.make_node("Gather", ["straight", "turned_order"], ["logits"], axis=axis))


def channels_swapped(graph):
    taken(graph, order=[2, 1, 0], axis=2)


def frames_reversed(graph):
    taken(graph, order=[3, 2, 1, 0], axis=1)


def labels_rotated(graph):
    taken(graph, order=[1, 2, 3, 4, 5, 0], axis=1)


def weights_scaled(graph):
    largest = max(floats(graph), key=lambda values: numpy_helper.to_array(values).size)
    set_values(largest, 1.01 * numpy_helper.to_array(largest))


def normalisation_dropped(graph):
    per_channel = [values for values in floats(graph) if numpy_helper.to_array(values).shape == (3, 1, 1)]
    assert len(per_channel) == 2, "mean and deviation"
    for values in per_channel:
        is_mean = numpy_helper.to_array(values).mean() > 90  # of ImageNet 116; its deviation is 57
        set_values(values, np.full((3, 1, 1), 0 if is_mean else 1, np.float32))


def floats(graph):
    return [values for values in graph.initializer if values.data_type == TensorProto.FLOAT]


def set_values(values, changed):
    values.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), values.name))


BROKEN = [channels_swapped, frames_reversed, labels_rotated, weights_scaled, normalisation_dropped]


def broken_graph(path, change, out):
    model = onnx.load(path)
    change(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, out)
    return out


def left(deployed):
    names = {str(path.relative_to(deployed.root)) for path in deployed.root.rglob("*") if path.is_file()}
    return {name for name in names if name.endswith((".xml", ".bin")) or name in ("parity.json", "model.onnx")}


@pytest.mark.parametrize("change", BROKEN, ids=lambda change: change.__name__)
def test_a_broken_graph_is_refused(deployed, change):
    path = deployed.root / "converted/model.onnx"
    broken_graph(path, change, path)
    with pytest.raises(
        ValueError, match=r"model\.onnx in ONNX Runtime differs from PyTorch by .* No model was written"
    ):
        deployed.convert()
    assert not left(deployed)


@pytest.mark.parametrize("change", BROKEN, ids=lambda change: change.__name__)
def test_a_graph_that_breaks_on_its_way_to_the_ir_is_refused(deployed, change, tmp_path, monkeypatch):
    broken = broken_graph(deployed.root / "converted/model.onnx", change, tmp_path / "broken.onnx")
    convert_model = ov.convert_model
    monkeypatch.setattr(openvino_model.ov, "convert_model", lambda _: convert_model(broken))
    with pytest.raises(ValueError, match=r"the IR differs from PyTorch by .* No model was written"):
        deployed.convert()
    assert not left(deployed)


def test_a_network_that_says_the_same_of_every_clip_cannot_be_judged(deployed):
    trained = load_checkpoint(deployed.root / "model.pth")
    with torch.no_grad():
        trained.model.decoder.fc.weight.zero_()
    save_checkpoint(deployed.root / "model.pth", trained.model, labels=trained.labels, settings={})
    deployed.export()
    message = (
        r"says the same of 8 clips: its logits, up to .*, differ by .*e-10 between them\. An export of it cannot be"
    )
    with pytest.raises(ValueError, match=message):
        deployed.convert()
    assert not left(deployed)


CLIPS = np.zeros((2, 1))


def test_what_all_classes_share_is_no_answer():
    with pytest.raises(ValueError, match="says the same of 2 clips"):
        Sample(CLIPS, np.array([[1.0, 2.0], [5.0, 6.0]]))
    assert Sample(CLIPS[:1], np.array([[1.0, 2.0]])).spread is None, "of one clip nothing can be said"


def test_a_difference_counts_by_the_spread_as_well():
    sample = Sample(CLIPS, np.array([[100.0, 0.0], [100.0, 0.2]]))
    assert sample.spread == pytest.approx(0.05)
    near, far = sample.logits + 4e-4, sample.logits + 6e-4  # both within 1e-4 of 100
    result = check_difference(sample, lambda _: near, what="it", tolerance=1e-4)
    assert (result.of_largest, result.of_spread) == (pytest.approx(4e-6), pytest.approx(8e-3))
    with pytest.raises(ValueError, match=r"1\.20e-02 of what they differ by between the clips, more than 0\.01"):
        check_difference(sample, lambda _: far, what="it", tolerance=1e-4)


def test_a_network_that_remembers_is_refused():
    sample = Sample(CLIPS, np.array([[1.0, 0.0], [0.0, 1.0]]))
    answers = iter([sample.logits, sample.logits + 0.5])
    with pytest.raises(ValueError, match=r"it differs from PyTorch by 0\.5"):
        check_difference(sample, lambda _: next(answers), what="it", tolerance=1e-4)


def test_rounded_weights_may_differ_by_what_rounding_makes():
    sample = Sample(CLIPS, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert check_rounded(sample, lambda _: sample.logits + 0.006, what="it").largest == pytest.approx(0.006)
    with pytest.raises(ValueError, match=r"6\.00e-02 of the largest logit.*set deployment\.weights: float32"):
        check_rounded(sample, lambda _: sample.logits + 0.06, what="it")


@pytest.mark.parametrize(("weights", "halved"), [("float16", True), ("float32", False)])
def test_the_weights_are_stored_as_asked(deployed, weights, halved):
    deployed.convert(weights=weights)
    deployed.verify()
    parity = deployed.read("parity.json")
    assert parity["weights"] == weights
    assert (parity["stored"]["of_largest"] > 1e-5) == halved
    sizes = [(deployed.root / name).stat().st_size for name in ("model.bin", "model.onnx")]
    assert (sizes[0] < 0.6 * sizes[1]) == halved
