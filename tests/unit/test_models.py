import dataclasses

import pytest
import torch
from timm.layers import DropPath

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.spec import InputSpec
from kinema.models.clip_network import create_clip_encoder, register_clip_network
from kinema.models.decoder import Decoder
from kinema.models.encoders import BUNDLED_MEAN, FLOW_MEAN, create_encoder, register_encoder
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint
from kinema.models.loading.encoder_weights import bundled_file
from kinema.models.names import DECODERS, ENCODERS, OWN_ENCODERS
from kinema.models.positions import position_table
from kinema.models.registry import create_model, decoders, register_decoder
from kinema.models.vtn import FrameNorm, VTNDecoder

CLIP = Clip(length=4, stride=2, size=64)
MICRO = Network(encoder_weights="none", embedding=32, num_blocks=2, num_heads=4, feedforward=48)
MODELS = ["resnet18_vtn", "resnet18_baseline", "efficientnet_lite0_vtn"]


def model_of(name="resnet18_vtn", *, clip=CLIP, **changes):
    torch.manual_seed(0)
    return create_model(name, num_classes=5, clip=clip, network=MICRO.model_copy(update=changes)).eval()


def clips_of(*, batch=2, length=4, size=64):
    generator = torch.Generator().manual_seed(1)
    coarse = torch.randint(0, 256, (batch, length, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return coarse.repeat_interleave(size // 4, -1).repeat_interleave(size // 4, -2)


@pytest.fixture(scope="module")
def models():
    """One model of each name, in evaluation mode; tests must not change them."""
    return {name: model_of(name) for name in MODELS}


@pytest.mark.parametrize(("name", "aware"), [("resnet18_vtn", True), ("resnet18_baseline", False)])
def test_only_vtn_sees_the_order_of_frames(models, name, aware):
    clips = clips_of()
    with torch.no_grad():
        difference = (models[name](clips) - models[name](clips.flip(1))).abs().max()
    assert (difference > 1e-3) == aware


def test_wrong_input_is_refused(models):
    with pytest.raises(ValueError, match=r"frames are torch.float32, expected uint8"):
        models["resnet18_vtn"](clips_of().float())
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 64, 64\), expected \(B, T, 3, H, W\): .* takes rgb"):
        models["resnet18_vtn"](clips_of().transpose(1, 2))


def test_positions_beyond_the_clip_are_computed():
    table = position_table(7, 32)
    assert not table[0].any()
    angle = torch.tensor(3 / 10000 ** (4 / 32))
    torch.testing.assert_close(table[3, 4:6], torch.stack([angle.sin(), angle.cos()]))
    short, long = (VTNDecoder(32, num_classes=5, clip=Clip(length=n), network=MICRO).eval() for n in (4, 7))
    long.load_state_dict(short.state_dict())  # the table is not part of it
    embeddings = torch.randn(2, 7, 32)
    before = embeddings.clone()
    assert torch.equal(short(embeddings), long(embeddings))
    assert torch.equal(embeddings, before)


def test_norm_uses_the_unbiased_deviation_and_skips_single_frames():
    norm = FrameNorm(4)
    x = torch.tensor([[[1.0, 2, 3, 4], [0, 0, 0, 0]]])
    expected = torch.tensor([-1.5, -0.5, 0.5, 1.5]) / ((5 / 3) ** 0.5 + 1e-3)
    torch.testing.assert_close(norm(x)[0, 0], expected)
    assert not norm(x)[0, 1].any()
    assert torch.equal(norm(x[:, :1]), x[:, :1])


def test_layer_norm_can_be_left_out(models):
    plain = model_of(layer_norm=False)
    left_out = set(models["resnet18_vtn"].state_dict()) - set(plain.state_dict())
    assert len(left_out) == 8
    assert all("_norm." in key for key in left_out)


def test_an_lstm_reads_the_clip_in_one_direction_or_both():
    both, one = model_of("resnet18_lstm"), model_of("resnet18_lstm", bidirectional=False, hidden=40)
    assert (both.decoder.fc.in_features, one.decoder.fc.in_features) == (1024, 40)
    embeddings = torch.rand(1, 6, 512)
    changed = embeddings.clone()
    changed[:, -1] += 1
    for model, sees in ((both, True), (one, False)):
        steps, after = model.decoder.lstm(embeddings)[0], model.decoder.lstm(changed)[0]
        assert bool((steps[:, 0] != after[:, 0]).any()) is sees
        with torch.no_grad():
            assert model(clips_of()).isfinite().all()


def test_param_groups_follow_the_recipe(models):
    model = model_of()
    groups = model.param_groups(lr=1.0, encoder_lr_factor=0.1, layer_decay=1.0, weight_decay=0.5)
    assert [(g["name"], g["lr"], g["weight_decay"]) for g in groups] == [
        ("encoder", 0.1, 0.5),
        ("encoder_1d", 0.1, 0.0),
        ("decoder", 1.0, 0.5),
        ("decoder_1d", 1.0, 0.0),
    ]
    assert all((p.ndim > 1) == (g["weight_decay"] > 0) for g in groups for p in g["params"])
    assert sum(len(g["params"]) for g in groups) == len(list(model.parameters()))
    frozen = model.param_groups(lr=1.0, encoder_lr_factor=0, layer_decay=1.0, weight_decay=0.5)
    assert [g["name"] for g in frozen] == ["decoder", "decoder_1d"]
    assert not any(p.requires_grad for p in model.encoder.parameters())


@pytest.mark.parametrize("name", ["resnet18_vtn", "vit_tiny_patch16_224_vtn", "resnet18_vtn_two_stream"])
def test_layers_of_an_encoder_learn_slower_towards_the_pixels(name):
    with torch.device("meta"):
        model = create_model(name, num_classes=5, clip=CLIP, network=MICRO)
    groups = model.param_groups(lr=2.0, encoder_lr_factor=0.5, layer_decay=0.5, weight_decay=0.1)
    parameters = [id(p) for group in groups for p in group["params"]]
    assert sorted(parameters) == sorted(map(id, model.parameters())), "each once"
    assert all((p.ndim > 1) == (group["weight_decay"] > 0) for group in groups for p in group["params"])
    assert [(group["name"], group["lr"]) for group in groups[-2:]] == [("decoder", 2.0), ("decoder_1d", 2.0)]
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    bodies = model.encoder.values() if isinstance(model.encoder, torch.nn.ModuleDict) else [model.encoder]
    for body in (encoder.body for encoder in bodies):
        blocks = (
            body.blocks if hasattr(body, "blocks") else [block for n in "1234" for block in getattr(body, f"layer{n}")]
        )
        found = [rates[id(next(block.parameters()))] for block in blocks]
        assert found == [found[0] * 2**number for number in range(len(blocks))]
        stem = body.patch_embed.proj if hasattr(body, "patch_embed") else body.conv1
        assert rates[id(stem.weight)] == found[0] / 2
        assert max(rates[id(p)] for p in body.parameters()) == 1.0, "the last layer at the encoder's rate"


@pytest.mark.parametrize("name", ["rmnet_vtn", "r3d_18"])
def test_layers_whose_order_timm_does_not_know_have_one_rate(name):
    with torch.device("meta"):
        model = create_model(name, num_classes=5, clip=CLIP, network=MICRO)
    message = (
        f"model '{name}': training.layer_decay is 0.5, but timm knows no order of this encoder's layers; set it to 1"
    )
    with pytest.raises(ValueError, match=message):
        model.param_groups(lr=1.0, encoder_lr_factor=1.0, layer_decay=0.5, weight_decay=0.1)
    assert model.param_groups(lr=1.0, encoder_lr_factor=1.0, layer_decay=1.0, weight_decay=0.1)


# what is left out at random in training


@pytest.mark.parametrize("encoder", ["resnet18", "efficientnet_lite0", "vit_tiny_patch16_224", "convnext_tiny"])
def test_blocks_of_an_encoder_are_left_out_in_training(encoder):
    with torch.device("meta"):
        model = create_model(
            f"{encoder}_vtn", num_classes=5, clip=CLIP, network=MICRO.model_copy(update={"drop_path_rate": 0.2})
        )
        plain = create_model(f"{encoder}_vtn", num_classes=5, clip=CLIP, network=MICRO)
    rates = [layer.drop_prob for layer in model.modules() if isinstance(layer, DropPath)]
    assert 0.1 < max(rates) < 0.201
    assert min(rates) < 0.1
    assert not any(isinstance(layer, DropPath) and layer.drop_prob for layer in plain.modules())
    assert list(model.state_dict()) == list(plain.state_dict())


@pytest.mark.parametrize("name", ["densenet121_vtn", "se_resnext50_32x4d_vtn", "rmnet_vtn", "vgg11_vtn", "r3d_18"])
def test_a_network_whose_blocks_cannot_be_left_out_is_refused(name):
    encoder = name.removesuffix("_vtn")
    with (
        torch.device("meta"),
        pytest.raises(ValueError, match=f"'{encoder}': network.drop_path_rate is 0.2, but this network"),
    ):
        create_model(name, num_classes=5, clip=CLIP, network=MICRO.model_copy(update={"drop_path_rate": 0.2}))


@pytest.mark.parametrize("name", [*(f"resnet18_{decoder}" for decoder in DECODERS), "r3d_18"])
def test_features_are_dropped_before_the_classifier_in_training_alone(name):
    torch.manual_seed(0)
    network = MICRO.model_copy(update={"head_dropout": 0.9, "dropout": 0.0})
    model = create_model(name, num_classes=5, clip=CLIP, network=network).eval()
    clips = clips_of(batch=1)
    with torch.no_grad():
        assert torch.equal(model(clips), model(clips))
        model.decoder.train()  # batch norms stay
        assert not torch.equal(model(clips), model(clips))


def test_only_clip_networks_have_dropout_before_the_classifier_by_themselves():
    for name, rate in (("inception_i3d", 0.5), ("resnet18_vtn", 0.0)):
        with torch.device("meta"):
            head = create_model(name, num_classes=5, clip=CLIP, network=MICRO).decoder
        assert (head.dropout.p if name == "inception_i3d" else head.fc.dropout) == rate


def test_a_decoder_without_a_classifier_that_drops_is_refused(monkeypatch):
    class Bare(Decoder):
        pass

    monkeypatch.setitem(DECODERS, "bare", __name__)
    monkeypatch.setitem(decoders._entries, "bare", Bare)
    network = MICRO.model_copy(update={"head_dropout": 0.5})
    with (
        torch.device("meta"),
        pytest.raises(ValueError, match=r"decoder 'bare': network.head_dropout is 0.5, but it has no"),
    ):
        create_model("resnet18_bare", num_classes=5, clip=CLIP, network=network)


# names, registry, spec


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="decoder 'vtn' is registered twice"):
        register_decoder("vtn")(VTNDecoder)
    create_encoder("rmnet", "none")
    with pytest.raises(ValueError, match="encoder 'rmnet' is registered twice"):
        register_encoder("rmnet")(VTNDecoder)
    create_clip_encoder("s3d", "none")
    with pytest.raises(ValueError, match="clip network 's3d' is registered twice"):
        register_clip_network("s3d")(VTNDecoder)


def test_every_well_known_encoder_is_a_timm_model():
    import timm

    assert {name for name in ENCODERS.values() if not timm.is_model(name)} == set(OWN_ENCODERS)


@pytest.mark.parametrize(
    ("name", "size", "shape"),
    [
        ("vit_tiny_patch16_224", 64, (192, 4, 4)),  # tokens, with a class token
        ("mixer_s16_224", 64, (512, 4, 4)),  # tokens
        ("swin_tiny_patch4_window7_224", 64, (768, 2, 2)),  # channels last
        ("convnext_tiny", 64, (768, 2, 2)),
        ("maxvit_rmlp_pico_rw_256", 64, (256, 2, 2)),
    ],
)
def test_encoders_of_every_layout_give_maps(name, size, shape):
    encoder = create_encoder(name, "none", size=size).eval()
    frames = torch.rand(2, 3, size, size)
    with torch.no_grad():
        maps = encoder(frames)
        assert maps.shape == (2, *shape)
        half = frames.clone()
        half[..., : size // 2, :] = 0  # the upper half of the map is what changes most
        change = (encoder(half) - maps).abs().mean((0, 1, 3))
    assert change[0] > change[-1]


def test_an_encoder_that_cannot_take_the_frames_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match=r"encoder 'coat_tiny': timm cannot build it without pooling for 64 pixels"):
        create_encoder("coat_tiny", "none", size=64)
    with pytest.raises(ValueError, match=r"encoder 'efficientformer_l1' cannot take frames of 64 x 64 pixels"):
        create_encoder("efficientformer_l1", "none", size=64)


def test_flow_starts_from_the_mean_of_rgb_weights(tmp_path):
    rgb = create_encoder("resnet18", "none")
    torch.save(rgb.body.state_dict(), tmp_path / "rgb.pth")
    flow = create_encoder("resnet18", str(tmp_path / "rgb.pth"), channels=2)
    expected = rgb.body.conv1.weight.mean(1)
    assert torch.equal(flow.body.conv1.weight[:, 0], expected)
    assert torch.equal(flow.body.conv1.weight[:, 1], expected)
    assert torch.equal(flow.body.layer4[0].conv1.weight, rgb.body.layer4[0].conv1.weight)
    assert flow.mean == FLOW_MEAN
    assert create_encoder("efficientnet_lite0", "bundled", channels=2).body.conv_stem.weight.shape[1] == 2


def test_mobilenetv2_is_the_published_one_without_relu6():
    kinds = {type(module).__name__ for module in create_encoder("mobilenetv2", "none").modules()}
    assert "ReLU" in kinds
    assert "ReLU6" not in kinds


def test_spec_survives_json_and_rejects_nonsense(models):
    spec = models["resnet18_vtn"].spec
    assert (spec.num_frames, spec.stride, spec.size, spec.mean) == (4, 2, 64, (0.485, 0.456, 0.406))
    assert InputSpec.from_dict(spec.to_dict()) == spec
    with pytest.raises(ValueError, match="unknown or missing keys means"):
        InputSpec.from_dict({**spec.to_dict(), "means": 1})
    for change, message in (
        ({"mean": (123, 116, 103)}, r"mean is \(123.0.*between 0 and 1"),
        ({"std": (0.2, 0.2, 0.0)}, "numbers above 0"),
        ({"stride": 0}, "stride is 0, expected a positive integer"),
        ({"color_order": "BGR"}, "color_order is 'BGR', allowed: RGB"),
        ({"modality": "depth"}, "modality is 'depth', allowed: rgb, flow"),
        ({"modality": "flow", "color_order": "XY"}, "mean is .*expected 2 numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(spec, **change)


# weights


def test_bundled_weights_are_loaded():
    encoder = create_encoder("efficientnet_lite0", "auto")
    assert encoder.mean == BUNDLED_MEAN
    source = torch.load(bundled_file(), weights_only=True)
    own = encoder.body.state_dict()
    assert len(source) == len(own) + 2  # without the classifier
    assert all(torch.equal(a, b) for a, b in zip(source.values(), own.values(), strict=False))
    random = create_encoder("efficientnet_lite0", "none").body.state_dict()
    assert not torch.equal(own["conv_stem.weight"], random["conv_stem.weight"])


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_from_a_file(tmp_path, suffix):
    from safetensors.torch import save_file

    source = create_encoder("resnet18", "none").body.state_dict()
    state = {**source, "fc.weight": torch.zeros(1000, 512)}
    path = tmp_path / f"resnet18{suffix}"
    if suffix == ".pth":
        torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    else:
        save_file(state, path)
    loaded = create_encoder("resnet18", str(path)).body.state_dict()
    assert all(torch.equal(source[key], loaded[key]) for key in source)


def test_weights_that_do_not_fit_are_listed(tmp_path):
    state = create_encoder("resnet18", "none").body.state_dict()
    del state["bn1.bias"]
    state |= {"stem.weight": torch.zeros(1), "conv1.weight": torch.zeros(64, 1, 7, 7)}
    torch.save(state, tmp_path / "odd.pth")
    message = r"1 missing: bn1.bias; 1 left over: stem.weight; 1 misshapen: conv1.weight \(64, 1, 7, 7\) instead of"
    with pytest.raises(ValueError, match=message):
        create_encoder("resnet18", str(tmp_path / "odd.pth"))
    with pytest.raises(ValueError, match=r"absent.pth: no such file; expected weights of the encoder 'resnet18'"):
        create_encoder("resnet18", str(tmp_path / "absent.pth"))


def test_what_was_never_published_starts_at_random_with_a_warning(caplog):
    create_encoder("rmnet", "auto")
    assert "encoder 'rmnet': no weights are published for it; it starts at random" in caplog.text


# checkpoints

LABELS = ["a", "b", "c", "d", "e"]


def test_a_checkpoint_gives_the_same_logits(tmp_path, models):
    model, clips = models["efficientnet_lite0_vtn"], clips_of()
    model = model_of("efficientnet_lite0_vtn")
    model.network = MICRO.model_copy(update={"encoder_weights": "timm"})  # loading must not go and fetch them
    model.spec = dataclasses.replace(model.spec, mean=BUNDLED_MEAN)
    model.pixel_mean.fill_(127)
    path = tmp_path / "run" / "model.pth"
    save_checkpoint(path, model, labels=LABELS, settings={"training": {"lr": 1e-4}})
    loaded = load_checkpoint(path)
    with torch.no_grad():
        assert torch.equal(loaded.model(clips), model(clips))
    assert (loaded.labels, loaded.settings) == (LABELS, {"training": {"lr": 1e-4}})
    assert (loaded.model.spec, loaded.model.clip, loaded.model.network) == (model.spec, model.clip, model.network)
    assert not loaded.model.training
    assert [file.name for file in path.parent.iterdir()] == ["model.pth"]
    encoder = create_encoder("efficientnet_lite0", str(path))
    assert torch.equal(encoder.body.conv_stem.weight, model.encoder.body.conv_stem.weight)


def test_a_model_starts_from_another_of_the_same_network(tmp_path):
    model, path = model_of(), tmp_path / "model.pth"
    save_checkpoint(path, model, labels=LABELS, settings={})
    again = model_of(weights=str(path), encoder_weights="timm", dropout=0.5)  # nothing is fetched
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
    assert again.network.weights == str(path)
    with pytest.raises(ValueError, match=r"model.pth: its network has num_heads: 4; the configured one num_heads: 2"):
        model_of(weights=str(path), num_heads=2)
    with pytest.raises(ValueError, match=r"weights of 'resnet18_vtn', the model is 'resnet18_baseline'"):
        model_of("resnet18_baseline", weights=str(path))


def test_labels_must_match_the_classes(tmp_path, models):
    with pytest.raises(ValueError, match="2 labels for a model of 5 classes"):
        save_checkpoint(tmp_path / "m.pth", models["resnet18_vtn"], labels=["a", "b"], settings={})
    assert not list(tmp_path.iterdir())


def test_other_files_are_no_checkpoints(tmp_path, models):
    path = tmp_path / "model.pth"
    save_checkpoint(path, models["resnet18_vtn"], labels=LABELS, settings={})
    content = torch.load(path, weights_only=True)
    del content["digest"]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"model.pth: cannot be read as a kinema checkpoint") as error:
        load_checkpoint(path)
    assert "\n" not in str(error.value)
    for changed, message in (
        ({"state_dict": {}}, r"model.pth: not a kinema checkpoint"),
        (content | {"format_version": 99}, r"checkpoint format 99, .*reads format 1"),
        ({key: value for key, value in content.items() if key != "labels"}, r"edited checkpoint: no entry 'labels'"),
        (content | {"num_classes": 4}, r"edited checkpoint: 5 labels for 4 classes"),
        (content | {"num_classes": 4, "labels": LABELS[:4]}, r"edited checkpoint: .*2 misshapen: decoder.fc.weight"),
        (content | {"network": {"width": 3}}, r"edited checkpoint: .*width"),
    ):
        torch.save(changed, path)
        with pytest.raises(ValueError, match=message):
            load_checkpoint(path)
