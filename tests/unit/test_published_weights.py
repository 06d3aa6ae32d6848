"""Published weights: which file a model needs, how rule weights brings it there, and what is read from it."""

import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import timm
import torch
import torchvision
from huggingface_hub import constants
from loopback import COMMIT, DEAD, Server, serving
from safetensors.torch import save, save_file

from kinema.input_error import InputError
from kinema.models.clip_network import create_clip_encoder
from kinema.models.encoders import create_encoder
from kinema.models.loading.download import download_weights
from kinema.models.model_name import parse_model_name
from kinema.models.names import CLIP_NETWORKS, ENCODERS, OWN_ENCODERS, TORCHVISION
from kinema.models.published import is_published, published_path
from kinema.records.weights import Weights

NAME = "test_resnet"
FULL_NAME = "test_resnet.r160_in1k"
REPOSITORY = f"timm/{FULL_NAME}"
PATH, RECORD = Path(f"weights/timm/{NAME}.safetensors"), Path(f"weights/timm/{NAME}.safetensors.json")
CARD = b"---\nlicense: cc-by-nc-4.0\nlibrary_name: timm\n---\n# A model\n"


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    """Weights of timm's network, its classifier included."""
    torch.manual_seed(0)
    return timm.create_model(NAME).state_dict()


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def hub(server, tensors, tmp_path, monkeypatch) -> Server:
    """A hub that has the weights; the working directory is a project, and no cache of the user's is touched."""
    server.files = {f"{REPOSITORY}/model.safetensors": save(tensors), f"{REPOSITORY}/README.md": CARD}
    monkeypatch.chdir(tmp_path)
    point_to(monkeypatch, server.address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return server


def point_to(monkeypatch, address: str) -> None:
    """What HF_ENDPOINT does in a new process."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def left() -> set[str]:
    """Files in the project's folder of weights, also hidden ones."""
    return {path.name for path in Path("weights").rglob("*") if path.is_file()}


# which file


@pytest.mark.parametrize(
    ("model", "wanted", "expected"),
    [
        ("resnet34_vtn", "auto", "weights/timm/resnet34.safetensors"),
        ("resnet34_vtn", "timm", "weights/timm/resnet34.safetensors"),
        ("resnet34_vtn_flow", "auto", "weights/timm/resnet34.safetensors"),
        ("se-resnext101-32x4d_lstm", "auto", "weights/timm/legacy_seresnext101_32x4d.safetensors"),
        ("resnet34.a1_in1k_vtn", "auto", "weights/timm/resnet34.a1_in1k.safetensors"),
        ("efficientnet_lite0_vtn", "timm", "weights/timm/tf_efficientnet_lite0.safetensors"),
        ("efficientnet_lite0_vtn", "auto", None),
        ("efficientnet_lite0_vtn", "bundled", None),
        ("resnet34_vtn", "none", None),
        ("resnet34_vtn", "mine.pth", None),
        ("rmnet_vtn", "auto", None),
        ("r2+1d_18", "auto", "weights/torchvision/r2plus1d_18.pth"),
        ("r3d_18", "torchvision", "weights/torchvision/r3d_18.pth"),
        ("r3d_34", "auto", None),
        ("r3d_18", "none", None),
    ],
)
def test_the_file_that_a_model_starts_from(model, wanted, expected):
    assert published_path(parse_model_name(model), wanted) == expected
    assert expected is None or is_published(expected)


@pytest.mark.parametrize(
    ("model", "wanted", "message"),
    [
        ("resnet18_vtn", "bundled", "'resnet18': encoder_weights is `bundled`, but only efficientnet_lite0 has"),
        ("resnet18_vtn", "torchvision", "'resnet18': encoder_weights is `torchvision`, which has weights of clip netw"),
        ("rmnet_vtn", "timm", "'rmnet': encoder_weights is `timm`, but timm publishes none for it; use `none` or a"),
        ("r3d_34", "torchvision", "'r3d_34': encoder_weights is `torchvision`, but it has no weights of it"),
        ("r3d_18", "timm", "'r3d_18': encoder_weights is `timm`; clip networks take `torchvision`, `none` or a file"),
        ("r3d_18", "bundled", "'r3d_18': encoder_weights is `bundled`; clip networks take `torchvision`"),
    ],
)
def test_what_nobody_publishes_is_refused(model, wanted, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        published_path(parse_model_name(model), wanted)


@pytest.mark.parametrize(
    "path", ["weights/mine.pth", "weights/timm/a.pth", "weights/torchvision/a.safetensors", "other/timm/a.safetensors"]
)
def test_files_of_the_users_are_not_downloaded(path):
    assert not is_published(path)


def test_the_tables_say_what_the_libraries_publish():
    published = {name for name, source in ENCODERS.items() if timm.models.is_model_pretrained(source)}
    assert published == ENCODERS.keys() - OWN_ENCODERS.keys()
    assert all(torchvision.models.get_model_weights(name).DEFAULT for name in TORCHVISION.values())
    theirs = set(torchvision.models.list_models(torchvision.models.video))
    ours = {name.replace("r2+1d", "r2plus1d") for name in CLIP_NETWORKS}
    assert set(TORCHVISION.values()) == theirs & ours


# how it comes there


def test_a_file_of_the_hub_is_copied_as_it_is_and_its_source_is_recorded(hub, tensors):
    download_weights(PATH, RECORD)
    assert PATH.read_bytes() == hub.files[f"{REPOSITORY}/model.safetensors"]
    record, sha256 = Weights.read(RECORD), hashlib.sha256(PATH.read_bytes()).hexdigest()
    assert (record.library, record.sha256, record.published.sha256) == ("timm", sha256, sha256)
    assert record.published.source == f"{hub.address}/{REPOSITORY}"
    assert (record.published.name, record.published.file) == (FULL_NAME, "model.safetensors")
    assert (record.published.revision, record.published.license) == (COMMIT, "cc-by-nc-4.0")
    assert left() == {PATH.name, RECORD.name}


def test_without_a_page_the_licence_is_the_one_that_timm_names(hub):
    del hub.files[f"{REPOSITORY}/README.md"]
    download_weights(PATH, RECORD)
    assert Weights.read(RECORD).published.license == timm.get_pretrained_cfg(NAME).license == "apache-2.0"


def test_what_is_there_is_kept_and_nothing_is_asked(hub, caplog):
    download_weights(PATH, RECORD)
    hub.asked.clear()
    with caplog.at_level("INFO"):
        download_weights(PATH, RECORD)
    assert not hub.asked
    assert f"{PATH}: kept, it is as it was downloaded; delete it to have it anew" in caplog.text
    PATH.write_bytes(b"other")
    download_weights(PATH, RECORD)
    assert PATH.read_bytes() == hub.files[f"{REPOSITORY}/model.safetensors"]


@pytest.mark.parametrize("how", ["no network", "HF_HUB_OFFLINE"])
def test_a_filled_cache_needs_no_network(hub, monkeypatch, how):
    download_weights(PATH, RECORD)
    content, record = PATH.read_bytes(), RECORD.read_bytes()
    PATH.unlink()
    if how == "no network":
        point_to(monkeypatch, DEAD)
    else:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.asked.clear()
    download_weights(PATH, RECORD)
    assert not hub.asked
    assert PATH.read_bytes() == content
    assert RECORD.read_bytes() == record.replace(hub.address.encode(), constants.ENDPOINT.encode())


@pytest.mark.parametrize(
    ("how", "reason"),
    [("no network", f"{DEAD} does not answer: .*refused"), ("HF_HUB_OFFLINE", "HF_HUB_OFFLINE is set")],
)
def test_without_network_and_cache_the_ways_out_are_named(hub, monkeypatch, tmp_path, how, reason):
    if how == "no network":
        point_to(monkeypatch, DEAD)
    else:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    ways = (
        rf"^{PATH}: cannot get the published weights of '{FULL_NAME}' from \S+{REPOSITORY} \({reason}; nor is it in "
        rf"{tmp_path}/hub\)\. Three ways out: start otherwise, network\.encoder_weights: none, or .* `bundled`; name a "
        r"\.pth or \.safetensors file as network\.encoder_weights; or name a mirror \(HF_ENDPOINT\) or a filled cache "
        rf"\(HF_HOME\), or run `snakemake {PATH}` where there is network and copy weights/timm/ here$"
    )
    with pytest.raises(InputError, match=ways):
        download_weights(PATH, RECORD)
    assert not left()


def test_an_interrupted_download_leaves_no_file_and_is_made_up_for(hub, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the client's attempts
    hub.cut = True
    with pytest.raises(InputError, match="cannot get the published weights"):
        download_weights(PATH, RECORD)
    assert not left()
    hub.cut = False
    download_weights(PATH, RECORD)
    assert PATH.read_bytes() == hub.files[f"{REPOSITORY}/model.safetensors"]


def test_what_is_no_file_of_safetensors_becomes_one(hub, tensors, tmp_path):
    del hub.files[f"{REPOSITORY}/model.safetensors"]
    torch.save(tensors, tmp_path / "file")
    hub.files[f"{REPOSITORY}/pytorch_model.bin"] = (tmp_path / "file").read_bytes()
    download_weights(PATH, RECORD)
    record = Weights.read(RECORD)
    assert record.published.file == "pytorch_model.bin"
    assert record.published.sha256 == hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
    assert record.sha256 == hashlib.sha256(PATH.read_bytes()).hexdigest()
    body = create_encoder(NAME, "timm", weights_path=PATH).body.state_dict()
    assert all(torch.equal(value, tensors[key]) for key, value in body.items())


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "weights/timm/resnet34.foo.safetensors",
            r"resnet34\.foo\.safetensors: Invalid pretrained tag \(foo\) for resnet34",
        ),
        ("weights/timm/resnet99.safetensors", r"resnet99\.safetensors: Model architecture \(resnet99\) has no pretr"),
        ("weights/timm/coatnet_0_224.safetensors", r"224\.safetensors: timm \S+ publishes no weights under this name"),
        ("weights/timm/resnet34.pth", r"what timm publishes is kept as \.safetensors; name weights/timm/resnet34\.saf"),
        ("weights/torchvision/r9d.pth", r"r9d\.pth: torchvision \S+ has no network of this name"),
    ],
)
def test_a_name_that_is_none_is_told(hub, path, message):
    with pytest.raises(InputError, match=message):
        download_weights(Path(path), Path(f"{path}.json"))
    assert not hub.asked


VIDEO_PATH, VIDEO_RECORD = Path("weights/torchvision/mc3_18.pth"), Path("weights/torchvision/mc3_18.pth.json")


@pytest.fixture
def publish(hub, tmp_path, monkeypatch):
    """Have torchvision name an address of the server's with this content; gives where torch's cache keeps the file."""

    def publish(content: bytes) -> Path:
        name = f"mc3_18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
        hub.files = {f"models/{name}": content}
        weights = SimpleNamespace(url=f"{hub.address}/models/{name}", meta={})
        monkeypatch.setattr("torchvision.models.get_model_weights", lambda name: SimpleNamespace(DEFAULT=weights))
        return tmp_path / "torch/hub/checkpoints" / name

    return publish


def test_torchvisions_weights_come_from_their_address_once(hub, publish, tmp_path):
    torch.save(torchvision.models.get_model("mc3_18", weights=None).state_dict(), tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    cached = publish(content)
    download_weights(VIDEO_PATH, VIDEO_RECORD)
    assert VIDEO_PATH.read_bytes() == content
    record = Weights.read(VIDEO_RECORD)
    assert (record.published.source, record.published.file) == (f"{hub.address}/models/{cached.name}", cached.name)
    assert (record.published.revision, record.published.license) == (None, None)
    state = torch.load(VIDEO_PATH, weights_only=True)
    body = create_clip_encoder("mc3_18", "auto", weights_path=VIDEO_PATH).body.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in body.items())
    VIDEO_PATH.unlink()
    hub.files.clear()
    download_weights(VIDEO_PATH, VIDEO_RECORD)  # TORCH_HOME has it
    assert VIDEO_PATH.read_bytes() == content


def test_a_file_other_than_its_name_says_is_not_taken(hub, publish):
    cached = publish(b"weights")
    hub.files = dict.fromkeys(hub.files, b"another file")
    message = r"mc3_18' from .*\(invalid hash value.*or name a filled cache \(TORCH_HOME\), "
    with pytest.raises(InputError, match=message):
        download_weights(VIDEO_PATH, VIDEO_RECORD)
    assert not cached.exists()
    cached.write_bytes(b"half")
    with pytest.raises(InputError, match=rf"^{cached}: damaged: its SHA-256 is \w+, expected \w+\.\.\.; delete it$"):
        download_weights(VIDEO_PATH, VIDEO_RECORD)
    assert not left()


def test_without_network_torchs_cache_is_named(hub, publish, tmp_path):
    publish(b"weights")
    hub.files.clear()
    message = rf"mc3_18' from \S+ \(HTTP Error 404: Not Found; nor is it in {tmp_path}/torch/hub/checkpoints\)"
    with pytest.raises(InputError, match=message):
        download_weights(VIDEO_PATH, VIDEO_RECORD)
    assert not list((tmp_path / "torch").rglob("*.p*"))


def test_a_few_of_timms_come_from_an_address_too(hub, tensors, tmp_path, monkeypatch):
    torch.save(tensors, tmp_path / "file")
    hub.files["old/net-2a.pth"] = (tmp_path / "file").read_bytes()  # too short for a hash
    settings = SimpleNamespace(
        hf_hub_id=None, url=f"{hub.address}/old/net-2a.pth", architecture=NAME, tag="", license="mit"
    )
    with monkeypatch.context() as patch:
        patch.setattr("timm.get_pretrained_cfg", lambda name, allow_unregistered: settings)
        download_weights(PATH, RECORD)
    record = Weights.read(RECORD)
    assert (record.published.name, record.published.license) == (NAME, "mit")
    body = create_encoder(NAME, "timm", weights_path=PATH).body.state_dict()
    assert all(torch.equal(value, tensors[key]) for key, value in body.items())


# what is read from it


def test_an_encoder_has_the_tensors_of_the_file(tmp_path, tensors):
    save_file(tensors, tmp_path / "file.safetensors")
    encoder = create_encoder(NAME, "auto", weights_path=tmp_path / "file.safetensors")
    body = encoder.body.state_dict()
    assert len(tensors) == len(body) + 2  # without the classifier
    assert all(torch.equal(value, tensors[key]) for key, value in body.items())
    assert encoder.mean == timm.get_pretrained_cfg(NAME).mean
    flow = create_encoder(NAME, "auto", channels=2, weights_path=tmp_path / "file.safetensors").body.state_dict()
    mean = tensors["conv1.0.weight"].mean(1)
    assert torch.equal(flow["conv1.0.weight"][:, 0], mean)
    assert torch.equal(flow["conv1.0.weight"][:, 1], mean)


def test_a_network_of_fixed_size_gets_the_weights_in_another(tmp_path):
    published = timm.create_model("test_vit").state_dict()
    save_file(published, tmp_path / "file.safetensors")
    native = create_encoder("test_vit", "timm", size=160, weights_path=tmp_path / "file.safetensors")
    assert torch.equal(native.body.pos_embed, published["pos_embed"])
    smaller = create_encoder("test_vit", "timm", size=96, weights_path=tmp_path / "file.safetensors")
    assert smaller.body.pos_embed.shape[1] == 36 + 1
    assert torch.equal(smaller.body.blocks[0].attn.qkv.weight, native.body.blocks[0].attn.qkv.weight)


def test_a_file_that_is_not_there_or_of_another_kind_is_told(tmp_path):
    with pytest.raises(
        ValueError, match=r"^weights/timm/test_resnet\.safetensors: no such file; `snakemake weights/timm/"
    ):
        create_encoder(NAME, "timm")
    with pytest.raises(ValueError, match=r"lost\.pth: no such file; `snakemake weights/torchvision/r3d_18\.pth` downl"):
        create_clip_encoder("r3d_18", "auto", weights_path=tmp_path / "lost.pth")
    (tmp_path / "file.safetensors").write_bytes(b"half a file")
    with pytest.raises(
        ValueError, match=r"file\.safetensors: cannot be read as timm's weights of 'test_resnet': .*anew$"
    ):
        create_encoder(NAME, "timm", weights_path=tmp_path / "file.safetensors")
