"""Clip networks of transformers: the same numbers as there, from a folder, from the hub and from a checkpoint."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hub_folders import MEAN, STD, save_videomae, save_vjepa2, vjepa2
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError
from loopback import COMMIT, DEAD, serving
from safetensors.torch import load_file, save_file

from kinema.deployment.parts import export_parts
from kinema.experiment.config import Config
from kinema.experiment.data_sections import Clip
from kinema.experiment.files import ConfigError, load_config
from kinema.experiment.model_sections import Network
from kinema.experiment.starts import start_files
from kinema.experiment.targets import check_target
from kinema.input_error import InputError
from kinema.leaderboard.cost import cost_of
from kinema.models import hub_files
from kinema.models.loading import download
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint
from kinema.models.loading.download import download_weights
from kinema.models.model_name import model_modules, parse_model_name
from kinema.models.published import is_published, published_path
from kinema.models.registry import create_model
from kinema.records.weights import Weights

CLIP = Clip(length=4, stride=1, size=32)
MICRO = Network(embedding=32, num_blocks=2, num_heads=2, feedforward=32)
NAMES = ("videomae", "vjepa2")
REPOSITORY, FILE = "some-one/V-JEPA.2", Path("weights/transformers/some-one--V-JEPA.2.safetensors")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict:
    """Both networks, and the folder that they were saved in."""
    root = tmp_path_factory.mktemp("hub")
    networks = {"videomae": save_videomae(root / "videomae"), "vjepa2": save_vjepa2(root / "vjepa2")}
    return {"root": root, **networks}


@pytest.fixture
def project(made, tmp_path, monkeypatch) -> Path:
    """A project with both folders in `models/`, to be changed."""
    shutil.copytree(made["root"], tmp_path / "models")
    (tmp_path / "videos").mkdir()
    (tmp_path / "list.csv").write_text("video,label,subset\na,x,training\nb,y,training\nc,x,validation\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model_of(name: str, source: str = "", *, clip: Clip = CLIP, num_classes: int = 3, **options):
    """The recognizer, in evaluation mode, from the folder of its network."""
    start = f"hf:{source or 'models/' + name.removesuffix('_attn_pool')}"
    network = MICRO.model_copy(update={"encoder_weights": start, **options.pop("network", {})})
    torch.manual_seed(1)
    return create_model(name, num_classes=num_classes, clip=clip, network=network, **options).eval()


def pixels(clip: Clip = CLIP) -> tuple[torch.Tensor, torch.Tensor]:
    """Two clips as we take them, and as transformers takes what its processor has made of them."""
    frames = torch.randint(
        0, 256, (2, clip.length, 3, clip.size, clip.size), generator=torch.Generator().manual_seed(2)
    )
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (MEAN, STD))
    return frames.to(torch.uint8), (frames / 255 - mean) / std


def config(model: str, **sections) -> Config:
    data_set = {"annotations": {"path": "list.csv"}, "videos": "videos"}
    defaults = {"clip": {"length": 4, "size": 32}, "network": {"encoder_weights": f"hf:models/{model}"}}
    return load_config({"datasets": {"mine": data_set}, **defaults, **sections})


def told(model: str, folder: str = "", **sections) -> str:
    """The line that a target gives; nothing where it may be made here."""
    try:
        check_target(config(folder or model, **sections), f"results/mine/{model}/model.xml", lambda: True)
    except ConfigError as error:
        return str(error)
    return ""


# the same numbers


@torch.no_grad()
def test_videomae_gives_the_logits_of_transformers(project, made):
    theirs, ours = made["videomae"], model_of("videomae")
    ours.decoder.fc.load_state_dict(theirs.classifier.state_dict())
    frames, normalized = pixels()
    torch.testing.assert_close(ours(frames), theirs(normalized).logits, atol=1e-5, rtol=1e-5)
    assert (ours.spec.mean, ours.spec.std) == (tuple(MEAN), tuple(STD))


@torch.no_grad()
@pytest.mark.parametrize("clip", [CLIP, Clip(length=6, stride=1, size=48)], ids=["as published", "another clip"])
def test_vjepa2_gives_the_logits_of_transformers(project, made, clip):
    theirs = vjepa2(frames_per_clip=clip.length, crop_size=clip.size)
    theirs.load_state_dict(made["vjepa2"].state_dict())
    ours = model_of("vjepa2", clip=clip)
    frames, normalized = pixels(clip)
    tokens = theirs(normalized, skip_predictor=True).last_hidden_state
    torch.testing.assert_close(ours(frames), ours.decoder.fc(tokens.mean(1)), atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_a_decoder_gets_a_map_of_each_step_in_time(project, name):
    pooled, joined = model_of(name), model_of(f"{name}_attn_pool")
    frames, _ = pixels()
    normalized = joined.normalized(frames)
    tokens = pooled.encoder.body.tokens(normalized)
    maps = joined.encoder(normalized.transpose(1, 2))
    assert maps.shape[2:] == (2, 2, 2)
    torch.testing.assert_close(maps.flatten(2).transpose(1, 2), tokens)
    steps = torch.stack([joined.decoder.embed(maps[:, :, step]) for step in range(2)], 1)
    torch.testing.assert_close(joined(frames), joined.decoder(steps))
    assert not joined.separable
    assert not joined.has_evidence
    assert [part.name for part in export_parts(joined)] == ["model"]


@torch.no_grad()
@torch.no_grad()
@pytest.mark.parametrize("name", [*NAMES, "vjepa2_attn_pool"])
def test_features_of_a_frozen_network_give_the_logits_of_their_clips(project, name):
    model, (frames, _) = model_of(name), pixels()
    torch.testing.assert_close(model.from_features(model.features(frames)), model(frames))


def test_names_of_older_files_are_known(project):
    model, path = model_of("videomae"), Path("models/videomae/model.safetensors")
    tensors = load_file(path)
    for letter, part in {"q": "query", "v": "value"}.items():
        for key in [key for key in tensors if key.endswith(f"{part}.bias")]:
            tensors[key.replace(f"{part}.bias", f"{letter}_bias")] = tensors.pop(key)
    path.unlink()
    torch.save(tensors, path.with_name("pytorch_model.bin"))
    frames, _ = pixels()
    assert torch.equal(model_of("videomae")(frames), model(frames))


def test_without_a_published_norm_of_the_mean_it_starts_as_one(project):
    path = Path("models/videomae/model.safetensors")
    tensors = {key: value for key, value in load_file(path).items() if not key.startswith(("fc_norm", "classifier"))}
    save_file(tensors, path, metadata={"format": "pt"})
    assert torch.equal(model_of("videomae").encoder.body.norm.weight, torch.ones(32))


# how they are trained


@pytest.mark.parametrize("name", [*NAMES, "vjepa2_attn_pool"])
def test_each_layer_learns_at_its_own_rate(project, name):
    model = model_of(name)
    groups = model.param_groups(lr=1.0, encoder_lr_factor=0.5, layer_decay=0.1, weight_decay=0.1)
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    rates = {names[id(parameter)]: group["lr"] for group in groups for parameter in group["params"]}
    assert rates.keys() == set(names.values())
    expected = {"embeddings": 0.005, "layer.0.": 0.05, "layer.1.": 0.5, "norm.": 0.5, "decoder.": 1.0}
    for key, rate in rates.items():
        part = next(part for part in expected if part in (key if not key.startswith("decoder.") else "decoder."))
        assert rate == pytest.approx(expected[part]), key
    decayed = {names[id(one)] for group in groups if group["weight_decay"] for one in group["params"]}
    assert decayed == {key for key, parameter in model.named_parameters() if parameter.ndim > 1}


@pytest.mark.parametrize("name", ["videomae", "vjepa2_attn_pool"])
def test_a_frozen_probe_trains_its_head_alone(project, name):
    model = model_of(name)
    groups = model.param_groups(lr=1.0, encoder_lr_factor=0, layer_decay=1.0, weight_decay=0.1)
    learning = {id(parameter) for group in groups for parameter in group["params"]}
    assert learning == {id(parameter) for parameter in model.decoder.parameters()}
    model.train()(pixels()[0]).sum().backward()
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    assert any(parameter.grad is not None for parameter in model.decoder.parameters())


def test_stochastic_depth_where_the_network_has_it(project):
    model = model_of("vjepa2", network={"drop_path_rate": 0.5}).train()
    frames, _ = pixels()
    assert not torch.equal(model(frames), model(frames))
    line = told("videomae", network={"encoder_weights": "hf:models/videomae", "drop_path_rate": 0.5})
    assert line.startswith("mine/videomae: 'videomae': network.drop_path_rate is 0.5, but this network has no blocks")


# what is kept


@pytest.mark.parametrize("name", ["videomae", "vjepa2_attn_pool"])
def test_a_checkpoint_needs_no_folder(project, name):
    model, (frames, _) = model_of(name), pixels()
    save_checkpoint("model.pth", model, labels=["a", "b", "c"], settings={})
    shutil.rmtree("models")
    again = load_checkpoint("model.pth").model
    assert torch.equal(again(frames), model(frames))
    assert again.network.encoder_weights.startswith("hf:models/")
    assert "id2label" not in again.architecture
    other = MICRO.model_copy(update={"weights": "model.pth"})
    tuned = create_model(name, num_classes=5, clip=CLIP, network=other)
    for key, value in model.encoder.state_dict().items():
        assert torch.equal(tuned.encoder.state_dict()[key], value), key


def test_what_a_training_starts_from_is_every_file_that_counts(project):
    starts = start_files(config("videomae"), "mine", "videomae")
    assert starts == {
        "network.encoder_weights": "models/videomae/model.safetensors",
        "network.encoder_weights/config.json": "models/videomae/config.json",
        "network.encoder_weights/preprocessor_config.json": "models/videomae/preprocessor_config.json",
    }
    assert told("videomae") == told("vjepa2_attn_pool", "vjepa2") == ""
    assert model_modules("vjepa2_attn_pool") == ["kinema.models.attn_pool", "kinema.models.hub_networks"]


@torch.no_grad()
def test_weights_in_several_files(project):
    model, folder = model_of("vjepa2"), Path("models/vjepa2")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    parts = {
        "model-00001-of-00002.safetensors": sorted(tensors)[::2],
        "model-00002-of-00002.safetensors": sorted(tensors)[1::2],
    }
    for name, keys in parts.items():
        save_file({key: tensors[key] for key in keys}, folder / name, metadata={"format": "pt"})
    index = {"weight_map": {key: name for name, keys in parts.items() for key in keys}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    frames, _ = pixels()
    assert torch.equal(model_of("vjepa2")(frames), model(frames))
    assert {Path(file).name for file in start_files(config("vjepa2"), "mine", "vjepa2").values()} == {
        *parts,
        "model.safetensors.index.json",
        "config.json",
        "video_preprocessor_config.json",
    }
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "it lists model-00002-of-00002.safetensors, which is not beside it" in told("vjepa2")


# what is refused


def edited(path: str, **values) -> None:
    file = Path(path)
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


REFUSED = {
    "no folder": (
        lambda: shutil.rmtree("models"),
        "videomae",
        {"network": {"encoder_weights": "hf:./models/videomae"}},
        "encoder_weights `hf:./models/videomae`: there is no folder './models/videomae', and a repository of the",
    ),
    "no configuration": (
        lambda: Path("models/videomae/config.json").unlink(),
        "videomae",
        {},
        "models/videomae: it has no config.json; expected a folder as transformers' save_pretrained writes it",
    ),
    "no weights": (
        lambda: Path("models/videomae/model.safetensors").unlink(),
        "videomae",
        {},
        "models/videomae: it has no weights; expected one of model.safetensors",
    ),
    "no processor": (
        lambda: Path("models/vjepa2/video_preprocessor_config.json").unlink(),
        "vjepa2",
        {},
        "models/vjepa2: it has neither video_preprocessor_config.json nor preprocessor_config.json, which says mean",
    ),
    "another network of ours": (
        lambda: None,
        "videomae",
        {"network": {"encoder_weights": "hf:models/vjepa2"}},
        "models/vjepa2: its model_type is 'vjepa2', expected 'videomae'; ask for vjepa2",
    ),
    "another network": (
        lambda: edited("models/vjepa2/config.json", model_type="timesformer"),
        "vjepa2",
        {},
        "models/vjepa2: its model_type is 'timesformer', expected 'vjepa2'; there are videomae, vjepa2",
    ),
    "frames": (
        lambda: None,
        "videomae",
        {"clip": {"length": 16, "size": 32}},
        "'videomae': clip.length is 16; its weights are for 4 frames: set it to that",
    ),
    "size": (
        lambda: None,
        "videomae",
        {"clip": {"length": 4, "size": 224}},
        "'videomae': clip.size is 224; its weights are for 32 pixels: set it to that",
    ),
    "half a tubelet": (
        lambda: None,
        "vjepa2_attn_pool",
        {"clip": {"length": 5, "size": 32}, "network": {"encoder_weights": "hf:models/vjepa2"}},
        "'vjepa2': clip.length is 5; it takes 2 frames at once: set a multiple",
    ),
    "half a patch": (
        lambda: None,
        "vjepa2",
        {"clip": {"length": 4, "size": 40}},
        "'vjepa2': clip.size is 40; its patches have 16 pixels: set a multiple",
    ),
    "other pixels": (
        lambda: edited("models/videomae/preprocessor_config.json", rescale_factor=1 / 127.5),
        "videomae",
        {},
        "models/videomae: its processor multiplies pixels by 0.00784",
    ),
    "no mean": (
        lambda: edited("models/videomae/preprocessor_config.json", image_mean=None),
        "videomae",
        {},
        "models/videomae: image_mean of its processor is None, expected three numbers",
    ),
    "no start": (
        lambda: None,
        "videomae",
        {"network": {"encoder_weights": "auto"}},
        "'videomae': encoder_weights is `auto`; name what transformers wrote, hf:FOLDER, or a repository",
    ),
    "another kind of model": (
        lambda: None,
        "resnet34_vtn",
        {"network": {"encoder_weights": "hf:models/vjepa2"}},
        "'resnet34': encoder_weights is `hf:models/vjepa2`, but `hf:` is for videomae, vjepa2",
    ),
    "another decoder": (
        lambda: None,
        "vjepa2_vtn",
        {"network": {"encoder_weights": "hf:models/vjepa2"}},
        "model 'vjepa2_vtn': 'vjepa2' looks at whole clips of RGB; ask for 'vjepa2' or 'vjepa2_attn_pool'.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_told_in_one_line(project, case):
    change, model, sections, message = REFUSED[case]
    change()
    found = told(model, **sections)
    assert message in found
    assert "\n" not in found


def test_streams_and_a_missing_library_are_told(project, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(hub_files.importlib.util, "find_spec", lambda name: None if name == "transformers" else name)
        assert "'videomae' is a network of transformers, which is not installed: pip install" in told("videomae")
        patched.setattr(hub_files.importlib.util, "find_spec", lambda name: None)
        assert told("videomae") == "", "where Snakemake alone is installed, jobs have an environment of their own"
    with pytest.raises(ConfigError, match="as its network looks at whole clips"):
        check_target(config("vjepa2"), "results/mine/vjepa2_attn_pool/streaming/encoder.xml", lambda: True)


def test_other_clips_tensors_and_configurations_are_refused(project):
    model = model_of("vjepa2")
    with pytest.raises(ValueError, match=re.escape("(frames, height, width) (6, 32, 32); this network was built for")):
        model(torch.zeros(1, 6, 3, 32, 32, dtype=torch.uint8))
    path = Path("models/vjepa2/model.safetensors")
    tensors = load_file(path)
    tensors.pop("encoder.layer.0.norm1.weight")
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"models/vjepa2 for 'vjepa2': .* 1 missing: encoder\.layer\.0\.norm1\.weight"):
        model_of("vjepa2")
    edited("models/videomae/config.json", hidden_size=48)
    with pytest.raises(ValueError, match=r"models/videomae: transformers cannot fill 'videomae': "):
        model_of("videomae")
    edited("models/videomae/config.json", hidden_size="wide")
    with pytest.raises(ValueError, match=r"models/videomae: transformers cannot build 'videomae' of it: .*hidden_size"):
        model_of("videomae")


def test_a_network_too_large_for_a_file_of_onnx_is_told_before_it_is_trained(project):
    edited("models/vjepa2/config.json", hidden_size=1408, num_hidden_layers=40, mlp_ratio=48 / 11)
    found = told("vjepa2")
    assert found.startswith(
        "mine/vjepa2: 'vjepa2' cannot be exported: it has 4.0 GB of weights, and an ONNX file takes"
    )
    check_target(config("vjepa2"), "results/mine/vjepa2/model.pth", lambda: True)
    model = model_of("videomae")
    model.extra = torch.nn.Parameter(torch.empty(2**29, device="meta"))
    with pytest.raises(ValueError, match=r"model 'videomae' cannot be exported: it has 2\.1 GB"):
        export_parts(model)


def test_defaults_are_those_of_transformers():
    from transformers import VideoMAEConfig, VJEPA2Config

    for name, kind in {"videomae": VideoMAEConfig, "vjepa2": VJEPA2Config}.items():
        assert hub_files.DEFAULTS[name] == {key: getattr(kind(), key) for key in hub_files.DEFAULTS[name]}


# the hub


def hub_at(monkeypatch, address: str, cache: Path) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@torch.no_grad()
def test_a_repository_becomes_one_file_and_gives_the_same_model(project, monkeypatch):
    record_path = Path(f"{FILE}.json")
    wanted = {"network": {"encoder_weights": f"hf:{REPOSITORY}"}}
    assert start_files(config("vjepa2", **wanted), "mine", "vjepa2") == {"network.encoder_weights": str(FILE)}
    assert told("vjepa2", **wanted) == "", "what is not there yet cannot be judged"
    with serving() as server:
        folder = Path("models/vjepa2")
        server.files = {f"{REPOSITORY}/{path.name}": path.read_bytes() for path in folder.iterdir()}
        hub_at(monkeypatch, server.address, project / "cache")
        download_weights(FILE, record_path)
    record = Weights.read(record_path)
    assert (record.library, record.published.revision) == ("transformers", COMMIT)
    assert record.published.source.endswith(f"/{REPOSITORY}")
    frames, _ = pixels()
    found = model_of("vjepa2", REPOSITORY, encoder_weights_path=FILE)
    assert torch.equal(found(frames), model_of("vjepa2")(frames))
    assert "clip.size is 40; its patches have 16 pixels" in told("vjepa2", **wanted, clip={"length": 4, "size": 40})
    hub_at(monkeypatch, DEAD, project / "cache")
    FILE.unlink()
    download_weights(FILE, record_path)  # out of the cache
    assert torch.equal(model_of("vjepa2", REPOSITORY, encoder_weights_path=FILE)(frames), found(frames))


def test_without_network_the_ways_out_are_told(project, monkeypatch):
    hub_at(monkeypatch, DEAD, project / "cache")
    with pytest.raises(InputError) as caught:
        download_weights(FILE, Path(f"{FILE}.json"))
    line = str(caught.value)
    assert line.startswith(f"{FILE}: cannot get '{REPOSITORY}' from {DEAD}/{REPOSITORY} ({DEAD} does not answer: ")
    assert "Three ways out: name a folder that has it, network.encoder_weights: hf:FOLDER; name a mirror" in line
    assert "\n" not in line
    with pytest.raises(ValueError, match=re.escape(f"{FILE}: no such file; `snakemake {FILE}` downloads these")):
        model_of("vjepa2", REPOSITORY)


def test_a_login_of_a_mirror_is_not_repeated(project, monkeypatch):
    hub_at(monkeypatch, DEAD.replace("://", "://user:secret@"), project / "cache")
    with pytest.raises(InputError, match="cannot get") as caught:
        download_weights(FILE, Path(f"{FILE}.json"))
    assert "secret" not in str(caught.value)


def test_a_hub_that_fails_in_between_is_not_one_without_the_file(project, monkeypatch):
    original = download.hf_hub_download

    def failing(repository, file, **options):
        if file == hub_files.PROCESSORS[0]:
            raise LocalEntryNotFoundError("the hub answered with 503")
        return original(repository, file, **options)

    monkeypatch.setattr(download, "hf_hub_download", failing)
    with serving() as server:
        server.files = {f"{REPOSITORY}/{path.name}": path.read_bytes() for path in Path("models/vjepa2").iterdir()}
        hub_at(monkeypatch, server.address, project / "cache")
        with pytest.raises(InputError, match=r"cannot get .* \(the hub answered with 503\)"):
            download_weights(FILE, Path(f"{FILE}.json"))


def test_the_cost_of_a_network_is_counted_by_the_files_that_it_started_from(project):
    network = MICRO.model_copy(update={"encoder_weights": "hf:models/vjepa2"})
    settings = {"clip": CLIP.model_dump(), "network": network.model_dump()}
    starts = start_files(config("vjepa2"), "mine", "vjepa2")
    found = cost_of(SimpleNamespace(model="vjepa2", labels=["x", "y", "z"], settings=settings, starts=starts))
    assert found.parameters == sum(parameter.numel() for parameter in model_of("vjepa2").parameters())


def test_a_repository_without_a_processor_is_told(project, monkeypatch):
    with serving() as server:
        files = [path for path in Path("models/vjepa2").iterdir() if "processor" not in path.name]
        server.files = {f"{REPOSITORY}/{path.name}": path.read_bytes() for path in files}
        hub_at(monkeypatch, server.address, project / "cache")
        with pytest.raises(InputError, match="it has neither video_preprocessor_config"):
            download_weights(FILE, Path(f"{FILE}.json"))
    assert not FILE.exists()


def test_names_of_repositories_and_revisions():
    name = parse_model_name("vjepa2")
    assert published_path(name, f"hf:{REPOSITORY}") == str(FILE)
    at = published_path(name, "hf:facebook/vjepa2-vitl-fpc64-256@main")
    assert at == "weights/transformers/facebook--vjepa2-vitl-fpc64-256@main.safetensors"
    assert is_published(at)
    source = hub_files.source_named(Path(at).stem)
    assert (source.repository, source.revision) == ("facebook/vjepa2-vitl-fpc64-256", "main")
