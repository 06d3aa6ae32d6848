"""An encoder that takes channels of the frame before, frame by frame: from a clip's begin it equals the whole clip."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import openvino as ov
import pytest
import torch
from deployed_model import Deployed, make_scored
from openvino import opset13 as ops

from kinema.deployment import streaming
from kinema.deployment.calibration_inputs import decoder_inputs, encoder_inputs
from kinema.deployment.carried import looks_back
from kinema.deployment.onnx_model import part_to_onnx
from kinema.deployment.parity_sample import parity_clips
from kinema.deployment.parts import export_parts
from kinema.deployment.streaming import stream_networks
from kinema.evaluation.predictors import torch_predictor
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.live_demo.recognizer import Recognizer
from kinema.inference.live_demo.stream_model import load_stream
from kinema.inference.model import Model
from kinema.inference.predictors.openvino import compiled_network, core
from kinema.inference.predictors.streaming import encoder_frames, streaming_predictor
from kinema.inference.scorers import EncoderDecoder, streaming_scorers
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.registry import create_model
from kinema.records.quantization import Quantization

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs/exported-files.md"
BACK = Network(encoder_weights="none", bidirectional=False, shift_div=4)
NAME = "test_resnet_tsm"
EXACT = Settings.model_validate({"evaluation": {"batch_size": 4}, "deployment": {"weights": "float32"}})
HALVES = ("streaming/encoder.xml", "streaming/decoder.xml")


def model_of(name, *, size=64, network=BACK):
    """A network whose residual branches count, and whose numbers are tame."""
    torch.manual_seed(0)
    model = create_model(name, num_classes=5, clip=Clip(length=6, stride=2, size=size), network=network)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.rand_like(parameter))
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 1.0
        model.train()(clips_of(model))
    return model.eval().requires_grad_(False)


def clips_of(model, *, batch=2):
    generator = torch.Generator().manual_seed(1)
    size = model.spec.size
    shape = (batch, model.spec.num_frames, model.spec.channels, 4, 4)
    coarse = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return coarse.repeat_interleave(size // 4, -1).repeat_interleave(size // 4, -2)


def given_frames(model, clips):
    """What the encoder of a stream takes of clips, frame by frame: (F, B, C, H, W)."""
    frames = clips.flip(2)
    return (torch.cat([frames[:, :-1], frames[:, 1:]], 2) if model.differences else frames).transpose(0, 1)


def walked(encode, frames, state, *, carry=True):
    """The embeddings (B, F, E) of frames that are given one by one, and the last state."""
    rows, begin = [], state
    for frame in frames:
        row, state = encode(frame, state if carry else begin)
        rows.append(row)
    return torch.stack([torch.as_tensor(row) for row in rows], 1), state


# A network and its parts


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18_tsm", 64),
        ("efficientnet_lite0_tsm", 64),
        ("resnet18_tsm_rgbdiff", 64),
        ("vit_tiny_patch16_224_tsm", 32),
    ],
)
def test_frames_one_by_one_give_the_logits_of_the_clip(name, size):
    """Channels first and last, tokens and maps, of several streams at once."""
    model = model_of(name, size=size)
    clips = clips_of(model)
    before = model(clips)
    _, encoder, decoder = export_parts(model)
    assert list(encoder.inputs) == ["frames", "state"]
    assert encoder.output_names == ["embeddings", "next_state"]
    zeros = torch.zeros_like(encoder.state)
    frames = given_frames(model, clips)
    rows, last = walked(encoder.module, frames, zeros)
    tolerance = 1e-4 * float(before.abs().max())
    torch.testing.assert_close(decoder.module(rows), before, rtol=0, atol=tolerance)
    # a stream that does not begin with zeros, or of which nothing is carried, is another one
    for other in (walked(encoder.module, frames, last)[0], walked(encoder.module, frames, zeros, carry=False)[0]):
        assert (decoder.module(other) - before).abs().max() > 10 * tolerance
    assert torch.equal(model(clips), before), "the network itself is as it was"


def test_a_network_that_looks_ahead_is_not_cut():
    both = model_of("resnet18_tsm", network=BACK.model_copy(update={"bidirectional": True}))
    assert not looks_back(both.encoder)
    assert [part.name for part in export_parts(both)] == ["model"]
    with pytest.raises(ValueError, match=r"cannot be cut .* train tsm with network\.bidirectional: false") as error:
        stream_networks(export_parts(both)[1:], opset=20)
    assert "\n" not in str(error.value)
    assert looks_back(model_of("resnet18_tsm").encoder)
    assert not looks_back(model_of("resnet18_gru").encoder)


# Exported files


@pytest.fixture(scope="module")
def carried(prepared, make_once):
    """Encoder and decoder of one that looks back, through both gates; do not change it."""

    def ship(folder):
        make_scored(folder, prepared, name=NAME, network=BACK, is_lively=True).streaming(EXACT)

    return Deployed(make_once("carried", ship), prepared / "clips.parquet")


@pytest.fixture(scope="module")
def trained(carried):
    return load_checkpoint(carried.root / "model.pth").model.requires_grad_(False)


@pytest.fixture(scope="module")
def clips(carried, trained):
    return parity_clips(carried.clips_path, trained, count=6)


@pytest.fixture(scope="module")
def long_clip(clips):
    """Frames (12, C, H, W) of three clips, one behind the other."""
    return np.concatenate(clips[[0, 2, 5]])


def online(trained, frames):
    """Logits of the last T of the first n frames, for all n from T on, where a stream is never begun anew."""
    length = trained.spec.num_frames
    _, each = trained.evidence(torch.from_numpy(frames[None]))
    return [each[0, end - length : end].mean(0).numpy() for end in range(length, len(frames) + 1)]


def test_the_parts_pass_the_gates_and_equal_the_network(carried, trained, clips):
    record = carried.read("streaming/verification.json")
    assert record["parity"]["of_largest"] < 1e-4
    assert record["agreement"] >= 0.5
    predict = streaming_predictor(*carried.paths(*HALVES), precision="f32")
    expected = torch_predictor(trained, device="cpu")(clips)
    for _ in range(2):  # each clip begins with nothing, whatever was before
        assert np.abs(predict(clips) - expected).max() < 1e-3
    encoder = core().read_model(carried.root / HALVES[0])
    assert [list(port.shape) for port in encoder.inputs] == [[1, 3, 48, 48], [1, encoder.input("state").shape[1]]]
    assert encoder.input("state").shape == encoder.output("next_state").shape


def test_onnx_runtime_takes_several_streams_at_once(trained, clips):
    part = export_parts(trained)[1]
    session = onnxruntime.InferenceSession(part_to_onnx(part, opset=20).SerializeToString())
    state = np.zeros((2, part.state.shape[1]), np.float32)
    frames = np.ascontiguousarray(clips[:2, :, ::-1].swapaxes(0, 1))
    rows, _ = walked(lambda frame, state: session.run(None, {"frames": frame, "state": state}), frames, state)
    torch.testing.assert_close(trained.decoder(rows), trained(torch.from_numpy(clips[:2])), rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["forgets", "keeps"])
def test_a_state_that_is_not_carried_is_refused(carried, tmp_path, monkeypatch, kind):
    """It gives zeros for the next frame, or what it was given itself."""
    encoder, decoder = (core().read_model(path) for path in carried.paths(*HALVES))
    result = encoder.get_results()[1]
    given = encoder.input("state")
    wrong = given if kind == "keeps" else ops.multiply(result.input_value(0), np.float32(0)).output(0)
    result.input(0).replace_source_output(wrong)
    deployed = Deployed(tmp_path, carried.clips_path)
    for name in ("model.pth", "evaluation.json", "predictions.parquet", "calibration.json"):
        (tmp_path / name).symlink_to(carried.root / name)
    monkeypatch.setattr(streaming, "stream_networks", lambda *_, **__: [encoder, decoder])
    with pytest.raises(ValueError, match="encoder and decoder differs from PyTorch by"):
        deployed.streaming(EXACT)
    assert not (tmp_path / "streaming").exists()


# Clients


def test_the_state_is_carried_over_a_whole_stream(carried, trained, long_clip):
    make = streaming_scorers(carried.root / "model.xml", trained.spec, precision="f32", threads=1, exact=False)
    for _ in range(2):  # each video begins with nothing
        scorer, looks = make(), []
        assert isinstance(scorer, EncoderDecoder)
        for number, frame in enumerate(long_clip, start=1):
            scorer.push(frame)
            if number >= trained.spec.num_frames:
                looks.append(scorer.logits())
        assert np.abs(np.stack(looks) - online(trained, long_clip)).max() < 1e-3
    whole = torch_predictor(trained, device="cpu")(long_clip[None, :4])[0]
    assert np.abs(looks[0] - whole).max() < 1e-3, "the first window is a clip"
    assert np.abs(looks[-1] - torch_predictor(trained, device="cpu")(long_clip[None, -4:])[0]).max() > 0.1


def test_windows_of_a_timeline_know_of_no_frame_before_them(carried, trained, long_clip):
    whole, length = torch_predictor(trained, device="cpu"), trained.spec.num_frames
    beside = streaming_scorers(carried.root / "model.xml", trained.spec, precision="f32", threads=1, exact=True)
    scorer = Model(load_stream(carried.root / "streaming").description, whole, beside).scorer()
    for frame in long_clip:
        scorer.push(frame)
    np.testing.assert_array_equal(scorer.logits(), whole(long_clip[None, -length:])[0])


def test_the_live_demo_makes_a_pass_for_each_frame_of_a_clip(carried, trained, long_clip):
    """Of a frame in the place of missing ones, too: each of them is another one for the shifts."""
    model = load_stream(carried.root / "streaming")
    assert model.carries
    for path, part in zip(carried.paths(*HALVES), ("encoder", "decoder"), strict=True):
        model = replace(model, **{part: compiled_network(path, precision="f32")})
    times = [1, 3, 1, 1, 4, 2]
    each = np.repeat(long_clip[: len(times)], times, axis=0)
    recognizer = Recognizer(model)
    for number, frame in enumerate(long_clip[: len(times)]):
        recognizer.push(frame, float(number), times=times[number])
    recognizer.close()
    looks = recognizer.looks()
    assert recognizer.num_passes == sum(times)
    ends = [end for end in np.cumsum(times) if end >= 4]
    assert [look.seconds for look in looks] == [1, 2, 3, 4, 5]
    expected = [online(trained, each)[end - 4] for end in ends]
    assert np.abs(np.stack([look.logits for look in looks]) - expected).max() < 1e-3


def test_pictures_that_a_slow_machine_dropped_are_not_made_up_for(carried, long_clip):
    """A pass for each would take the time of the next ones: more would be dropped, until one picture is left."""
    recognizer = Recognizer(load_stream(carried.root / "streaming"), waits=False)
    for number, frame in enumerate(long_clip[:6]):
        recognizer.push(frame, float(number), times=4)
    recognizer.close()
    assert recognizer.num_passes == 6
    assert len(recognizer.looks()) == 6


def test_a_shift_of_nothing_carries_nothing():
    model = model_of("resnet18_tsm", network=BACK.model_copy(update={"shift_div": 4096}))
    _, encoder, decoder = export_parts(model)
    assert list(encoder.inputs) == ["frames"]
    clips = clips_of(model)
    rows = torch.stack([encoder.module(frames.flip(1)) for frames in clips])
    torch.testing.assert_close(decoder.module(rows), model(clips), rtol=1e-4, atol=1e-5)


def test_an_encoder_that_does_not_give_the_state_that_it_takes_is_refused(carried, tmp_path):
    folder = tmp_path / "streaming"
    folder.mkdir()
    for path in (carried.root / "streaming").iterdir():
        (folder / path.name).symlink_to(path)
    encoder = core().read_model(folder / "encoder.xml")
    kept = ov.Model(encoder.outputs[:1], encoder.get_parameters())
    for key in ("kinema", "model_info"):
        kept.set_rt_info(encoder.get_rt_info(key), key)
    (folder / "encoder.xml").unlink()
    (folder / "encoder.bin").unlink()
    ov.save_model(kept, folder / "encoder.xml")
    with pytest.raises(ValueError, match=r"encoder.xml and decoder.xml take other frames than they say"):
        load_stream(folder)


def test_the_documented_lines_carry_the_state(carried, trained, clips, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (code,) = (block for block in blocks if "state" in block)
    encoder, decoder = (compiled_network(path, precision="f32") for path in carried.paths(*HALVES))
    names = {"np": np, "encoder": encoder, "decoder": decoder, "length": decoder.input(0).shape[1]}
    names["pictures"] = [frame.transpose(1, 2, 0)[:, :, ::-1] for frame in clips[0]]
    exec(code, names)
    expected = torch_predictor(trained, device="cpu")(clips[:1])
    assert np.abs(names["logits"] - expected).max() < 1e-3


# INT8


def test_ranges_are_set_by_states_that_occur(carried, clips, tmp_path):
    np.save(tmp_path / "clips.npy", clips)
    encoder = compiled_network(carried.root / HALVES[0], precision="f32")
    encoder_inputs(tmp_path / "clips.npy", encoder, seen=1, out=tmp_path / "frames.npy")
    decoder_inputs(tmp_path / "clips.npy", encoder, seen=1, out=tmp_path / "embeddings.npy")
    records = np.load(tmp_path / "frames.npy", mmap_mode="r")
    assert not records["state"][[0, 4]].any(), "first frames"
    for number in (1, 2, 3, 5):
        frames, state = encoder_frames(clips[number]), np.zeros((1, records["state"].shape[1]), np.float32)
        for frame in frames[: number % 4]:
            _, state = encoder([frame, state]).values()
        assert np.array_equal(records["frames"][number], frames[number % 4][0])
        np.testing.assert_allclose(records["state"][number], state[0], rtol=0, atol=1e-5)
    assert np.load(tmp_path / "embeddings.npy").shape == (6, 4, 6)


def test_the_two_are_quantised_together(carried, tmp_path):
    deployed = Deployed(tmp_path, carried.clips_path)
    for name in ("model.pth", "evaluation.json", "predictions.parquet", "calibration.json"):
        (tmp_path / name).symlink_to(carried.root / name)
    int8 = {"recipes": ["mixed"], "max_accuracy_drop": 1, "calibration_clips": 12}
    deployed.int8_streaming(Settings.model_validate({"evaluation": {"batch_size": 4}, "deployment": {"int8": int8}}))
    record = Quantization.read(tmp_path / "int8/streaming/quantization.json")
    assert record.chosen == "mixed"
    assert record.recipes[0].logits.of_spread < 1
    encoder = core().read_model(tmp_path / "int8/streaming/encoder.xml")
    assert [port.any_name for port in (*encoder.inputs[1:], *encoder.outputs[1:])] == ["state", "next_state"]
    assert "FakeQuantize" in {operation.get_type_name() for operation in encoder.get_ops()}
