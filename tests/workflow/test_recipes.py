"""The recipes of the reference's published models: shipped as overrides, and each of them can be planned."""

import pytest
from project import REPOSITORY, Project, copy_code

from kinema.experiment.files import load_config, read_yaml
from kinema.experiment.resolve import resolve

RGB_AND_MOTION = ("", "_rgbdiff")
# data set, model, lr, batch size, whether pixels are normalised
RECIPES = [
    ("kinetics", "mobilenetv2_vtn", 1e-4, 32, True),
    *(("kinetics", f"resnet34_vtn{stream}", 1e-4, 32, True) for stream in RGB_AND_MOTION),
    *(("kinetics", f"se-resnext101-32x4d_vtn{stream}", 1e-4, 32, False) for stream in RGB_AND_MOTION),
    *(("ucf101_1", f"resnet34_vtn{stream}", 1e-5, 16, True) for stream in RGB_AND_MOTION),
    *(("ucf101_1", f"se-resnext101-32x4d_vtn{stream}", 1e-5, 16, False) for stream in RGB_AND_MOTION),
    *(("hmdb51_1", f"se-resnext101-32x4d_vtn{stream}", 1e-5, 16, False) for stream in RGB_AND_MOTION),
]
LISTS = {
    "kinetics/annotations/train.csv": "label,youtube_id,time_start,time_end,split\nrun,aaaaaaaaaaa,0,10,train\n",
    "kinetics/annotations/val.csv": "label,youtube_id,time_start,time_end,split\nrun,bbbbbbbbbbb,0,10,validate\n",
    "ucf101/annotations/classInd.txt": "1 Run\n",
    **{f"ucf101/annotations/trainlist0{split}.txt": "Run/v_Run_g01_c01.avi 1\n" for split in (1, 2, 3)},
    **{f"ucf101/annotations/testlist0{split}.txt": "Run/v_Run_g02_c01.avi\n" for split in (1, 2, 3)},
    **{f"hmdb51/annotations/run_test_split{split}.txt": "a.avi 1\nb.avi 2\n" for split in (1, 2, 3)},
}


@pytest.fixture(scope="module")
def config():
    path = REPOSITORY / "config/config.yaml"
    return load_config(read_yaml(path), files=[path], root=REPOSITORY)


@pytest.mark.parametrize(("dataset", "model", "lr", "batch_size", "normalize"), RECIPES)
def test_a_recipe_is_what_was_published(config, dataset, model, lr, batch_size, normalize):
    settings = resolve(config, dataset, model).settings
    training = settings.training
    assert (training.lr, training.batch_size, settings.network.normalize) == (lr, batch_size, normalize)
    assert (settings.clip.length, settings.clip.stride, settings.clip.size) == (16, 2, 224)


@pytest.mark.parametrize("model", [model for _, model, *_ in RECIPES[:5]])
def test_other_data_sets_have_no_recipe_of_these(config, model):
    bare = config.model_copy(update={"overrides": []})
    assert resolve(config, "demo", model) == resolve(bare, "demo", model)


@pytest.mark.workflow
def test_all_recipes_can_be_planned(tmp_path):
    copy_code(tmp_path / "project")
    project = Project(tmp_path / "project")
    for name, text in LISTS.items():
        path = project.root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.with_name("videos").mkdir(exist_ok=True)
        path.write_text(text)
    targets = [f"results/{dataset}/{model}/model.pth" for dataset, model, *_ in RECIPES]
    assert project.snakemake("-n", *targets).count("\nrule train:") == len(RECIPES)
    fine_tuned = project.snakemake("-n", "results/ucf101_1/resnet34_vtn@from_kinetics/model.pth")
    assert fine_tuned.count("\nrule train:") == 2
    assert "output: results/kinetics/resnet34_vtn/model.pth" in fine_tuned
