"""Files of models that are damaged, edited or odd: one clear line, and never another network."""

import copy
import math

import pytest
import torch
from corpus import CLIP
from everyday import mostly_slow

from kinema.experiment.model_sections import Network
from kinema.models.encoders import create_encoder
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint
from kinema.models.loading.content import content_digest
from kinema.models.loading.importing import import_checkpoint
from kinema.models.loading.network_weights import classes_of, load_streams, load_weights
from kinema.models.registry import create_model

NETWORK = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32)
LABELS = ["walk", "run", "jump"]
NAME = "test_efficientnet_vtn"
NUMBERS = [-1, 0, 3.5, math.nan, 10**12, 10**30]
ODD = [*NUMBERS, None, True, "x", "a\nb", [], ["a", 2, []], {}, {"x": 1}, torch.ones(2)]
FIRST = "encoder.body.conv_stem.weight"
TENSORS = {
    "sparse": lambda tensor: tensor.to_sparse(),
    "quantized": lambda tensor: torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8),
    "without numbers": lambda tensor: tensor.to("meta"),
    "complex": lambda tensor: tensor.to(torch.complex64),
    "integer": lambda tensor: tensor.to(torch.int64),
    "number": lambda tensor: tensor.sum(),
    "flat": lambda tensor: tensor.flatten(),
    "huge": lambda tensor: torch.ones(1).expand(10**12),
    "float8": lambda tensor: tensor.to(torch.float8_e4m3fn),
}


def network(**settings):
    return create_model(NAME, num_classes=3, clip=CLIP, network=NETWORK.model_copy(update=settings))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.pth"
    torch.manual_seed(1)
    save_checkpoint(path, network().eval(), labels=LABELS, settings={"seed": 1})
    return path


def outcome(read, path):
    """What a reader gives, or None where it says in one line of a ValueError what is wrong with the file."""
    try:
        return read(path)
    except ValueError as error:
        told = str(error)
    assert str(path) in told
    assert "\n" not in told
    return None


EVERYDAY = ("format", "model", "num_classes", "input", "network", "state_dict", "input.mean", "network.embedding")


def entries():
    yield from ("format", "format_version", "kinema_version", "model", "num_classes", "labels", "input", "clip")
    yield from ("network", "settings", "state_dict")
    yield from (f"input.{key}" for key in ("num_frames", "size", "mean", "std", "modality", "color_order", "layout"))
    yield from (f"clip.{key}" for key in ("length", "stride", "size"))
    yield from (f"network.{key}" for key in ("embedding", "num_blocks", "num_heads", "feedforward", "hidden"))
    yield from ("network.dropout", "network.layer_norm", "network.weights", f"state_dict/{FIRST}", "state_dict/more")


@pytest.mark.slow
@pytest.mark.parametrize("entry", mostly_slow(entries(), everyday=EVERYDAY))
def test_an_odd_entry_is_told_or_changes_nothing(saved, tmp_path, entry):
    path = tmp_path / "odd.pth"
    content = torch.load(saved, weights_only=True)
    del content["digest"]  # as in files of older versions
    expected = load_checkpoint(saved)
    model = network()
    clips = torch.randint(0, 255, (1, 4, 3, 48, 48), dtype=torch.uint8)
    for value in ODD:
        changed = copy.deepcopy(content)
        *parents, key = entry.split("/" if "/" in entry else ".", 1)
        (changed[parents[0]] if parents else changed)[key] = value
        torch.save(changed, path)
        if (found := outcome(load_checkpoint, path)) is not None:
            assert found.labels == LABELS, value
            assert found.model.spec == expected.model.spec, value
            torch.testing.assert_close(found.model(clips), expected.model(clips), rtol=0, atol=0)
        outcome(classes_of, path)
        outcome(lambda file: load_weights(model, file), path)


@pytest.mark.parametrize("kind", TENSORS)
def test_an_odd_tensor_is_told(saved, tmp_path, kind):
    path = tmp_path / "odd.pth"
    content = torch.load(saved, weights_only=True)
    del content["digest"]
    content["state_dict"][FIRST] = TENSORS[kind](content["state_dict"][FIRST])
    torch.save(content, path)
    assert outcome(load_checkpoint, path) is None
    assert outcome(lambda file: load_weights(network(), file), path) is None
    assert outcome(lambda file: create_encoder("test_efficientnet", str(file)), path) is None
    two = create_model(f"{NAME}_two_stream", num_classes=3, clip=CLIP, network=NETWORK)
    assert outcome(lambda file: load_streams(two, {"rgb": file, "motion": saved}), path) is None


@pytest.mark.parametrize("kind", TENSORS)
def test_an_odd_tensor_of_a_published_checkpoint_is_told(tmp_path, kind):
    """Every tensor of it that tells something, one after the other."""
    path = tmp_path / "odd.pth"
    attention = "self_attention_decoder.layers.0.slf_attn"
    shapes = {
        "resnet.0.weight": (64, 3, 7, 7),
        "resnet.6.0.conv1.weight": (1, 1, 1, 1),
        "resnet.6.1.conv1.weight": (1, 1, 1, 1),
        "fc.weight": (3, 32),
        "self_attention_decoder.position_encoding.enc.weight": (16, 32),
        f"{attention}.w_qs": (2, 32, 16),
        f"{attention}.w_ks": (2, 32, 16),
        f"{attention}.w_vs": (2, 32, 16),
        "self_attention_decoder.layers.0.pos_ffn.w_1.weight": (32, 32, 1),
    }
    for name in shapes:
        state = {key: torch.zeros(shape) for key, shape in shapes.items()}
        state[name] = TENSORS[kind](state[name])
        torch.save({"state_dict": state}, path)
        assert outcome(lambda file: import_checkpoint(file, out=tmp_path / "model.pth"), path) is None
        outcome(classes_of, path)
    assert not (tmp_path / "model.pth").exists()


def test_a_flipped_byte_is_told_or_changes_nothing(saved, tmp_path):
    whole, expected = saved.read_bytes(), load_checkpoint(saved)
    path = tmp_path / "damaged.pth"
    weights = expected.model.state_dict()[FIRST].numpy().tobytes()
    certain = [whole.index(weights) + 5, whole.index(b"jump"), whole.index(b"num_heads") + 2]
    step = len(whole) // 20
    for place in [*certain, *range(7, len(whole), step)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        found = outcome(load_checkpoint, path)
        assert found is None or place not in certain
        if found is not None:
            assert found.labels == expected.labels
            same = expected.model.state_dict()
            assert all(torch.equal(value, same[key]) for key, value in found.model.state_dict().items())


def test_every_reader_tells_that_numbers_changed(saved, tmp_path):
    whole = saved.read_bytes()
    place = whole.index(load_checkpoint(saved).model.state_dict()[FIRST].numpy().tobytes())
    path = tmp_path / "damaged.pth"
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
    two = create_model(f"{NAME}_two_stream", num_classes=3, clip=CLIP, network=NETWORK)
    for read in (
        load_checkpoint,
        classes_of,
        lambda file: load_weights(network(), file),
        lambda file: load_streams(two, {"rgb": saved, "motion": file}),
        lambda file: create_encoder("test_efficientnet", str(file)),
    ):
        with pytest.raises(ValueError, match=r"damaged.pth: .* not what was written"):
            read(path)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool])
def test_a_digest_knows_names_shapes_types_and_numbers(kind):
    tensor = torch.tensor([[0, 1, 0], [1, 0, 1]]).to(kind)
    changed = tensor.clone()
    changed[0, 0] = 1
    states = [{"a": tensor}, {"b": tensor}, {"a": tensor.T}, {"a": tensor.flatten()}, {"a": tensor.double()}]
    states += [{"a": changed}, {"a": tensor[0, 0]}, {}]
    assert len({content_digest({"state_dict": state}) for state in states}) == len(states)
    assert content_digest({"state_dict": {"a": tensor.T.contiguous()}}) == content_digest({"state_dict": states[2]})


def test_files_of_versions_without_a_digest_still_load(saved, tmp_path):
    content = torch.load(saved, weights_only=True)
    del content["digest"]
    torch.save(content, tmp_path / "old.pth")
    assert load_checkpoint(tmp_path / "old.pth").labels == LABELS
