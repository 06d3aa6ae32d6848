"""Encoder and decoder of a stream: they equal the whole network, in a program that knows nothing of it."""

import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch
from corpus import CLIP
from deployed_model import Deployed
from openvino import opset13 as ops
from zoo_demo import ZooDemo

from kinema.deployment import streaming
from kinema.deployment.parity_sample import parity_clips
from kinema.deployment.parts import ExportPart, StreamDecoder, export_parts
from kinema.deployment.saving import save_ir
from kinema.deployment.streaming import stream_networks
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Network
from kinema.inference import load
from kinema.inference.predictors.openvino import compiled_network, core, read_openvino
from kinema.inference.predictors.streaming import encoder_frames, streaming_predictor
from kinema.inference.probabilities import softmax
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.lstm import AttentionLSTMDecoder
from kinema.models.registry import create_model

PAGE = Path(__file__).resolve().parents[2] / "docs/exported-files.md"


@pytest.fixture(scope="module")
def clips(streamed):
    return parity_clips(streamed.clips_path, load_checkpoint(streamed.root / "model.pth").model, count=6)


def test_a_stream_gives_what_the_whole_network_gives(streamed, clips):
    predict = streaming_predictor(*streamed.paths("streaming/encoder.xml", "streaming/decoder.xml"), precision="f32")
    whole = load(streamed.root / "model.xml", precision="f32").network
    assert np.abs(predict(clips) - whole(clips)).max() < 1e-5
    record = streamed.read("streaming/verification.json")
    assert record["agreement"] >= 0.5
    assert record["parity"]["of_largest"] < 1e-4
    assert record["model"] == streamed.read("verification.json")["model"]
    assert record["sha256"].keys() == {"encoder.xml", "encoder.bin", "decoder.xml", "decoder.bin"}


def test_the_networks_have_the_form_of_the_convention(streamed):
    encoder, decoder = (core().read_model(streamed.root / f"streaming/{name}.xml") for name in ("encoder", "decoder"))
    assert [len(part.inputs) + len(part.outputs) for part in (encoder, decoder)] == [2, 2]
    assert (list(encoder.input(0).shape), encoder.input(0).element_type) == ([1, 6, 48, 48], ov.Type.u8)
    assert list(decoder.input(0).shape) == [1, 3, encoder.output(0).shape[1]], "of differences one less than frames"
    assert list(decoder.output(0).shape) == [1, 6]
    _, about = read_openvino(streamed.root / "streaming/encoder.xml")
    assert about.keys() >= {"labels", "input_spec", "accuracy", "digests", "frame_rates"}


@pytest.mark.slow
def test_a_program_of_the_model_zoo_gets_the_answer_of_the_whole_network(streamed, clips):
    """Of differences each picture and the next one are given together, the earlier one first."""
    whole = softmax(load(streamed.root / "model.xml", precision="f32").network(clips))
    for clip, expected in zip(clips, whole, strict=True):
        demo = ZooDemo(core(), streamed.root / "streaming")
        pictures = [frame.transpose(1, 2, 0)[:, :, ::-1] for frame in clip]
        planes = [demo.planes(picture) for picture in pictures]
        answers = [demo.seen(np.concatenate(pair, axis=1)) for pair in pairwise(planes)]
        assert answers[:-1] == [None, None]
        assert list(answers[-1].values()) == pytest.approx(expected, abs=1e-5)
        assert list(answers[-1]) == list(load(streamed.root / "model.xml").description.labels)


def test_the_documented_lines_give_what_the_whole_network_gives(streamed, clips, monkeypatch):
    """Pictures of differences have six channels, the others of the page three."""
    monkeypatch.chdir(streamed.root)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (code,) = (block for block in blocks if "streaming/" in block)
    pictures = [frame.transpose(1, 2, 0)[:, :, ::-1] for frame in clips[0]]
    names = {"pictures": [np.concatenate(pair, axis=2) for pair in pairwise(pictures)]}
    exec(code, names)
    (expected,) = load(streamed.root / "model.xml").network(clips[:1])
    assert names["logits"][0] == pytest.approx(expected, abs=0.1), "at the device's own precision"
    assert names["logits"][0].argmax() == expected.argmax()


def test_frames_are_given_as_the_encoder_takes_them():
    clip = np.arange(4 * 3).reshape(4, 3, 1, 1).astype(np.uint8)
    assert encoder_frames(clip)[:, 0, :, 0, 0].tolist() == [[2, 1, 0], [5, 4, 3], [8, 7, 6], [11, 10, 9]]
    assert encoder_frames(clip, seen=2)[:, 0, :, 0, 0].tolist()[0] == [2, 1, 0, 5, 4, 3]
    assert encoder_frames(clip, seen=2).shape == (3, 1, 6, 1, 1)
    flow = clip[:, :2]
    assert encoder_frames(flow)[0, 0, :, 0, 0].tolist() == [0, 1], "optical flow has its own order"


@pytest.mark.parametrize("broken", ["encoder", "decoder", None])
def test_broken_halves_are_refused_and_nothing_is_left(streamed, tmp_path, broken, monkeypatch):
    shutil.copytree(streamed.root, tmp_path / "deployed")
    deployed = Deployed(tmp_path / "deployed", streamed.clips_path)
    halves = ("encoder", "decoder")
    made = {name: core().read_model(streamed.root / f"streaming/{name}.xml") for name in halves}
    if broken:
        steps = ov.preprocess.PrePostProcessor(made[broken])
        # the later frame for the earlier one, or each embedding the wrong way round
        order, axis = {"encoder": ([3, 4, 5, 0, 1, 2], 1), "decoder": (range(32)[::-1], 2)}[broken]
        steps.input().preprocess().custom(lambda node: turned(node, list(order), axis))
        made[broken] = steps.build()
    monkeypatch.setattr(streaming, "stream_networks", lambda *_, **__: list(made.values()))
    # what is whole passes: its weights are float16 already
    settings = Settings.model_validate({"deployment": {"parity_tolerance": 1e-2}})
    if broken is None:
        deployed.streaming(settings)
        return
    with pytest.raises(ValueError, match="encoder and decoder differs from PyTorch by"):
        deployed.streaming(settings)
    assert not list((deployed.root / "streaming").iterdir())


def turned(node, order, axis):
    return ops.gather(node, np.array(order, np.int64), np.int64(axis)).output(0)


@pytest.mark.parametrize("name", ["resnet18_vtn_two_stream", "r3d_18"])
def test_a_model_that_cannot_be_cut_says_so(name):
    model = create_model(name, num_classes=2, clip=CLIP, network=Network(encoder_weights="none"))
    with pytest.raises(ValueError, match="looks at whole clips and cannot be cut"):
        stream_networks(export_parts(model)[1:], opset=20)


@pytest.mark.slow
def test_a_recurrent_decoder_forgets_the_clip_before(tmp_path):
    """OpenVINO keeps the last state of one with weights of float16 and a static batch, unless it is saved with care."""
    torch.manual_seed(0)
    decoder = AttentionLSTMDecoder(16, num_classes=3, clip=CLIP, network=Network(encoder_weights="none", hidden=32))
    example = torch.zeros(2, 4, 49 * 16)
    part = ExportPart("decoder", StreamDecoder(decoder, torch.Size([49, 16])), "embeddings", "logits", example)
    (network,) = stream_networks([part], opset=20)
    given = np.random.default_rng(0).normal(size=(1, 4, 49 * 16)).astype(np.float32)
    save_ir(network, tmp_path / "decoder.xml", weights="float16")
    compiled = compiled_network(tmp_path / "decoder.xml", precision="f32")
    answers = [np.array(compiled([given])[0]) for _ in range(3)]
    assert np.abs(answers[0]).max() > 1e-3
    assert all(np.array_equal(answer, answers[0]) for answer in answers)
