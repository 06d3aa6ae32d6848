"""What decoders make of the order of frames: convolutions, recurrence, attention, and shifts inside the encoder."""

import pytest
import torch

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.attn_pool import AttentivePoolDecoder
from kinema.models.gru import GRUDecoder
from kinema.models.names import DECODERS, ENCODERS
from kinema.models.registry import create_model
from kinema.models.tcn import TCNDecoder
from kinema.models.tsm import first_layers, shifted

CLIP = Clip(length=6, stride=2, size=64)
MICRO = Network(
    encoder_weights="none", embedding=32, num_blocks=2, num_heads=4, feedforward=48, hidden=24, dropout=0.0, shift_div=4
)
SEE_THE_ORDER = {"attn_lstm", "attn_pool", "gru", "lstm", "tcn", "tsm", "vtn"}


def model_of(name, **changes):
    """A model whose residual branches are used: their last norms start at zero."""
    torch.manual_seed(0)
    model = create_model(name, num_classes=5, clip=CLIP, network=MICRO.model_copy(update=changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.2 * torch.rand_like(parameter))
    return model


def decoder_of(kind, *, num_features=16, **changes):
    torch.manual_seed(0)
    network = MICRO.model_copy(update=changes)
    return kind(num_features, num_classes=5, clip=CLIP, network=network).eval().requires_grad_(False)


def clips_of(*, batch=2, length=CLIP.length, size=CLIP.size):
    generator = torch.Generator().manual_seed(1)
    coarse = torch.randint(0, 256, (batch, length, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return coarse.repeat_interleave(size // 4, -1).repeat_interleave(size // 4, -2)


def frames_that_feel(frame_logits, given, *, changed):
    """Numbers of the frames whose logits differ where that frame is another one."""
    other = given.clone()
    other[:, changed] = other[:, changed].flip(-1)
    difference = (frame_logits(given) - frame_logits(other)).abs().amax((0, 2))
    return [number for number, value in enumerate(difference) if value > 1e-6]


@pytest.mark.parametrize("decoder", DECODERS)
def test_all_decoders_but_the_baseline_see_the_order_of_frames(decoder):
    model, clips = model_of(f"resnet18_{decoder}"), clips_of()
    with torch.no_grad():
        difference = (model(clips) - model(clips.flip(1))).abs().max()
    assert (difference > 1e-4) == (decoder in SEE_THE_ORDER)


def test_a_gru_reads_the_clip_in_one_direction_or_both():
    embeddings = torch.rand(2, 6, 16)
    for both, expected in ((True, [0, 1, 2, 3, 4, 5]), (False, [3, 4, 5])):
        decoder = decoder_of(GRUDecoder, bidirectional=both)
        assert frames_that_feel(decoder.frame_logits, embeddings, changed=3) == expected
        assert decoder.fc.in_features == 24 * (1 + both)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"num_blocks": 1}, [1, 2, 3]),
        ({"num_blocks": 1, "kernel": 5}, [0, 1, 2, 3, 4]),
        ({"num_blocks": 2}, [0, 1, 2, 3, 4, 5]),
        ({"num_blocks": 1, "bidirectional": False}, [2, 3, 4]),
        ({"num_blocks": 1, "bidirectional": False, "kernel": 2}, [2, 3]),
        ({"num_blocks": 20, "bidirectional": False}, [2, 3, 4, 5]),
    ],
)
def test_blocks_of_a_tcn_see_further_from_one_to_the_next(settings, expected):
    decoder = decoder_of(TCNDecoder, **settings)
    assert frames_that_feel(decoder.frame_logits, torch.rand(2, 6, 24), changed=2) == expected


def test_an_even_kernel_has_no_middle():
    with pytest.raises(ValueError, match=r"kernel \(4\) must be odd; an even one needs bidirectional: false"):
        Network(kernel=4)


def test_attentive_pooling_takes_tokens_at_any_place_of_a_frame_and_knows_their_time():
    decoder = decoder_of(AttentivePoolDecoder, num_blocks=1)
    assert len(decoder.blocks) == 0, "one block pools, and that is all"
    tokens = decoder.embed(torch.rand(12, 16, 2, 3)).unflatten(0, (2, 6))
    assert tokens.shape == (2, 6, 6, 32)
    logits = decoder(tokens)
    torch.testing.assert_close(decoder(tokens[:, :, torch.randperm(6)]), logits)
    assert (decoder(tokens.flip(1)) - logits).abs().max() > 1e-4
    longer = torch.cat([tokens, tokens], 1)
    assert decoder(longer).shape == (2, 5), "clips longer than those of the training"
    assert len(decoder_of(AttentivePoolDecoder, num_blocks=4).blocks) == 3


# shifts


@pytest.mark.parametrize("axis", [2, -1])
def test_channels_come_from_neighbouring_frames(axis):
    clip = torch.tensor([[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34]]).float()
    given = clip[None, :, :, None] if axis == 2 else clip[None, :, None]
    both = shifted(given, axis, count=1, both_ways=True).squeeze()
    assert both.tolist() == [[0, 22, 13, 14], [11, 32, 23, 24], [21, 0, 33, 34]]
    back = shifted(given, axis, count=1, both_ways=False).squeeze()
    assert back.tolist() == [[0, 12, 13, 14], [11, 22, 23, 24], [21, 32, 33, 34]]


@pytest.mark.parametrize("encoder", ["resnet18", "efficientnet_lite0", "vit_tiny_patch16_224"])
def test_a_shifting_encoder_has_the_tensors_of_one_that_does_not_shift(encoder):
    model, plain = model_of(f"{encoder}_tsm"), model_of(f"{encoder}_baseline")
    assert list(model.state_dict()) == list(plain.state_dict())
    model.load_state_dict(plain.state_dict())
    clips = clips_of()
    with torch.no_grad():
        assert (model(clips) - plain(clips)).abs().max() > 1e-4
        alone = [model(clips[:, number : number + 1]) for number in range(6)]
    assert not torch.allclose(torch.stack(alone).mean(0), model(clips), atol=1e-4)


@pytest.mark.parametrize(("both", "expected"), [(True, [0, 1, 2, 3, 4, 5]), (False, [3, 4, 5])])
def test_frames_of_a_shifting_encoder_see_neighbours_on_one_side_or_both(both, expected):
    model = model_of("resnet18_tsm", bidirectional=both).requires_grad_(False)
    clips = clips_of()
    assert frames_that_feel(lambda given: model.evidence(given)[1], clips, changed=3) == expected
    # one clip of another length after the other
    assert model(clips[:, :4]).shape == (2, 5)
    assert torch.equal(model(clips), model(clips))


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_of_our_list_can_shift(encoder):
    with torch.device("meta"):
        model = create_model(f"{encoder}_tsm", num_classes=5, clip=CLIP, network=MICRO)
    assert len(first_layers(model.encoder.body)) >= 4


@pytest.mark.parametrize(("encoder", "number"), [("resnet18", 8), ("resnet50", 16), ("efficientnet_lite0", 9)])
def test_blocks_without_a_shortcut_do_not_shift(encoder, number):
    with torch.device("meta"):
        model = create_model(f"{encoder}_tsm", num_classes=5, clip=CLIP, network=MICRO)
    assert sum(bool(layer._forward_pre_hooks) for layer in model.encoder.body.modules()) == number


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["swin_tiny_patch4_window7_224", "convnext_tiny", "mixer_s16_224", "densenet121"])
def test_encoders_of_every_layout_shift(encoder):
    model, clips = model_of(f"{encoder}_tsm"), clips_of(batch=1)
    with torch.no_grad():
        assert (model(clips) - model(clips.flip(1))).abs().max() > 1e-5


def test_an_encoder_without_known_blocks_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match=r"encoder 'vgg11' cannot be used with tsm: it has no residual blocks"):
        model_of("vgg11_tsm")
