"""What must hold for every model there is, at micro sizes."""

import copy
import re
from itertools import pairwise

import numpy as np
import openvino as ov
import pytest
import torch
from torchvision.models.video.resnet import BasicBlock, Bottleneck

from kinema.deployment.onnx_model import part_to_onnx
from kinema.deployment.parts import export_parts
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.predictors.openvino import core
from kinema.models.names import (
    CLIP_NETWORKS,
    DECODERS,
    ENCODERS,
    EXPORT_OBSTACLES,
    INSEPARABLE,
    STREAMS,
    TRACED,
    TRACED_MAX_OPSET,
)
from kinema.models.registry import create_model

CLIP = Clip(length=6, stride=2, size=64)
MICRO = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=4, feedforward=48, hidden=24, dropout=0.0)
EXPORTABLE = [
    *(f"resnet18_{decoder}" for decoder in DECODERS),
    *(f"resnet18_vtn_{stream}" for stream in STREAMS),
    *(f"{encoder}_vtn" for encoder in ENCODERS if encoder != "resnet18"),
    *(name for name in CLIP_NETWORKS if name not in EXPORT_OBSTACLES),
]
MODELS = [*EXPORTABLE, *EXPORT_OBSTACLES]
WHOLE = ("two_stream", "two_stream_flow", *INSEPARABLE)  # endings of models that cannot be cut in two
# One of a kind each; the others take a second or more, and an export takes some.
FAST_FORWARD = {
    *(name for name in MODELS if name.startswith("resnet18")),
    *("rmnet_vtn", "inception_i3d", "r2+1d_18"),
}
# A larger model -> a smaller one that has its kinds of layers, fewer of them: the export of that one speaks for both.
SMALLER = {
    **{f"{name}_{depth}": f"{name}_50" for name in ("r2+1d", "r3d") for depth in (101, 152)},
    **{f"{name}_34": f"{name}_18" for name in ("r2+1d", "r3d")},
    **{f"resnet{depth}_vtn": "resnet50_vtn" for depth in (101, 152)},
    **{f"efficientnet_lite{size}_vtn": "efficientnet_lite0_vtn" for size in (2, 4)},
    "efficientnet_b2_vtn": "efficientnet_b0_vtn",
    "regnety_016_vtn": "regnety_004_vtn",
    "resnet34_vtn": "resnet18_vtn",
    "se_resnext101_32x4d_vtn": "se_resnext50_32x4d_vtn",
}
# The published network reads its last block at the class token alone, which has no position.
WITHOUT_GRADIENT = {"mvit_v2_s": ("encoder.body.blocks.15.attn.rel_pos_", "encoder.body.blocks.15.attn.pool_q.pool")}


def each_model(names):
    """A test of each of these models; pytest runs those of one model one after the other, so it is made once."""
    marked = [name if name in FAST_FORWARD else pytest.param(name, marks=pytest.mark.slow) for name in names]
    return pytest.mark.parametrize("built", marked, indirect=True)


@pytest.fixture(scope="module")
def built(request):
    return model_of(request.param)


@pytest.fixture
def model(built):
    """A copy, as tests change its types and gradients."""
    torch.manual_seed(0)
    return copy.deepcopy(built)


def model_of(name, clip=CLIP):
    """A model whose every parameter is used and whose numbers are tame.

    Scales that start as zero (the last norm of a residual block) are raised, those of torchvision's 3D blocks lowered,
    and batch norms take their statistics from a batch: else 50 blocks overflow, or blow rounding errors up.
    """
    torch.manual_seed(0)
    model = create_model(name, num_classes=5, clip=clip, network=MICRO)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.05 * torch.randn_like(parameter))
        for module in model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
            if isinstance(module, (BasicBlock, Bottleneck)):
                (module.conv3 if isinstance(module, Bottleneck) else module.conv2)[-1].weight.mul_(0.2)
        model.train()(clips_of(model))
    return model.eval()


def clips_of(model, *, batch=2, length=CLIP.length, size=CLIP.size):
    """Coarse noise: fine noise averages to the same features everywhere."""
    generator = torch.Generator().manual_seed(1)
    shape = (batch, length, model.spec.channels, 4, 4)
    coarse = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return coarse.repeat_interleave(size // 4, -1).repeat_interleave(size // 4, -2)


@each_model(MODELS)
def test_logits_of_clips_of_any_size_and_length(model):
    for length, size in ((6, 64), (model.min_frames, 64), (7, 80), (16, 48)):
        with torch.no_grad():
            logits = model(clips_of(model, length=length, size=size))
        assert logits.shape == (2, 5)
        assert logits.isfinite().all()
    if model.min_frames > 1:
        found, needed = model.min_frames - 1, model.min_frames
        message = f"model '{re.escape(model.name)}': {found} frames, expected at least {needed}"
        with pytest.raises(ValueError, match=message):
            model(clips_of(model, length=model.min_frames - 1))


@pytest.mark.slow
@each_model(MODELS)
def test_a_gradient_reaches_every_parameter(model):
    # in evaluation mode: in training, whole blocks are left out at random; in float64: small gradients are not flushed
    model = model.double()
    model(clips_of(model, size=48)).square().sum().backward()
    idle = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not idle
    known = WITHOUT_GRADIENT.get(model.name, ())
    assert [key for key, p in model.named_parameters() if not p.grad.any() and not key.startswith(known)] == []


@pytest.mark.slow
@each_model(MODELS)
def test_clips_of_a_batch_do_not_mix(model):
    model = model.double()
    clips = clips_of(model, batch=3, size=48)
    with torch.no_grad():
        alone, together = model(clips[1:2]), model(clips)
    tolerance = 1e-7 * float(together.abs().max())
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=tolerance)
    assert (together[0] - together[1]).abs().max() > 10 * tolerance, "the clips do not matter: the test is blind"


@pytest.mark.slow
@each_model([name for name in EXPORTABLE if name not in SMALLER])
def test_exported_parts_give_the_same_numbers(tmp_path, model):
    parts = export_parts(thinned(model))
    assert [part.name for part in parts] == (["model", "encoder", "decoder"] if model.separable else ["model"])
    for part in parts:
        if part.name not in left_to_others(model.name):
            assert_same_numbers(part, model, tmp_path)


def test_an_export_leaves_activations_as_they_were():
    decoder = export_parts(model_of("resnet18_lstm"))[2]
    decoder.module.add_module("activation", torch.nn.ReLU(inplace=True))
    part_to_onnx(decoder, opset=20)
    assert decoder.module.activation.inplace


def thinned(model):
    """The model without the third and further ones of equal blocks in a row, which are exported as the first two are.

    Two stay, as blocks of a kind may take turns: every other one of Swin shifts its windows.
    """
    for row in model.modules():
        if isinstance(row, (torch.nn.Sequential, torch.nn.ModuleList)):
            kinds = [kinds_in(block) for block in row]
            alike = [len(block) > 1 and block == before for before, block in pairwise(kinds)]
            repeated = {i + 2 for i, both in enumerate(pairwise(alike)) if all(both)}
            row._modules = {key: block for i, (key, block) in enumerate(row._modules.items()) if i not in repeated}
    return model


def kinds_in(block):
    """Types of the layers of a block and the shapes of their parameters."""
    return [(type(layer), [p.shape for p in layer.parameters(recurse=False)]) for layer in block.modules()]


@pytest.mark.parametrize("name", ["mvit_v2_s", "resnet50_vtn", "swin3d_t"])
def test_a_thinned_model_has_every_kind_of_layer_of_the_whole(name):
    whole = create_model(name, num_classes=5, clip=CLIP, network=MICRO)
    thin = thinned(copy.deepcopy(whole))
    assert len(list(thin.modules())) < 0.8 * len(list(whole.modules()))
    assert numbers_of_layers(thin) == numbers_of_layers(whole)


def numbers_of_layers(model):
    """Shapes of parameters, sizes, strides, shifts of windows, ... of every layer; equal layers count once."""
    return {
        str((kinds_in(layer)[0], {key: n for key, n in vars(layer).items() if isinstance(n, int | tuple | list)}))
        for layer in model.modules()
        if not isinstance(layer, (torch.nn.Sequential, torch.nn.ModuleList))
    }


def left_to_others(model_name):
    """Parts that other models have in common with this one: decoders of VTNs, encoders of RGB frames."""
    if model_name == "resnet18_vtn":
        return ()
    if model_name.endswith("_vtn"):
        return ("model", "decoder")  # and the whole is made of the two
    if model_name.startswith("resnet18_vtn"):
        return ("decoder",)
    return ("encoder",) if model_name.startswith("resnet18") else ()


def assert_same_numbers(part, model, folder):
    path = folder / f"{part.name}.onnx"
    path.write_bytes(part_to_onnx(part, opset=20).SerializeToString())
    network = ov.convert_model(path)
    compiled = core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert (network.inputs[0].any_name, network.outputs[0].any_name) == (part.input_name, part.output_name)
    given = example_of(part, model, 3)
    expected, rounding = exact(part.module, given)
    for batch in (1, 3):  # clips of a batch do not mix: they give the same alone
        found = compiled({part.input_name: given[:batch].numpy()})[0]
        assert len(found) == batch
        assert np.abs(found - expected[: len(found)]).max() <= 1e-4 * np.abs(expected).max() + 5 * rounding


@pytest.mark.slow
@pytest.mark.parametrize(("larger", "smaller"), SMALLER.items())
def test_a_larger_model_has_the_kinds_of_layers_of_the_smaller_one(larger, smaller):
    assert kinds_of_layers(larger) <= kinds_of_layers(smaller)


def test_kinds_of_layers_tell_blocks_apart():
    assert not kinds_of_layers("r3d_50") <= kinds_of_layers("r3d_18")
    assert not kinds_of_layers("mobilenetv2_vtn") <= kinds_of_layers("resnet18_vtn")


def kinds_of_layers(name):
    """Types of layers with their options, whatever the number of channels."""
    kinds = set()
    for module in create_model(name, num_classes=5, clip=CLIP, network=MICRO).modules():
        options = {key: getattr(module, key, None) for key in ("kernel_size", "stride", "padding", "dilation", "eps")}
        groups = getattr(module, "groups", 1)
        groups = "depthwise" if 1 < groups == module.in_channels else groups > 1
        has_bias = getattr(module, "bias", None) is not None
        kinds.add((type(module).__name__, str(options), groups, has_bias))
    return kinds


def exact(module, given):
    """Output in float64, and by how much float32 misses it: random networks blow rounding errors up."""
    with torch.no_grad():
        single = module(given).numpy()
        double = module.double()(given.double() if given.is_floating_point() else given).numpy()
    module.float()
    return double, np.abs(single - double).max()


def example_of(part, model, batch):
    if part.name == "decoder":
        return torch.randn(batch, *part.example.shape[1:])
    clips = clips_of(model, batch=batch)
    return clips if part.name == "model" else stream_frames(model, clips)[:, 0]


def stream_frames(model, clips):
    """What the encoder of a stream takes: B, G, R; where differences are taken, each frame and the next one."""
    frames = clips.flip(2) if clips.shape[2] == 3 else clips
    return torch.cat([frames[:, :-1], frames[:, 1:]], 2) if model.differences else frames


@each_model([name for name in MODELS if name.startswith("resnet18") and not name.endswith(WHOLE)])
def test_streaming_parts_make_up_the_whole(model):
    clips = clips_of(model)
    with torch.no_grad():
        embeddings = torch.stack([model.encode(frames) for frames in clips])
        assert embeddings.shape[:2] == (2, 5 if "rgbdiff" in model.name else 6)
        torch.testing.assert_close(model.decoder(embeddings), model(clips), rtol=1e-4, atol=1e-5)
        _, encoder, decoder = (part.module for part in export_parts(model))
        rows = torch.stack([encoder(frames) for frames in stream_frames(model, clips)])
        torch.testing.assert_close(decoder(rows), model(clips), rtol=1e-4, atol=1e-5)
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (model.spec.mean, model.spec.std))
        torch.testing.assert_close(
            model.forward_normalized((clips / 255 - mean) / std), model(clips), rtol=1e-4, atol=1e-5
        )


def test_a_model_that_cannot_be_exported_says_so(monkeypatch):
    monkeypatch.setitem(EXPORT_OBSTACLES, "resnet18_vtn", "for a reason")
    with pytest.raises(ValueError, match="model 'resnet18_vtn' cannot be exported: for a reason"):
        export_parts(model_of("resnet18_vtn"))


def test_the_exporter_of_a_model_is_known_before_it_is_made():
    assert [part.is_traced for name in TRACED for part in export_parts(model_of(name))] == [True]
    assert not any(part.is_traced for part in export_parts(model_of("resnet18_vtn")))
    assert torch.onnx._constants.ONNX_TORCHSCRIPT_EXPORTER_MAX_OPSET == TRACED_MAX_OPSET


def test_a_clip_that_is_too_short_for_a_model_is_refused_when_it_is_made():
    for name, length, needed in (("s3d", 4, 5), ("resnet18_vtn_rgbdiff", 1, 2)):
        with pytest.raises(ValueError, match=f"'{name}': clip.length is {length}, it needs at least {needed} frames"):
            create_model(name, num_classes=5, clip=Clip(length=length, size=64), network=MICRO)


def test_motion_comes_from_neighbouring_frames():
    differences, frames = model_of("resnet18_vtn_rgbdiff"), model_of("resnet18_vtn_flow")
    still = clips_of(differences, length=1).repeat(1, 6, 1, 1, 1)
    with torch.no_grad():
        black = torch.zeros_like(still)
        torch.testing.assert_close(differences(still), differences(black))  # nothing moves in either
        no_motion = torch.full((1, 6, 2, 64, 64), 128, dtype=torch.uint8)
        torch.testing.assert_close(frames(no_motion), frames.forward_normalized(torch.zeros(1, 6, 2, 64, 64)))


def test_two_streams_are_the_mean_of_their_networks():
    model = model_of("resnet18_vtn_two_stream_flow")
    assert (model.spec.modality, model.spec.color_order, model.spec.channels) == ("rgb+flow", "RGBXY", 5)
    clips = model.normalized(clips_of(model))
    logits = []
    for stream, channels in (("rgb", slice(0, 3)), ("motion", slice(3, 5))):
        embedded = model.decoder[stream].embed(model.encoder[stream](clips[:, :, channels].flatten(0, 1)))
        logits.append(model.decoder[stream](embedded.unflatten(0, (2, 6))))
    torch.testing.assert_close(model.forward_normalized(clips), (logits[0] + logits[1]) / 2)
