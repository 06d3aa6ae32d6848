"""What is asked for wrongly stops before anything runs, in words that help; what goes wrong later leaves no model."""

import pytest
from project import MODEL, NAME, executed

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("results/tyni/efficientnet_lite0_vtn/model.xml", "unknown data set 'tyni'; did you mean 'tiny'?"),
        ("results/tiny/efficientnet_lite00_vtn/model.pth", "did you mean 'efficientnet_lite0_vtn'"),
        ("results/tiny/efficientnet_lite0_vtm/evaluation.json", "did you mean 'efficientnet_lite0_vtn'"),
        ("results/tiny/efficientnet_lite0_vtn@quik/model.xml", "unknown variant 'quik'"),
    ],
)
def test_unknown_targets(finished, target, message):
    output = finished.snakemake(target, check=False)
    assert message in output
    assert not executed(output)


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        (f"{MODEL}/model.xlm", f"{MODEL}/model.xml"),
        (f"result/tiny/{NAME}/model.xml", f"{MODEL}/model.xml"),
        (f"{MODEL}/evaluation.jsn", f"{MODEL}/evaluation.json"),
        ("results/tiny/clip.parquet", "results/tiny/clips.parquet"),
    ],
)
def test_a_wrong_name_of_a_file(finished, target, meant):
    for path in (target, f"./{target}", str(finished.root / target)):
        output = finished.snakemake(path, check=False)
        assert f"{path}: no rule makes this; did you mean '{meant}'?" in output
    assert not executed(output)


def test_a_rule_is_a_target(finished):
    assert finished.planned("all") >= {"render_demo"}
    assert finished.planned("render_demo") == {"render_demo"}


@pytest.mark.parametrize(
    "name", ["efficientnet-lite0_vtn", "efficientnet_lite0_baseline", "efficientnet_lite0_vtn@quick"]
)
def test_known_targets(finished, name):
    assert "verify" in finished.planned(f"results/tiny/{name}/model.xml")


def test_the_report_of_snakemake_may_lie_among_the_results(project):
    (project.root / "results/report").mkdir()
    page = "results/report/index.html"
    assert "Report created" in project.snakemake(f"{MODEL}/model.xml", "--report", page)
    assert NAME in (project.root / page).read_text()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("config/config.yaml", "  epochs: 30", "  epoch: 30", "config.yaml: training.epoch: unknown key; did you mean"),
        ("config/config.yaml", "lr: 1.0e-4", "lr: fast", "config.yaml: training.lr:"),
        ("config/config.yaml", "  seed: 1", "  seed: 1\n  seed: 2", ": not valid YAML: key 'seed' stands in line"),
        ("config/config.yaml", "training:", "training: [", "config.yaml, line"),
        ("config/datasets/tiny.yaml", "epochs: 1", "epochs: 1\n  epochs: 2", "tiny.yaml, line"),
        ("config/datasets/tiny.yaml", "list.csv", "lost.csv", "'data/tiny/lost.csv' does not exist"),
        ("config/datasets/tiny.yaml", "tiny/videos", "tiny/vidoes", "'data/tiny/vidoes' does not exist"),
    ],
)
def test_a_wrong_configuration(project, file, old, new, message):
    project.edit(file, old, new)
    output = project.snakemake(f"{MODEL}/model.xml", check=False)
    assert message in output
    assert not executed(output)


def test_a_key_that_stands_twice_in_a_file_of_the_command_line(finished, tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("training: {lr: 0.1}\ntraining: {epochs: 1}\n")
    output = finished.snakemake("-n", f"{MODEL}/model.xml", "--configfile", str(path), check=False)
    assert f"{path}, line 2, column 1: not valid YAML: key 'training' stands in line 1 already." in output
    assert not executed(output)


def test_what_is_named_for_a_run_wins_over_the_data_set(finished, tmp_path):
    path = tmp_path / "longer.yaml"
    path.write_text("training: {epochs: 3}\noverrides:\n  - {dataset: tini, training: {epochs: 4}}\n")
    output = finished.snakemake("-n", f"{MODEL}/model.xml", "--configfile", str(path))
    assert "train" in executed(output)
    assert f"{path}: overrides.0.dataset: 'tini' matches no data set" in output
    assert "train" in finished.planned(f"{MODEL}/model.xml", "--config", "training={epochs: 3}")
    assert not finished.planned(f"{MODEL}/model.xml")


def test_a_model_that_differs_from_its_ir_is_not_shipped(project):
    # an error in the exported graph: the pixels are no longer divided by the deviation
    project.edit(
        "kinema/deployment/onnx_model.py",
        "    program = torch.onnx.export(",
        "    part.module.pixel_std.fill_(1.0)\n    program = torch.onnx.export(",
    )
    output = project.snakemake(f"{MODEL}/model.xml", check=False)
    assert "model.onnx in ONNX Runtime differs from PyTorch by" in output
    assert "deployment.parity_tolerance" in output
    # neither the new IR nor the one of the run before
    assert not [path for folder in ("results", "work") for path in (project.root / folder).rglob("*.xml")]
    assert not (project.root / MODEL / "model.onnx").exists()


def test_too_many_missing_videos_stop_with_reasons(project):
    for path in list((project.root / "data/tiny/videos").rglob("*val*.mp4")):
        path.unlink()
    output = project.snakemake(f"{MODEL}/model.xml", check=False)
    assert "2 of 6 videos are missing or failed, more than max_failed_fraction = 0.1" in output
    assert "grow_val_000: missing" in output
    assert (project.root / "results/tiny/dataset_report.json").exists()
    assert "train" not in executed(output)


def test_a_list_with_nothing_to_score_on_stops_what_would_be_scored(project):
    table = project.root / "data/tiny/list.csv"
    with_validation = table.read_text()
    table.write_text(with_validation.replace(",validation", ",training"))
    output = project.snakemake(f"{MODEL}/model.xml", check=False)
    assert "no validation and no testing rows with a label: a model can be trained, but neither scored nor" in output
    assert "`kinema split data/tiny/list.csv` draws subsets." in output
    assert executed(output) == {"annotations"}
    # the rest can be made, and says that this is all
    output = project.snakemake("results/tiny/clips.parquet")
    assert "kinema: data/tiny/list.csv: no validation and no testing rows with a label" in output
    output = project.snakemake(f"{MODEL}/evaluation.json", check=False)
    assert "clips.parquet: no validation and no testing rows with a label" in output
    assert executed(output) == {"train"}
    output = project.snakemake(f"{MODEL}/parity.json")
    assert executed(output) == {"train", "export", "convert"}, "what needs no scores is made without"
    # a list that was mended is read, whatever the index of the old one says
    table.write_text(with_validation)
    assert "annotations" in project.planned(f"{MODEL}/evaluation.json")
