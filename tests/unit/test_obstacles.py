"""What would fail after hours of decoding is told while the DAG is built: one line with key, value and what to set."""

import subprocess
import sys

import pytest
import torch

from kinema.command_line import runs_here
from kinema.experiment import obstacles
from kinema.experiment.config import Config
from kinema.experiment.files import ConfigError, load_config
from kinema.experiment.obstacles import check_experiment, has_gpu
from kinema.experiment.targets import DEPLOYED, check_target
from kinema.models.clip_network import clip_networks
from kinema.models.encoders import create_encoder
from kinema.models.names import CLIP_NETWORKS, ENCODERS, EXPORT_OBSTACLES, MIN_FRAMES

NAME = "efficientnet_lite0_vtn"
LENGTHS, SIZES = (1, 2, 4, 5, 32), (32, 224)
LIST = "video,label,subset\na,x,training\nb,y,training\n"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "list.csv").write_text(LIST + "c,x,validation\n")
    return tmp_path


def load(**sections) -> Config:
    return load_config({"datasets": {"mine": {"annotations": {"path": "list.csv"}, "videos": "videos"}}, **sections})


def told(model: str, file: str = "model.pth", **sections) -> str:
    """The line that a target gives; nothing where it may be made here."""
    try:
        check_target(load(**sections), f"results/mine/{model}/{file}", lambda: True)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("model", "length", "fewest"),
    [
        ("s3d", 4, 5),
        ("efficientnet_lite0_vtn_rgbdiff", 1, 2),
        ("resnet-34_vtn_rgbdiff", 1, 2),
        ("resnet34_vtn_two_stream", 1, 2),
        ("r3d_18", 0, 1),
        ("resnet34_vtn", 0, 1),
        ("resnet34_lstm_flow", 0, 1),
    ],
)
def test_clips_that_are_too_short(model, length, fewest):
    model = model.replace("resnet-34", "resnet34")
    media = {"modality": "flow"} if model.endswith("flow") else {}
    if length:
        assert told(model, clip={"length": length}, media=media) == (
            f"mine/{model}: clip.length is {length}; '{model}' needs at least {fewest} frames. Set clip.length to "
            f"{fewest} or more, or choose another model."
        )
    assert told(model, clip={"length": fewest}, media=media) == ""


def test_a_variant_is_named_and_its_settings_count():
    variants = {"one": {"clip": {"length": 1}}}
    assert told("s3d@one", variants=variants).startswith("mine/s3d@one: clip.length is 1; 's3d' needs at least 5")
    assert told("s3d", variants=variants) == ""


def test_models_that_are_trained_before_are_checked_too():
    overrides = [{"model": "resnet34_vtn_rgbdiff", "clip": {"length": 1}}]
    assert told("resnet34_vtn_two_stream", overrides=overrides).startswith(
        "mine/resnet34_vtn_rgbdiff: clip.length is 1"
    )
    teacher = [{"model": "resnet18_vtn", "training": {"teacher": "s3d"}}, {"model": "s3d", "clip": {"length": 2}}]
    assert told("resnet18_vtn", overrides=teacher).startswith("mine/s3d: clip.length is 2")


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["efficientformer_l1", "efficientformer_l1.snap_dist_in1k"])
def test_a_size_that_an_encoder_of_timm_cannot_take(encoder):
    found = told(f"{encoder}_vtn", clip={"size": 64})
    reason = f"encoder '{encoder}' cannot take frames of 64 x 64 pixels: "
    assert found.startswith(f"mine/{encoder}_vtn: clip.size is 64: {reason}")
    assert found.endswith(". Set clip.size to 224, which it takes, or choose another encoder.")
    assert "\n" not in found
    assert told(f"{encoder}_vtn", clip={"size": 224}) == ""


def test_an_encoder_that_a_decoder_cannot_change():
    found = told("vgg11_tsm")
    assert found.startswith("mine/vgg11_tsm: encoder 'vgg11' cannot be used with tsm: it has no residual blocks")
    assert "\n" not in found
    assert told("vgg11_tcn") == told("resnet34_tsm") == told("vit_tiny_patch16_224_tsm") == ""


def test_what_a_network_cannot_be_trained_with():
    drops, layers = {"drop_path_rate": 0.1}, {"layer_decay": 0.5}
    assert told("densenet121_vtn", network=drops).startswith(
        "mine/densenet121_vtn: 'densenet121': network.drop_path_rate"
    )
    assert told("r3d_18", network=drops).startswith("mine/r3d_18: 'r3d_18': network.drop_path_rate is 0.1")
    assert told("rmnet_vtn", training=layers).startswith(
        "mine/rmnet_vtn: model 'rmnet_vtn': training.layer_decay is 0.5"
    )
    assert told("resnet18_vtn", network=drops | {"head_dropout": 0.5}, training=layers) == ""


def test_kept_features_are_of_encoders_that_need_not_run():
    frozen = {"encoder_lr_factor": 0, "feature_views": 2}
    for model in (NAME, "efficientnet_lite0_attn_pool_two_stream", "r3d_18"):
        assert told(model, training=frozen) == ""
    start = f"mine/{NAME}: training.feature_views is 2, which trains on kept features of a frozen encoder, but "
    for sections, reason in (
        ({"training": {"feature_views": 2}}, "training.encoder_lr_factor is 1, so it learns. Set that to 0"),
        ({"training": frozen | {"mixup_alpha": 0.2}}, "training.mixup_alpha is 0.2, which blends pixels"),
        ({"training": frozen | {"cutmix_alpha": 1}}, "training.cutmix_alpha is 1, which blends pixels"),
        ({"training": frozen | {"compile": True}}, "training.compile is true"),
        ({"training": frozen, "network": {"drop_path_rate": 0.1}}, "network.drop_path_rate is 0.1"),
    ):
        found = told(NAME, **sections)
        assert found.startswith(start + reason)
        assert found.endswith(", or feature_views to 0.")
    taught = {"student": {"training": {"teacher": "resnet34_vtn"}}}
    found = told(f"{NAME}@student", training=frozen, variants=taught)
    assert "but a teacher looks at clips. Set training.teacher to null, or" in found
    assert "but of tsm its encoder mixes neighbouring frames" in told("resnet18_tsm", training=frozen)


def test_a_network_that_cannot_be_an_encoder():
    found = told("coat_tiny_vtn", clip={"size": 64})
    assert "clip.size is 64: encoder 'coat_tiny': timm cannot build it without pooling for 64 pixels: " in found
    assert found.endswith(". Choose another encoder, it takes none of 32, 96, 112, 128 or 224 either.")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "mobilenetv3_large_100.foo_vtn",
            "model 'mobilenetv3_large_100.foo_vtn': timm has no weights 'foo' of 'mobilenetv3_large_100'; it has "
            "miil_in21k, miil_in21k_ft_in1k, ra4_e3600_r224_in1k, ra_in1k.",
        ),
        ("resnet35_vtn", "model 'resnet35_vtn': unknown encoder 'resnet35'; did you mean 'resnet"),
        ("resnet35.a1_in1k_vtn", "model 'resnet35.a1_in1k_vtn': unknown encoder 'resnet35.a1_in1k'"),
    ],
)
def test_a_network_or_a_tag_that_timm_does_not_have(model, message):
    assert told(model).startswith(message)
    assert told("mobilenetv3_large_100.ra_in1k_vtn") == ""


@pytest.mark.parametrize("file", DEPLOYED)
def test_what_cannot_be_exported(file, monkeypatch):
    monkeypatch.setitem(EXPORT_OBSTACLES, "r3d_18", "for a reason")
    assert told("r3d_18") == ""
    assert told("r3d_18", file) == "mine/r3d_18: 'r3d_18' cannot be exported: for a reason."
    assert "cannot be exported" not in told("mvit_v2_s", file)
    opset = {"opset": 21}
    assert told("swin3d_t", deployment=opset) == ""
    assert told("swin3d_t", file, deployment=opset) == (
        "mine/swin3d_t: deployment.opset is 21; 'swin3d_t' needs 20 or less. Set it to 20."
    )
    assert told("resnet34_vtn", file, deployment=opset) == ""


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("r3d_18", "as its network looks at whole clips. Ask for its model.xml"),
        (
            "resnet34_tsm",
            "as its encoder mixes neighbouring frames. Ask for its model.xml, or set network.bidirectional: false,",
        ),
        ("resnet34_tsm_two_stream", "as two networks look at its frames. Ask for its model.xml, or for a model"),
        ("resnet34_vtn_two_stream", "as two networks look at its frames. Ask for its model.xml"),
        ("resnet34_vtn_two_stream_flow@fast", "as two networks look at its frames. Ask for its model.xml"),
    ],
)
def test_what_cannot_be_cut_in_two(model, reason):
    line = told(model, "streaming/decoder.xml", variants={"fast": {}})
    assert line.startswith(
        f"mine/{model}: cannot be cut into an encoder of frames and a decoder for streaming/, {reason}"
    )
    assert told(model, "int8/streaming/encoder.xml", variants={"fast": {}}) == line
    for file in ("streaming/encoder.xml", "streaming/labels.txt", "int8/streaming/decoder.xml"):
        assert told("resnet34_vtn_rgbdiff", file) == told("resnet34_lstm", file) == ""
        assert told("resnet34_tsm@network.bidirectional=false", file) == ""
        back = {"network": {"bidirectional": False}}
        assert told("resnet34_tsm_rgbdiff", file, **back) == ""
        assert "two networks look at its frames" in told("resnet34_tsm_two_stream", file, **back)


@pytest.mark.parametrize(("folder", "beside"), [("int8", "model.xml"), ("int8/streaming", "encoder.xml")])
def test_the_record_of_an_int8_model_comes_with_it(folder, beside):
    line = told("resnet34_vtn", f"{folder}/quantization.json")
    assert line == (
        f"results/mine/resnet34_vtn/{folder}/quantization.json: is written with {beside} beside it; ask for that"
    )


def test_float16_needs_a_gpu(monkeypatch):
    half = {"precision": "16-mixed"}
    monkeypatch.setattr(obstacles, "has_gpu", lambda: False)
    assert told("resnet34_vtn", training=half) == (
        "mine/resnet34_vtn: training.precision is 16-mixed, which needs a GPU; PyTorch finds none here. Set it to "
        "32-true or bf16-mixed."
    )
    assert told("resnet34_vtn", training={"precision": "bf16-mixed"}) == ""
    found = told("resnet34_vtn", training=half | {"accelerator": "cpu"})
    assert "training.precision is 16-mixed, which needs a GPU, and training.accelerator is cpu. Set the one" in found
    assert told("resnet34_vtn_two_stream", training=half, overrides=[{"model": "*stream", "training": half}])
    check_experiment(load(training=half), "mine", "resnet34_vtn", lambda: False)  # on a cluster
    monkeypatch.setattr(obstacles, "has_gpu", lambda: True)
    assert told("resnet34_vtn", training=half) == ""


def test_what_is_not_trained_needs_no_gpu(project, monkeypatch):
    monkeypatch.setattr(obstacles, "has_gpu", lambda: False)
    (project / "weights.pth").touch()
    training = {"precision": "16-mixed", "schedule": "plateau", "train": False}
    assert told("resnet34_vtn", training=training, network={"weights": "weights.pth"}) == ""


@pytest.mark.parametrize("is_there", [False, True])
def test_pytorch_is_asked_where_no_gpu_is_seen(monkeypatch, is_there):
    monkeypatch.setattr(obstacles, "GPU_FILES", ("no such file",))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: is_there)
    assert has_gpu() == is_there
    monkeypatch.setattr(obstacles, "GPU_FILES", ("nul[l]",))
    assert has_gpu()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], True),
        (["-n"], True),
        (["--cores", "2", "results/a/b/model.pth"], True),
        (["--executor", "slurm"], False),
        (["--profile", "cluster"], False),
        (["--profile", "plain"], True),
        (["--mode", "remote", "--cores", "2"], False),
        (["--attempt", "no number"], False),
    ],
)
def test_where_jobs_run(project, monkeypatch, capsys, arguments, expected):
    for name, line in (("cluster", "executor: slurm"), ("plain", "keep-going: true")):
        (project / name).mkdir()
        (project / name / "config.yaml").write_text(line + "\n")
    assert runs_here(arguments) == expected
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("rows", "is_told"),
    [("", True), ("c,x,validation\n", False), ("c,x,val\n", False), ("c,x,testing\n", True)],
)
def test_plateau_needs_validation_videos(project, rows, is_told):
    (project / "list.csv").write_text(LIST + rows)
    obstacles._has_validation.cache_clear()
    expected = (
        "mine/resnet34_vtn: training.schedule is plateau, which follows the accuracy on validation videos; the list "
        "(list.csv) has none with a label. Give some videos the subset validation, or set training.schedule to another "
        "one."
    )
    assert told("resnet34_vtn", training={"schedule": "plateau"}) == (expected if is_told else "")
    assert told("resnet34_vtn", training={"schedule": "cosine"}) == ""


def test_the_best_epoch_needs_validation_videos_where_it_is_asked_for(project):
    (project / "list.csv").write_text(LIST)
    obstacles._has_validation.cache_clear()
    assert told("resnet34_vtn", training={"keep": "best"}) == (
        "mine/resnet34_vtn: training.keep is best, which goes by the accuracy on validation videos; the list "
        "(list.csv) has none with a label. Give some videos the subset validation, or set training.keep to last."
    )
    assert told("resnet34_vtn", training={"keep": "last"}) == told("resnet34_vtn") == ""


def test_a_list_that_is_wrong_is_told_by_its_own_rule(project):
    (project / "list.csv").write_text("nothing")
    obstacles._has_validation.cache_clear()
    assert told("resnet34_vtn", training={"schedule": "plateau"}) == ""


def test_a_check_of_well_known_models_imports_nothing_heavy(project):
    code = (
        "import sys\n"
        "from kinema.experiment.files import load_config\n"
        "from kinema.experiment.targets import check_target\n"
        "data = {'annotations': {'path': 'list.csv'}, 'videos': 'videos'}\n"
        "config = load_config({'datasets': {'mine': data}})\n"
        "for model in ('resnet34_vtn', 's3d', 'resnet34_vtn_two_stream'):\n"
        "    check_target(config, f'results/mine/{model}/model.xml', lambda: True)\n"
        "assert not {'torch', 'timm', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True)


def takes(network, *shape) -> bool:
    try:
        with torch.no_grad():
            return network(torch.empty(*shape, device="meta")).isfinite() is not None
    except (AssertionError, RuntimeError, ValueError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIP_NETWORKS)
def test_the_table_of_lengths_is_true(name):
    with torch.device("meta"):
        network = clip_networks[name](name).eval()
    assert network.min_frames == MIN_FRAMES.get(name, 1)
    for length in LENGTHS:
        for size in SIZES:
            assert takes(network, 2, 3, length, size, size) == (length >= network.min_frames), (length, size)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODERS)
def test_our_encoders_take_every_size(name):
    for size in (33, 100, *SIZES):
        with torch.device("meta"):
            create_encoder(name, "none", size=size)
