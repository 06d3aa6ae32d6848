"""What a training starts from: which models the workflow makes first, and what is refused."""

import pytest

from kinema.experiment.files import ConfigError, load_config
from kinema.experiment.starts import start_files
from kinema.experiment.targets import check_target

NET = "efficientnet-lite0_vtn"
TWO = "efficientnet-lite0_vtn_two-stream"


def load(ucf101=None, kinetics=None, **values):
    base = {"annotations": {"path": "list.csv"}, "videos": "."}
    datasets = {"ucf101": base | (ucf101 or {}), "kinetics": base | (kinetics or {})}
    return load_config({"dataset_dir": "no/such/folder", "datasets": datasets, **values})


def training(**values):
    return {"training": values}


@pytest.mark.parametrize(
    ("own", "model", "expected"),
    [
        ({}, NET, {}),
        (training(init_from="kinetics"), NET, {"training.init_from": f"results/kinetics/{NET}/model.pth"}),
        (training(init_from="kinetics"), f"{NET}@hot", {"training.init_from": f"results/kinetics/{NET}/model.pth"}),
        (training(init_from="a/b.pth"), NET, {"training.init_from": "a/b.pth"}),
        (training(init_from="b.pth"), NET, {"training.init_from": "b.pth"}),
        (training(train=False) | {"network": {"weights": "a.pth"}}, NET, {"network.weights": "a.pth"}),
        (training(train=False, init_from="kinetics", teacher="resnet34_vtn"), NET,
         {"training.init_from": f"results/kinetics/{NET}/model.pth"}),
        ({}, TWO, {"rgb": f"results/ucf101/{NET}/model.pth", "motion": f"results/ucf101/{NET}_rgbdiff/model.pth"}),
        ({}, f"{TWO}@hot",
         {"rgb": f"results/ucf101/{NET}@hot/model.pth", "motion": f"results/ucf101/{NET}_rgbdiff@hot/model.pth"}),
        ({"network": {"weights": "a.pth"}}, TWO, {"network.weights": "a.pth"}),
        ({"network": {"encoder_weights": "a.pth"}}, NET, {"network.encoder_weights": "a.pth"}),
        ({"media": {"modality": "flow"}}, f"{NET}_flow", {}),
        ({}, "resnet34_vtn", {"network.encoder_weights": "weights/timm/resnet34.safetensors"}),
        ({}, "r3d_18", {"network.encoder_weights": "weights/torchvision/r3d_18.pth"}),
        ({"network": {"encoder_weights": "none"}}, "resnet34_vtn", {}),
        ({"network": {"weights": "a.pth"}}, "resnet34_vtn", {"network.weights": "a.pth"}),
        (training(init_from="b.pth"), "resnet34_vtn", {"training.init_from": "b.pth"}),
        ({}, "resnet34_vtn_two_stream",
         {"rgb": "results/ucf101/resnet34_vtn/model.pth", "motion": "results/ucf101/resnet34_vtn_rgbdiff/model.pth"}),
    ],
)  # fmt: skip
def test_starts(own, model, expected):
    assert start_files(load(own, variants={"hot": training(lr=0.4)}), "ucf101", model) == expected


def test_a_teacher_is_a_model_of_the_same_data_set():
    student = {"model": NET} | training(teacher="se-resnext101-32x4d_vtn@hot")
    config = load(overrides=[student], variants={"hot": training(lr=0.4)})
    assert start_files(config, "ucf101", NET) == {
        "training.teacher": "results/ucf101/se-resnext101-32x4d_vtn@hot/model.pth"
    }


@pytest.mark.parametrize(
    ("config", "model", "message"),
    [
        (load(training(init_from="kinetiks")), NET, r"init_from: unknown data set 'kinetiks'; did you mean 'kin"),
        (load(**training(init_from="kinetics")), NET,
         rf"start from itself: ucf101/{NET} <- kinetics/{NET} <- kinetics/{NET}".replace("-l", "_l")),
        (load(training(init_from="kinetics"), training(init_from="ucf101")), NET, "start from itself"),
        (load(**training(teacher=NET)), NET, r"training.teacher: a model would start from itself: .*`overrides` with"),
        (load(training(teacher="resnet34_vtm")), NET, "did you mean 'resnet34_vtn'"),
        (load(training(teacher="resnet34_vtn@fast")), NET, "unknown variant 'fast'"),
        (load(training(train=False)), NET, "training.train is false, but no model is named: set network.weights"),
        (load(training(init_from="kinetics") | {"network": {"weights": "a.pth"}}), NET, "both name a start"),
        (load(), f"{NET}_flow", r"takes flow, the frames of 'ucf101' are rgb \(media.modality\): choose"),
        (load({"media": {"modality": "flow"}}), NET, r"takes rgb, the frames of 'ucf101' are flow"),
        (load(), f"{TWO}_flow", r"takes rgb\+flow, the frames of 'ucf101' are rgb .*modality: rgb\+flow}`, which has"),
        (load(training(init_from="kinetics"), {"media": {"modality": "flow"}}), NET,
         "the frames of 'kinetics' are flow"),
        (load(network={"encoder_weights": "bundled"}), "resnet34_vtn",
         "^ucf101/resnet34_vtn: encoder 'resnet34': encoder_weights is `bundled`, but only efficientnet_lite0 has"),
    ],
)  # fmt: skip
def test_refused(config, model, message):
    with pytest.raises(ConfigError, match=message):
        start_files(config, "ucf101", model)


def test_published_weights_need_not_be_there_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").touch()
    for settings in ({}, {"network": {"encoder_weights": "weights/timm/resnet34.safetensors"}}):
        check_target(load(settings), "results/ucf101/resnet34_vtn/model.xml")
    own = load({"network": {"encoder_weights": "weights/mine.pth"}})
    with pytest.raises(ConfigError, match=r"'weights/mine\.pth' is no file, and none of auto, bundled, timm"):
        check_target(own, "results/ucf101/resnet34_vtn/model.xml")


def test_a_file_that_is_not_there_is_told_before_anything_runs_even_of_a_model_made_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").touch()
    config = load(training(init_from="kinetics"), training(init_from="lost.pth"))
    with pytest.raises(ConfigError, match=r"training\.init_from: 'lost\.pth' is no file"):
        check_target(config, f"results/ucf101/{NET}/model.xml")
