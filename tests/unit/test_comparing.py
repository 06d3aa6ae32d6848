"""Which models a leaderboard compares, and what is told of it before anything runs."""

import json

import pytest

from kinema.experiment.comparing import compared_models, listed_files, with_listed
from kinema.experiment.config import Config
from kinema.experiment.files import ConfigError, load_config
from kinema.experiment.scoring import scored_json
from kinema.experiment.starts import trained_behind
from kinema.experiment.targets import check_target

BOARD = "results/mine/leaderboard.md"
LISTED = ["efficientnet_lite0_vtn@quick", "resnet34_baseline"]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "list.csv").write_text("video,label,subset\na,x,training\nb,y,validation\n")
    for name in ("resnet18_vtn", "gone_vtn@old", "resnet18_lstm"):
        (tmp_path / "results/mine" / name).mkdir(parents=True)
    for name in ("resnet18_vtn", "gone_vtn@old"):
        (tmp_path / "results/mine" / name / "evaluation.json").touch()
    return tmp_path


def load(*models, **sections) -> Config:
    mine = {"annotations": {"path": "list.csv"}, "videos": "videos", "leaderboard": list(models)}
    return load_config({"datasets": {"mine": mine}, "variants": {"quick": {"training": {"epochs": 1}}}, **sections})


def told(*models, target=BOARD, **sections) -> str:
    with pytest.raises(ConfigError) as error:
        check_target(load(*models, **sections), target)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_list_decides_and_without_one_what_is_there():
    assert compared_models(load(*LISTED, *LISTED), "mine") == LISTED
    assert compared_models(load(), "mine") == ["gone_vtn@old", "resnet18_vtn"]
    assert listed_files(load(), "mine") == []
    assert listed_files(load(LISTED[0]), "mine") == [
        f"results/mine/{LISTED[0]}/{name}" for name in ("evaluation.json", "predictions.parquet", "training.json")
    ]


def test_a_leaderboard_stands_for_the_models_that_are_listed_for_it():
    config = load(*LISTED)
    assert with_listed(config, ["all", "results/mine/clips.parquet"]) == ["all", "results/mine/clips.parquet"]
    assert with_listed(config, [f"./{BOARD}"]) == [f"./{BOARD}", *listed_files(config, "mine")]
    assert with_listed(load(), [BOARD]) == [BOARD]
    assert trained_behind(config, [BOARD]) == [("mine", model) for model in LISTED]
    assert trained_behind(load(), [BOARD]) == []
    page = "results/mine/resnet34_baseline/report/index.html"
    assert trained_behind(load(), [page]) == [("mine", "resnet34_baseline")]
    assert json.loads(scored_json(config, [BOARD], "mine")) == [["testing", "validation"]]
    assert json.loads(scored_json(load(), [BOARD], "mine")) == []


@pytest.mark.parametrize("ending", ["csv", "md", "html"])
def test_a_list_of_models_that_can_be_made_passes(ending):
    check_target(load(*LISTED), f"results/mine/leaderboard.{ending}")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("efficientnet_lite0_vtm", "model 'efficientnet_lite0_vtm': it is no clip network and does not end in a known"),
        ("resnet34_vtn@slow", "unknown variant 'slow' in 'resnet34_vtn@slow'"),
        ("resnet34_vtn_flow", "'resnet34_vtn_flow' takes flow, the frames of 'mine' are rgb"),
    ],
)
def test_a_listed_model_that_cannot_be_made_is_one_line(model, message):
    assert told(LISTED[0], model).startswith(f"datasets.mine.leaderboard: {message}")


def test_of_models_that_are_there_neither_list_nor_videos_are_needed(project):
    (project / "list.csv").unlink()
    check_target(load(), BOARD)
    assert "'list.csv'" in told(*LISTED)


def test_no_model_at_all_is_told_with_what_to_do(project):
    for path in project.glob("results/mine/*/evaluation.json"):
        path.unlink()
    assert told() == (
        "results/mine: no model there has an evaluation.json. Name models in config/datasets/mine.yaml, "
        "`leaderboard: [...]`, which are then made, or run snakemake for results/mine/MODEL/evaluation.json first."
    )
    assert told(target="results/mime/leaderboard.md").startswith("unknown data set 'mime'; did you mean 'mine'?")


@pytest.mark.parametrize("name", ["a/b", "", 3])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ConfigError, match=r"datasets\.mine\.leaderboard\.0: "):
        load(name)
